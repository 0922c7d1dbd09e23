"""What concerns several workspaces at once stands in the audit log of each of them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from tenancy.audit import record_audit
from tenancy.models import Organization, Tenant, User
from tenancy.scope import tenant_scope


def record_everywhere(
    action: str,
    *,
    organization: Organization,
    workspaces: Sequence[Tenant] | None,
    target: str,
    data: dict[str, Any],
    actor: User | None,
    now: datetime,
) -> None:
    """One entry per workspace, each written in its own scope; None: all of the organization's.

    Call it inside the transaction of the change and outside of every scope.
    """
    if workspaces is None:
        workspaces = list(Tenant.objects.filter(organization=organization).order_by("id"))
    for workspace in workspaces:
        with tenant_scope(workspace.id):
            record_audit(action, target=target, data=data, actor=actor, now=now)
