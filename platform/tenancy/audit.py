"""The audit log: written in the transaction that changes something."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from tenancy.models import ApiKey, AuditEntry, User


def record_audit(
    action: str,
    *,
    target: str = "",
    data: dict[str, Any] | None = None,
    actor: User | ApiKey | None = None,
    now: datetime,
) -> AuditEntry:
    """Appends one entry. `action` reads `noun.verb`, such as `flow.published`."""
    entry: AuditEntry = AuditEntry.objects.create(
        at=now, actor=_name(actor), action=action, target=target, data=data or {}
    )
    return entry


def _name(actor: User | ApiKey | None) -> str:
    if isinstance(actor, User):
        return f"user:{actor.email}"
    if isinstance(actor, ApiKey):
        return f"key:{actor.prefix}"
    return "system"
