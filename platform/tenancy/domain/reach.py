"""How far somebody's power goes in an organization: a role, in all workspaces or in some."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from tenancy.models import Membership, Organization, Tenant, User
from tenancy.permissions import can, can_grant


@dataclass(frozen=True, slots=True)
class Reach:
    """`workspaces` None: all of the organization's, also those to come."""

    user: User
    organization: Organization
    role: str
    workspaces: frozenset[UUID] | None

    def can(self, permission: str) -> bool:
        return can(self.role, permission)

    def may_grant(self, role: str) -> bool:
        return can_grant(self.role, role)

    def covers(self, workspaces: Iterable[Tenant] | None) -> bool:
        """Whether all of these lie within reach; None stands for every workspace."""
        if self.workspaces is None:
            return True
        return workspaces is not None and {one.id for one in workspaces} <= self.workspaces


def reach_of(user: User, organization_slug: str) -> Reach | None:
    """None for somebody who is no member. At most two queries."""
    membership = (
        Membership.objects.filter(user=user, organization__slug=organization_slug)
        .select_related("organization")
        .first()
    )
    return None if membership is None else reach_of_membership(user, membership)


def reach_of_membership(user: User, membership: Membership) -> Reach:
    named = (
        None
        if membership.all_workspaces
        else frozenset(membership.workspaces.values_list("id", flat=True))
    )
    return Reach(user, membership.organization, membership.role, named)
