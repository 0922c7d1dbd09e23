"""Writing decisions down: message rows, words and evidence, as sets."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson

from delivery.core.facts import GateIntent
from delivery.core.gate import Verdict
from delivery.core.intents import CHECK_NAMES
from delivery.domain.rows import fetch_all, insert_rows, update_rows
from tenancy.scope import current_tenant_id

_DECIDED = {
    "status": "text",
    "reason": "text",
    "due_at": "timestamptz",
    "window_ends_at": "timestamptz",
    "decided_at": "timestamptz",
    "phone": "text",
    "sender_id": "uuid",
    "encoding": "text",
    "num_segments": "smallint",
    "link_count": "smallint",
    "tells_stop": "boolean",
    "final_at": "timestamptz",
}
_ASKED = {
    "id": "uuid",
    "dedupe_key": "text",
    "contact_id": "uuid",
    "message_type": "text",
    "source_kind": "text",
    "source_key": "text",
    "flow_id": "uuid",
    "flow_version_id": "uuid",
    "run_id": "uuid",
    "step_key": "text",
    "template_version_id": "uuid",
    "priority": "smallint",
    "cause_event_id": "uuid",
    "depth": "smallint",
    "in_reply_to": "uuid",
    "expires_at": "timestamptz",
    "created_at": "timestamptz",
}
# Columns a new row starts with; written out because raw inserts know no model defaults.
_BLANK = {
    "sid": "text",
    "carrier_status": "text",
    "fetches": "smallint",
}
# Written when a text has to wait and never taken back: that it waited is part of its story.
_WAITED = {"waited_for": "text"}
_CONTENT = {
    "id": "uuid",
    "created_at": "timestamptz",
    "body": "text",
    "intent": "jsonb",
    "checks": "jsonb",
    "fields": "jsonb",
}


def insert_decided(
    decided: Sequence[tuple[GateIntent, Verdict]], *, known_contacts: Iterable[UUID], now: datetime
) -> set[UUID]:
    """Writes new messages with their contents; returns the ids that were new.

    A dedupe key that somebody else wrote a moment ago is left alone.
    """
    known = set(known_contacts)
    rows = [
        {
            **_asked_row(item, known),
            **_decided_row(verdict, now),
            **_blank_row(),
            "waited_for": verdict.reason if verdict.status == "scheduled" else "",
        }
        for item, verdict in decided
    ]
    new = set(
        insert_rows(
            "delivery_message",
            {**_ASKED, **_DECIDED, **_BLANK, **_WAITED},
            rows,
            on_conflict="ON CONFLICT (tenant_id, dedupe_key) DO NOTHING",
        )
    )
    contents = [_content_row(item, v) for item, v in decided if item.message_id in new]
    insert_rows("delivery_messagecontent", _CONTENT, contents)
    return new


def update_decided(decided: Sequence[tuple[GateIntent, Verdict]], *, now: datetime) -> None:
    """Writes a later decision about messages that exist."""
    rows = [{"id": item.message_id, **_decided_row(verdict, now)} for item, verdict in decided]
    update_rows("delivery_message", {"id": "uuid", **_DECIDED}, rows)
    note_waiting(decided)
    contents = [_content_row(item, verdict) for item, verdict in decided]
    types = {name: _CONTENT[name] for name in ("id", "created_at", "body", "checks", "fields")}
    update_rows(
        "delivery_messagecontent",
        types,
        contents,
        where="AND t.created_at = v.created_at",
    )


def note_waiting(judged: Sequence[tuple[GateIntent, Verdict]]) -> None:
    """Writes why a text has to wait, on those that do."""
    waiting = [
        {"id": item.message_id, "waited_for": verdict.reason}
        for item, verdict in judged
        if verdict.status == "scheduled"
    ]
    if waiting:
        update_rows("delivery_message", {"id": "uuid", **_WAITED}, waiting)


def update_checks(judged: Sequence[tuple[GateIntent, Verdict]]) -> None:
    """Writes what the check at the claim found over the checks of the decision.

    What stood behind the failed check is dropped: it was not reached this time.
    """
    if not judged:
        return
    times = [item.created_at for item, _ in judged]
    held = fetch_all(
        "SELECT id, checks FROM delivery_messagecontent WHERE tenant_id = %s"
        " AND id = ANY(%s) AND created_at >= %s AND created_at <= %s",
        [current_tenant_id(), [item.message_id for item, _ in judged], min(times), max(times)],
    )
    stored = {row[0]: orjson.loads(row[1]) if isinstance(row[1], str) else row[1] for row in held}
    rows = [
        {
            "id": item.message_id,
            "created_at": item.created_at,
            "checks": _dumps(_merged(stored.get(item.message_id) or [], verdict)),
        }
        for item, verdict in judged
    ]
    update_rows(
        "delivery_messagecontent",
        {"id": "uuid", "created_at": "timestamptz", "checks": "jsonb"},
        rows,
        where="AND t.created_at = v.created_at",
    )


def _merged(stored: Sequence[dict[str, Any]], verdict: Verdict) -> list[dict[str, Any]]:
    by_name = {check["name"]: check for check in stored}
    by_name.update({check.name: check.as_dict() for check in verdict.checks})
    last = CHECK_NAMES.index(verdict.checks[-1].name) if verdict.checks else len(CHECK_NAMES)
    return [by_name[name] for name in CHECK_NAMES[: last + 1] if name in by_name]


def _asked_row(item: GateIntent, known: set[UUID]) -> dict[str, Any]:
    intent = item.intent
    return {
        "id": item.message_id,
        "dedupe_key": intent.dedupe_key,
        "contact_id": intent.contact_id if intent.contact_id in known else None,
        "message_type": intent.message_type,
        "source_kind": intent.source_kind,
        "source_key": intent.source_key,
        "flow_id": intent.flow_id,
        "flow_version_id": intent.flow_version_id,
        "run_id": intent.run_id,
        "step_key": intent.step_key,
        "template_version_id": intent.template_version_id,
        "priority": intent.priority,
        "cause_event_id": intent.cause_event_id,
        "depth": intent.depth,
        "in_reply_to": intent.in_reply_to,
        "expires_at": item.expires_at,
        "created_at": item.created_at,
    }


def _decided_row(verdict: Verdict, now: datetime) -> dict[str, Any]:
    text = verdict.text
    return {
        "status": verdict.status,
        "reason": verdict.reason,
        "due_at": verdict.due_at,
        "window_ends_at": verdict.window_ends_at,
        "decided_at": now,
        "phone": verdict.phone,
        "sender_id": verdict.sender.id if verdict.sender is not None else None,
        "encoding": text.encoding if text is not None else "",
        "num_segments": text.num_segments if text is not None else 0,
        "link_count": len(text.links) if text is not None else 0,
        "tells_stop": text.tells_stop if text is not None else False,
        "final_at": now if verdict.status == "skipped" else None,
    }


def _blank_row() -> dict[str, Any]:
    return {"sid": "", "carrier_status": "", "fetches": 0}


def _content_row(item: GateIntent, verdict: Verdict) -> dict[str, Any]:
    intent = item.intent
    asked = {
        "context": intent.context,
        "ttl": intent.ttl.total_seconds() if intent.ttl is not None else None,
        "window": intent.window,
        "on_cap": intent.on_cap,
    }
    if intent.body is not None:
        asked["body"] = intent.body
    text = verdict.text
    return {
        "id": item.message_id,
        "created_at": item.created_at,
        "body": text.body if text is not None else "",
        "intent": _dumps(asked),
        "checks": _dumps_checks(verdict),
        "fields": _dumps(list(text.fields) if text is not None else []),
    }


def _dumps_checks(verdict: Verdict) -> str:
    return _dumps([check.as_dict() for check in verdict.checks])


def _dumps(value: Any) -> str:
    return orjson.dumps(value, default=str).decode()
