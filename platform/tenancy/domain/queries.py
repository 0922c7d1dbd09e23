"""Reads that more than one edge needs. They run before a tenant's scope is open."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from django.db import connection
from django.db.models import Q

from tenancy.models import Membership, Tenant, User


@dataclass(frozen=True, slots=True)
class WorkspaceLink:
    """One line of the switcher."""

    id: UUID
    slug: str
    name: str
    accent: str
    organization: str
    role: str
    organization_slug: str = ""


def workspaces_of(user: User) -> list[WorkspaceLink]:
    """The workspaces a person may enter, by organization and name. Two queries."""
    memberships = list(
        Membership.objects.filter(user=user)
        .select_related("organization")
        .prefetch_related("workspaces")
    )
    links: list[WorkspaceLink] = []
    wanted = Q(pk__in=[])
    for membership in memberships:
        if membership.all_workspaces:
            wanted |= Q(organization_id=membership.organization_id)
        else:
            wanted |= Q(id__in=[workspace.id for workspace in membership.workspaces.all()])
    roles = {membership.organization_id: membership for membership in memberships}
    for tenant in Tenant.objects.filter(wanted, is_active=True).order_by("name", "id"):
        membership = roles[tenant.organization_id]
        links.append(
            WorkspaceLink(
                tenant.id,
                tenant.slug,
                tenant.name,
                tenant.accent,
                membership.organization.name,
                membership.role,
                membership.organization.slug,
            )
        )
    return sorted(links, key=lambda link: (link.organization, link.name))


def active_tenant_ids() -> list[UUID]:
    """Needs the router's scope."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT id FROM tenancy_tenant WHERE is_active ORDER BY id")
        return [row[0] for row in cursor.fetchall()]
