"""The team: who may enter which workspace as what, changed by those only who may as much."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import Q

from api.problems import FieldError, Invalid, NotFound, Problem
from tenancy.domain.invites import grant_errors, open_invites, workspaces_of_grant
from tenancy.domain.reach import Reach
from tenancy.domain.records import record_everywhere
from tenancy.models import Invite, Membership, Organization, Tenant
from tenancy.permissions import ROLES, grantable_roles

_Access = tuple[str, dict[UUID, Tenant]]


@dataclass(frozen=True, slots=True)
class TeamLine:
    """One member as the team page shows them.

    `clients`: names within the reader's own reach, None for every client; `slugs` of the same;
    `more`: how many others there are. `roles`: what the reader may make of them, empty when they
    are beyond reach.
    """

    id: UUID
    name: str
    email: str
    role: str
    clients: tuple[str, ...] | None
    slugs: tuple[str, ...]
    more: int
    roles: tuple[str, ...]
    is_you: bool
    is_last_owner: bool


def team_of(reach: Reach, workspace: Tenant | None = None) -> list[TeamLine]:
    """Who may enter this workspace, or any that the reader sees; the strongest roles first. Three
    queries."""
    rows = _members(reach.organization)
    owners = sum(_is_full_owner(row) for row in rows)
    shown = [row for row in rows if _enters(row, workspace, reach)]
    order = list(ROLES)
    shown.sort(key=lambda row: (order.index(row.role), row.user.name.lower(), row.user.email))
    return [_line(row, reach, owners) for row in shown]


def invites_for(reach: Reach, *, workspace: Tenant | None = None, wall: datetime) -> list[Invite]:
    """Open invitations, to this workspace or to any, that the reader could take back."""
    return [
        invite
        for invite in open_invites(reach.organization, wall=wall)
        if reach.may_grant(invite.role)
        and reach.covers(workspaces_of_grant(invite))
        and _enters(invite, workspace, reach)
    ]


def _enters(grant: Membership | Invite, workspace: Tenant | None, reach: Reach) -> bool:
    """Whether it opens this workspace; without one, whether it opens any of the reader's."""
    if grant.all_workspaces:
        return True
    opened = grant.workspaces.all()
    if workspace is not None:
        return workspace in opened
    return reach.workspaces is None or any(one.id in reach.workspaces for one in opened)


@transaction.atomic
def change_role(member_id: UUID, *, role: str, by: Reach, now: datetime) -> Membership:
    """Raises `Invalid` for an unknown role, `Problem` forbidden (403) or last_owner (409), and
    `NotFound`. Giving the role somebody has is harmless."""
    member = _member_for_update(member_id, by)
    if role not in ROLES:
        raise Invalid([FieldError("role", "unknown_role", f"One of: {', '.join(ROLES)}.")])
    if not by.may_grant(role):
        raise _beyond()
    if role == member.role:
        return member
    _keep_an_owner(member)
    before, member.role = member.role, role
    member.save(update_fields=["role"])
    _record("member.role_changed", member, by, {"from": before, "to": role}, now)
    return member


@transaction.atomic
def change_access(
    member_id: UUID, *, role: str, workspaces: Collection[Tenant] | None, by: Reach, now: datetime
) -> Membership:
    """Sets which clients somebody may enter, and as what. `workspaces` None: all of them, also those
    to come. The same again is harmless.

    Raises `Invalid` that names the field for a role or clients that `by` may not give, and as
    `change_role` for whom `by` may not change; the last owner of all clients stays that.
    """
    member = _member_for_update(member_id, by)
    errors = grant_errors(role, workspaces, organization=by.organization, by=by)
    if errors:
        raise Invalid(errors)
    before = member.role, _opened(workspaces_of_grant(member), by)
    was_all, is_all = member.all_workspaces, workspaces is None
    if not (role == "owner" and is_all):
        _keep_an_owner(member)
    member.role, member.all_workspaces = role, is_all
    member.save(update_fields=["role", "all_workspaces"])
    member.workspaces.set(workspaces or ())
    after = role, _opened(None if workspaces is None else list(workspaces), by)
    _record_access(member, by, before, after, differs=was_all != is_all, now=now)
    return member


