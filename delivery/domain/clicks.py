"""Judging clicks: facts first, verdict later, so that a verdict can be made again."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from delivery.core.clicks import BURST_SPAN, SAME_TAP, ClickFacts, ClickVerdict, judge_click
from delivery.domain.events import CLICKED, Happening, append_happenings
from delivery.domain.ledger import read_messages
from delivery.domain.rows import fetch_all, in_halves, update_rows
from tenancy.clock import wall_now
from tenancy.scope import current_tenant_id, tenant_scope

logger = logging.getLogger(__name__)

# Judged when what may come beside it within a second has come.
SETTLED_AFTER = BURST_SPAN + timedelta(milliseconds=100)
_SET = 500
_NEAR_LIMIT = 20_000

# How long somebody took is business time, so that a clock that was moved between text and tap
# counts; told as wall time, like everything else of a verdict. Before the gateway's answer is
# written there is only the claim's wall time.
_FACTS = (
    "c.id, c.link_id, c.received_at, c.method, c.user_agent, c.purpose, c.address,"
    " CASE WHEN m.sent_at IS NULL THEN m.submitted_at"
    " ELSE c.received_at - (c.clicked_at - m.sent_at) END"
)


def classify_clicks(tenant_id: UUID, *, now: datetime) -> int:
    """Judges the clicks nobody has judged yet; returns how many. Opens its own scope.

    Appends "SMS Link Clicked" for each that counts: a person's, and not the same tap again.
    """
    with tenant_scope(tenant_id):
        due = [
            row[0]
            for row in fetch_all(
                "SELECT id FROM delivery_click WHERE tenant_id = %s AND kind = ''"
                " AND received_at <= %s ORDER BY received_at LIMIT %s",
                [current_tenant_id(), wall_now() - SETTLED_AFTER, _SET],
            )
        ]
    return in_halves(tenant_id, due, lambda part: _judge(part, again=False, now=now), _set_aside)


def reclassify_clicks(click_ids: Sequence[UUID], *, now: datetime) -> int:
    """Judges clicks again from their stored facts, such as after the list of crawlers grew.

    In the caller's scope. Returns how many verdicts changed. Events already appended stay: the
    log says what was known then.
    """
    return _judge(click_ids, again=True, now=now)


def _judge(click_ids: Sequence[UUID], *, again: bool, now: datetime) -> int:
    rows = fetch_all(
        f"SELECT {_FACTS}, c.kind, c.clicked_at, c.message_id, l.label, l.url"
        " FROM delivery_click c"
        " JOIN delivery_message m ON m.tenant_id = c.tenant_id AND m.id = c.message_id"
        " JOIN delivery_trackedlink l ON l.tenant_id = c.tenant_id AND l.id = c.link_id"
        " WHERE c.tenant_id = %s AND c.id = ANY(%s) AND (%s OR c.kind = '')"
        " ORDER BY c.id FOR NO KEY UPDATE OF c",
        [current_tenant_id(), list(click_ids), again],
    )
    if not rows:
        return 0
    clicks = [ClickFacts(*row[:8]) for row in rows]
    near = _read_near(clicks)
    verdicts = {click.id: judge_click(click, _beside(click, near)) for click in clicks}
    changed = [row for row in rows if row[8] != verdicts[row[0]].kind]
    _write(changed, verdicts, now=now)
    counted = [row for row in changed if verdicts[row[0]].counts]
    _note_first_clicks(counted)
    _tell(counted, now=now)
    return len(changed)


def _read_near(clicks: Sequence[ClickFacts]) -> list[ClickFacts]:
    """All openings from these addresses around these times, judged or not."""
    addresses = sorted({click.address for click in clicks if click.address})
    times = [click.received_at for click in clicks]
    rows = fetch_all(
        f"SELECT {_FACTS} FROM delivery_click c"
        " JOIN delivery_message m ON m.tenant_id = c.tenant_id AND m.id = c.message_id"
        " WHERE c.tenant_id = %s AND c.address = ANY(%s)"
        " AND c.received_at >= %s AND c.received_at <= %s LIMIT %s",
        [
            current_tenant_id(),
            addresses,
            min(times) - SAME_TAP,
            max(times) + BURST_SPAN,
            _NEAR_LIMIT,
        ],
    )
    return [ClickFacts(*row) for row in rows]


def _beside(click: ClickFacts, near: Sequence[ClickFacts]) -> list[ClickFacts]:
    first, last = click.received_at - SAME_TAP, click.received_at + BURST_SPAN
    return [
        other
        for other in near
        if other.id != click.id
        and other.address == click.address
        and first <= other.received_at <= last
    ]


def _write(
    rows: Sequence[tuple[Any, ...]], verdicts: dict[UUID, ClickVerdict], *, now: datetime
) -> None:
    update_rows(
        "delivery_click",
        {
            "id": "uuid",
            "kind": "text",
            "kind_reason": "text",
            "kind_detail": "text",
            "judged_at": "timestamptz",
        },
        [
            {
                "id": row[0],
                "kind": verdicts[row[0]].kind,
                "kind_reason": verdicts[row[0]].reason,
                "kind_detail": verdicts[row[0]].detail[:200],
                "judged_at": now,
            }
            for row in rows
        ],
    )


def _note_first_clicks(rows: Sequence[tuple[Any, ...]]) -> None:
    first: dict[UUID, datetime] = {}
    for row in rows:
        first[row[1]] = min(first.get(row[1], row[9]), row[9])
    update_rows(
        "delivery_trackedlink",
        {"id": "uuid", "first_clicked_at": "timestamptz"},
        [{"id": link, "first_clicked_at": at} for link, at in sorted(first.items())],
        where="AND (t.first_clicked_at IS NULL OR t.first_clicked_at > v.first_clicked_at)",
    )


def _tell(rows: Sequence[tuple[Any, ...]], *, now: datetime) -> None:
    if not rows:
        return
    messages = {m.id: m for m in read_messages("m.id = ANY(%s)", [[row[10] for row in rows]])}
    append_happenings(
        [
            Happening(
                CLICKED,
                messages[row[10]],
                row[9],
                {"link": row[12], "label": row[11], "click_id": str(row[0])},
                key=str(row[0]),
            )
            for row in rows
            if row[10] in messages
        ],
        now=now,
    )


def _set_aside(click_id: UUID, error: Exception) -> None:
    logger.error("click %s could not be judged", click_id, exc_info=error)
    fetch_all(
        "UPDATE delivery_click SET kind = 'bot', kind_reason = 'not_judged'"
        " WHERE tenant_id = %s AND id = %s RETURNING id",
        [current_tenant_id(), click_id],
    )
