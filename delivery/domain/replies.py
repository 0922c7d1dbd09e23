"""Answers to what a contact wrote: conversational texts, free of quiet hours for ten minutes."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from delivery.core.intents import SendIntent

REPLY_TTL = timedelta(minutes=10)
PRIORITY = 100


def reply_intent(
    inbound_id: UUID,
    *,
    contact_id: UUID,
    template_version_id: UUID,
    flow_id: UUID | None = None,
    flow_version_id: UUID | None = None,
    run_id: UUID | None = None,
    step_key: str = "",
    context: dict[str, Any] | None = None,
    cause_event_id: UUID | None = None,
    depth: int = 0,
) -> SendIntent:
    """The intent that answers one inbound message: once, and only while it is fresh.

    Its run may have ended: an answer is owed to the person, not to the flow.
    """
    return SendIntent(
        dedupe_key=f"reply:{inbound_id.hex}",
        contact_id=contact_id,
        template_version_id=template_version_id,
        message_type="conversational",
        source_kind="reply",
        source_key=str(flow_id or ""),
        flow_id=flow_id,
        flow_version_id=flow_version_id,
        run_id=run_id,
        step_key=step_key,
        priority=PRIORITY,
        context=context or {},
        ttl=REPLY_TTL,
        window="skip",
        cause_event_id=cause_event_id,
        in_reply_to=inbound_id,
        depth=depth,
    )