@transaction.atomic
def remove_member(member_id: UUID, *, by: Reach, now: datetime) -> Membership:
    """Takes somebody off the team; their account and what they did stay. Raises as above."""
    member = _member_for_update(member_id, by)
    _keep_an_owner(member)
    _record("member.removed", member, by, {"role": member.role}, now)
    Membership.objects.filter(id=member.id).delete()
    return member


def _member_for_update(member_id: UUID, by: Reach) -> Membership:
    # The organization is the lock: of two owners who remove each other, the second is refused.
    Organization.objects.select_for_update(no_key=True).get(id=by.organization.id)
    if not by.can("manage_team"):
        raise _beyond()
    found = (
        Membership.objects.filter(id=member_id, organization=by.organization)
        .select_related("user", "organization")
        .first()
    )
    if found is None or not _shares(found, by):
        raise NotFound("This member")
    if not (by.may_grant(found.role) and by.covers(workspaces_of_grant(found))):
        raise _beyond()
    return found


def _opened(workspaces: list[Tenant] | None, by: Reach) -> dict[UUID, Tenant]:
    if workspaces is None:
        workspaces = list(Tenant.objects.filter(organization=by.organization))
    return {one.id: one for one in workspaces}


def _shares(member: Membership, by: Reach) -> bool:
    if by.workspaces is None or member.all_workspaces:
        return True
    return member.workspaces.filter(id__in=by.workspaces).exists()


def _keep_an_owner(member: Membership) -> None:
    if not _is_full_owner(member):
        return
    others = Membership.objects.filter(
        ~Q(id=member.id),
        organization=member.organization,
        role="owner",
        all_workspaces=True,
        user__is_active=True,
    )
    if not others.exists():
        raise Problem(
            "last_owner",
            "This is the last owner of all clients. Make somebody else an owner first.",
            status=409,
        )


def _is_full_owner(member: Membership) -> bool:
    return member.role == "owner" and member.all_workspaces


def _members(organization: Organization) -> Sequence[Membership]:
    return list(
        Membership.objects.filter(organization=organization, user__is_active=True)
        .select_related("user")
        .prefetch_related("workspaces")
    )


def _line(member: Membership, reach: Reach, owners: int) -> TeamLine:
    named = workspaces_of_grant(member)
    seen = sorted(
        (one.name, one.slug)
        for one in named or ()
        if reach.workspaces is None or one.id in reach.workspaces
    )
    changeable = reach.may_grant(member.role) and reach.covers(named)
    return TeamLine(
        id=member.id,
        name=member.user.name,
        email=member.user.email,
        role=member.role,
        clients=None if named is None else tuple(name for name, _ in seen),
        slugs=tuple(slug for _, slug in seen),
        more=0 if named is None else len(named) - len(seen),
        roles=tuple(grantable_roles(reach.role)) if changeable else (),
        is_you=member.user_id == reach.user.id,
        is_last_owner=_is_full_owner(member) and owners == 1,
    )


def _beyond() -> Problem:
    return Problem(
        "forbidden",
        "You cannot change somebody who may more, or sees more clients, than you do.",
        status=403,
    )


def _record(
    action: str, member: Membership, by: Reach, data: dict[str, str], now: datetime
) -> None:
    record_everywhere(
        action,
        organization=by.organization,
        workspaces=workspaces_of_grant(member),
        target=member.user.email,
        data=data,
        actor=by.user,
        now=now,
    )


def _record_access(
    member: Membership, by: Reach, before: _Access, after: _Access, *, differs: bool, now: datetime
) -> None:
    """Each client's log says what changed there; none names another client."""
    (was, had), (role, has) = before, after
    kept = [has[one] for one in has if one in had] if differs or was != role else []
    for change, workspaces in (
        ("given", [has[one] for one in has if one not in had]),
        ("taken", [had[one] for one in had if one not in has]),
        ("kept", kept),
    ):
        record_everywhere(
            "member.access_changed",
            organization=by.organization,
            workspaces=sorted(workspaces, key=lambda one: one.id),
            target=member.user.email,
            data={"change": change, "from": was, "to": role, "all": member.all_workspaces},
            actor=by.user,
            now=now,
        )
