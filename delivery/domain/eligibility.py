"""Whether a contact could be texted now: the gate itself, writing nothing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from delivery.core.intents import Check, SendIntent
from delivery.domain.deciding import decide
from tenancy.ids import new_id


@dataclass(frozen=True, slots=True)
class Eligibility:
    """`status`: queued (it would go now), scheduled (not before `due_at`) or skipped."""

    status: str
    reason: str
    due_at: datetime | None
    checks: tuple[Check, ...]


def check_eligibility(contact_id: UUID, *, message_type: str, now: datetime) -> Eligibility:
    """What the gate says of a short text of this type, from no flow and no template."""
    intent = SendIntent(
        dedupe_key=f"dry-run:{new_id().hex}",
        contact_id=contact_id,
        template_version_id=None,
        message_type=message_type,
        source_kind="api",
        body="Hello",
    )
    [decision] = decide([intent], now=now, dry_run=True)
    return Eligibility(decision.status, decision.reason, decision.due_at, decision.checks)
