"""What became of texts, appended to the event store as sets."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from delivery.domain.ledger import MessageRow
from events.domain.recording import NewEvent, append_events
from templates_engine.domain.queries import versions_by_id
from tenancy.scope import current_tenant_id

SENT = "SMS Sent"
DELIVERED = "SMS Delivered"
FAILED = "SMS Failed"
SKIPPED = "SMS Skipped"
CLICKED = "SMS Link Clicked"
REPLIED = "SMS Replied"


@dataclass(frozen=True, slots=True)
class Happening:
    """One thing that happened to a message. `extra` goes into the event's properties."""

    name: str
    message: MessageRow
    at: datetime
    extra: Mapping[str, Any] = field(default_factory=dict)
    key: str = ""


def append_happenings(
    happenings: Sequence[Happening], *, cause_id: UUID | None = None, now: datetime
) -> None:
    """Appends them in the caller's transaction. Each message has each of them at most once
    (`key` tells several of one name apart)."""
    if not happenings:
        return
    slugs = template_slugs(item.message.template_version_id for item in happenings)
    append_events(
        [
            NewEvent(
                name=item.name,
                contact_id=item.message.contact_id,
                properties={**message_properties(item.message, slugs), **item.extra},
                occurred_at=item.at,
                message_id=f"{item.name}:{item.key or item.message.id}",
                cause_id=cause_id or item.message.cause_event_id,
                depth=item.message.depth + 1,
            )
            for item in happenings
        ],
        now=now,
    )


def message_properties(message: MessageRow, slugs: Mapping[UUID, str]) -> dict[str, Any]:
    version = message.template_version_id
    return {
        "message_id": str(message.id),
        "flow_id": _text(message.flow_id),
        "flow_version_id": _text(message.flow_version_id),
        "run_id": _text(message.run_id),
        "step_key": message.step_key,
        "template": slugs.get(version, "") if version is not None else "",
        "message_type": message.message_type,
    }


def template_slugs(version_ids: Iterable[UUID | None]) -> dict[UUID, str]:
    """The template's slug by version. Kept per process: neither ever changes."""
    tenant_id = current_tenant_id()
    wanted = {version_id for version_id in version_ids if version_id is not None}
    missing = {key for key in wanted if (tenant_id, key) not in _slugs}
    if missing:
        if len(_slugs) > _SLUGS_KEPT:
            _slugs.clear()
        for key, version in versions_by_id(missing).items():
            _slugs[tenant_id, key] = version.slug
    return {key: _slugs[tenant_id, key] for key in wanted if (tenant_id, key) in _slugs}


_SLUGS_KEPT = 10_000
_slugs: dict[tuple[UUID, UUID], str] = {}


def _text(value: UUID | None) -> str | None:
    return str(value) if value is not None else None
