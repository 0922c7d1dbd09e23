"""Keyword replies: an answer at once, and the run keeps going."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import orjson
from django.db import connection

from delivery.domain.conversations import settle_handled
from delivery.domain.deciding import decide
from delivery.domain.replies import reply_intent
from events.domain.queries import EventRow
from templates_engine.domain.queries import templates_by_slug
from tenancy.scope import current_tenant_id
from triggers.core.definition import MessageStep
from triggers.core.durations import parse_duration
from triggers.core.replies import match_keyword
from triggers.domain.plans import plans_for

# No text listens longer than this, whatever its step says.
LONGEST_OPEN = timedelta(days=60)


@dataclass(frozen=True, slots=True)
class OpenText:
    """A text that was sent and still listens for keywords."""

    run_id: UUID
    flow_id: UUID
    version_id: UUID
    contact_id: UUID
    step_key: str
    sent_at: datetime
    context: dict[str, Any]


def answer_replies(replies: Sequence[EventRow], *, now: datetime) -> int:
    """Answers the replies that name a keyword of a text sent before; returns how many.

    The newest text that knows the keyword answers. What matches none is left to people: it stands
    on the contact's timeline.
    """
    fresh = [r for r in replies if r.contact_id is not None and not r.backfill]
    if not fresh:
        return 0
    texts = _open_texts({r.contact_id for r in fresh if r.contact_id}, now)
    if not texts:
        return 0
    plans = plans_for({text.version_id for those in texts.values() for text in those})
    chosen: list[tuple[EventRow, OpenText, str]] = []
    for reply in fresh:
        assert reply.contact_id is not None  # noqa: S101 (filtered above)
        body = str(reply.properties.get("body") or "")
        for text in texts.get(reply.contact_id, ()):
            plan = plans.get(text.version_id)
            place = plan.places.get(text.step_key) if plan else None
            slug = _answer_of(place.step if place else None, text, reply, body)
            if slug:
                chosen.append((reply, text, slug))
                break
    return _send_answers(chosen, now)


def _answer_of(one: object, text: OpenText, reply: EventRow, body: str) -> str | None:
    """The slug of the template that answers, when this text listens for what was written."""
    if not isinstance(one, MessageStep) or not one.replies:
        return None
    closes_at = parse_duration(one.replies_open_for).after(text.sent_at)
    if not text.sent_at <= reply.occurred_at < closes_at:
        return None
    keyword = match_keyword(body, one.replies)
    return one.replies[keyword] if keyword else None


def _send_answers(chosen: Sequence[tuple[EventRow, OpenText, str]], now: datetime) -> int:
    if not chosen:
        return 0
    templates = templates_by_slug({slug for _, _, slug in chosen})
    intents = []
    for reply, text, slug in chosen:
        template = templates.get(slug)
        if template is None or template.approved_version_id is None or reply.contact_id is None:
            continue
        inbound_id = _uuid(reply.properties.get("inbound_id"))
        intents.append(
            reply_intent(
                inbound_id or reply.id,
                contact_id=reply.contact_id,
                template_version_id=template.approved_version_id,
                flow_id=text.flow_id,
                flow_version_id=text.version_id,
                run_id=text.run_id,
                step_key=text.step_key,
                context=text.context,
                cause_event_id=reply.id,
                depth=reply.depth + 1,
            )
        )
    if intents:
        decide(intents, now=now)
        # What the gate let through needs no person any more; the rest stays on their list.
        settle_handled({intent.contact_id for intent in intents if intent.contact_id is not None})
    return len(intents)


def _open_texts(contact_ids: Iterable[UUID], now: datetime) -> dict[UUID, list[OpenText]]:
    """Per contact, newest first."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT step.run_id, step.flow_id, step.version_id, step.contact_id, step.step_key,
                step.left_at, run.context::text
            FROM triggers_runstep AS step
            JOIN triggers_flowrun AS run ON run.tenant_id = step.tenant_id AND run.id = step.run_id
            JOIN triggers_flow AS flow ON flow.tenant_id = step.tenant_id AND flow.id = step.flow_id
            WHERE step.tenant_id = %s AND step.contact_id = ANY(%s) AND step.outcome = 'sent'
              AND step.left_at > %s AND flow.status <> 'archived'
            ORDER BY step.left_at DESC
            """,
            [current_tenant_id(), list(contact_ids), now - LONGEST_OPEN],
        )
        found: dict[UUID, list[OpenText]] = defaultdict(list)
        for row in cursor.fetchall():
            run_id, flow_id, version_id, contact_id, step_key, sent_at, context = row
            found[contact_id].append(
                OpenText(
                    run_id,
                    flow_id,
                    version_id,
                    contact_id,
                    step_key,
                    sent_at,
                    orjson.loads(context),
                )
            )
        return found


def _uuid(value: object) -> UUID | None:
    try:
        return UUID(str(value).removeprefix("inb_"))
    except ValueError:
        return None
