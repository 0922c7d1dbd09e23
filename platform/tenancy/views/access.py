"""The dialog that says which clients somebody on the team sees, and as what: for both team pages."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from api.problems import Invalid
from tenancy.domain.members import TeamLine, change_access
from tenancy.domain.queries import WorkspaceLink
from tenancy.domain.reach import Reach
from tenancy.forms import AccessForm, take_over
from tenancy.models import Membership


@dataclass(frozen=True, slots=True)
class Access:
    """Whom the open dialog is about, and what stands in it."""

    line: TeamLine
    form: AccessForm


def read_access(given: Any, clients: Iterable[WorkspaceLink]) -> AccessForm:
    return AccessForm(given, slugs=[link.slug for link in clients])


def save_access(
    form: AccessForm, member_id: UUID, reach: Reach, *, now: datetime
) -> Membership | None:
    """None when the form was refused; what is wrong stands in it."""
    if not form.is_valid():
        return None
    try:
        return change_access(
            member_id,
            role=form.cleaned_data["role"],
            workspaces=form.chosen(reach.organization),
            by=reach,
            now=now,
        )
    except Invalid as problem:
        take_over(form, problem)
        return None


def find_access(
    team: Iterable[TeamLine], member_id: UUID | str, form: AccessForm | None = None
) -> Access | None:
    """The dialog for one of the team; None for nobody whom the reader may change."""
    line = next((one for one in team if str(one.id) == str(member_id)), None)
    if line is None or not line.roles or line.is_last_owner:
        return None
    reach = "all" if line.clients is None else "some"
    given = {"role": line.role, "reach": reach, "workspaces": line.slugs}
    return Access(line, form or AccessForm(initial=given))


def access_words(member: Membership) -> str:
    """`Mia is support now, in 2 clients.`"""
    count = member.workspaces.count()
    where = "all clients" if member.all_workspaces else f"{count} client{'s' if count > 1 else ''}"
    return f"{member.user.name} is {member.get_role_display().lower()} now, in {where}."
