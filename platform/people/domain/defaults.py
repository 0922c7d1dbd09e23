"""How the workspace in scope reads what people write without saying which country they mean."""

from __future__ import annotations

import time
from dataclasses import dataclass
from uuid import UUID

from django.db import connection

from tenancy.scope import current_tenant_id, tenant_scope

_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class WorkspaceDefaults:
    """How this workspace reads national phone numbers, bare times and bare amounts."""

    country: str
    currency: str
    timezone: str


def workspace_defaults() -> WorkspaceDefaults:
    """Country, currency and zone of the workspace in scope; a few seconds old at most."""
    tenant_id = current_tenant_id()
    return _held_defaults(tenant_id) or _read_defaults(tenant_id)


def defaults_of(tenant_id: UUID) -> WorkspaceDefaults:
    """The same before a scope is open: opens one when the held value is too old."""
    held = _held_defaults(tenant_id)
    if held is not None:
        return held
    with tenant_scope(tenant_id):
        return _read_defaults(tenant_id)


def _held_defaults(tenant_id: UUID) -> WorkspaceDefaults | None:
    held = _defaults.get(tenant_id)
    return held[1] if held is not None and held[0] > time.monotonic() else None


def _read_defaults(tenant_id: UUID) -> WorkspaceDefaults:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT country, currency, timezone FROM tenancy_tenant WHERE id = %s", [tenant_id]
        )
        row = cursor.fetchone() or ("US", "USD", "UTC")
    found = WorkspaceDefaults(*row)
    if len(_defaults) > 10_000:
        _defaults.clear()
    _defaults[tenant_id] = (time.monotonic() + _SECONDS, found)
    return found


_defaults: dict[UUID, tuple[float, WorkspaceDefaults]] = {}
