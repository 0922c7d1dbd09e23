"""Short links of decided texts, written as sets."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from delivery.core.facts import GateIntent
from delivery.core.gate import Verdict
from delivery.domain.rows import fetch_all, insert_rows
from tenancy.ids import new_id
from tenancy.scope import current_tenant_id

_LINK = {
    "id": "uuid",
    "token": "text",
    "message_id": "uuid",
    "contact_id": "uuid",
    "label": "text",
    "url": "text",
    "campaign": "text",
    "created_at": "timestamptz",
}


def taken_tokens(texts: Sequence[tuple[UUID, Sequence[tuple[str, str, str]]]]) -> set[UUID]:
    """Messages one of whose tokens is another message's, in whatever workspace.

    Tried by inserting nothing: row security hides other workspaces' tokens, the unique index
    does not. Only asked for after `save_links` found a collision.
    """
    tokens = {token: message_id for message_id, links in texts for _, _, token in links}
    if not tokens:
        return set()
    own = {
        row[0]
        for row in fetch_all(
            "SELECT token FROM delivery_trackedlink WHERE tenant_id = %s AND token = ANY(%s)"
            " AND message_id = ANY(%s)",
            [current_tenant_id(), list(tokens), list(set(tokens.values()))],
        )
    }
    return {message_id for token, message_id in tokens.items() if token not in own}


def save_links(
    decided: Sequence[tuple[GateIntent, Verdict]], *, replace: bool, now: datetime
) -> set[UUID]:
    """Writes the links of queued texts; returns messages whose token was taken already.

    `replace`: the texts were decided before, so older links of theirs make way (nobody has
    received those).
    """
    queued = [(item, v) for item, v in decided if v.status == "queued" and v.text is not None]
    texts = [(item.message_id, v.text.links) for item, v in queued if v.text is not None]
    if replace and texts:
        fetch_all(
            "DELETE FROM delivery_trackedlink WHERE tenant_id = %s AND message_id = ANY(%s)"
            " RETURNING id",
            [current_tenant_id(), [message_id for message_id, _ in texts]],
        )
    rows: list[dict[str, Any]] = [
        {
            "id": new_id(),
            "token": token,
            "message_id": item.message_id,
            "contact_id": item.intent.contact_id,
            "label": label[:80],
            "url": url,
            "campaign": _campaign(item),
            "created_at": now,
        }
        for item, verdict in queued
        if verdict.text is not None
        for label, url, token in verdict.text.links
    ]
    new = insert_rows(
        "delivery_trackedlink", _LINK, rows, on_conflict="ON CONFLICT (token) DO NOTHING"
    )
    if len(new) == len(rows):
        return set()
    return taken_tokens(texts)


def _campaign(item: GateIntent) -> str:
    named = item.intent.context.get("campaign") or item.intent.step_key or item.intent.source_kind
    return str(named)[:80]
