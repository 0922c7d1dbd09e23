"""Messages as pages show them: the row, its words, its checks. Fixed numbers of queries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson

from delivery.core.reasons import words
from delivery.core.telling import (
    ICONS,
    TONES,
    CheckLine,
    check_lines,
    is_trouble,
    passed_count,
    seconds_words,
    title_of,
)
from delivery.domain.rows import fetch_all
from tenancy.scope import current_tenant_id

_ANSWERS = {
    "answer_help": "Answer to HELP",
    "answer_stopped": "Opt-out confirmation",
    "answer_confirm": "Question to confirm",
    "answer_welcome": "Welcome text",
    "answer_tests": "Test phone confirmation",
}
_UNNAMED = {
    "system": "Automatic answer",
    "reply": "Answer",
    "answer": "A member's answer",
    "test_text": "Test text",
}
_SELECT = """
SELECT m.id, m.contact_id, m.status, m.reason, m.message_type, m.source_kind, m.flow_id,
       m.run_id, m.step_key, m.due_at, m.created_at, m.decided_at, m.sent_at, m.final_at,
       m.num_segments, m.error_code, m.cause_event_id, m.in_reply_to, m.phone, m.waited_for,
       coalesce(t.name, ''), coalesce(c.body, ''), coalesce(c.checks, '[]'::jsonb),
       coalesce(c.fields, '[]'::jsonb)
FROM delivery_message m
LEFT JOIN delivery_messagecontent c
  ON c.tenant_id = m.tenant_id AND c.id = m.id AND c.created_at = m.created_at
LEFT JOIN templates_engine_templateversion v
  ON v.tenant_id = m.tenant_id AND v.id = m.template_version_id
LEFT JOIN templates_engine_template t ON t.tenant_id = v.tenant_id AND t.id = v.template_id
WHERE m.tenant_id = %s
"""


@dataclass(frozen=True, slots=True)
class MessageStory:
    """One message, told. `happened_at`: when it got where it is."""

    id: UUID
    contact_id: UUID | None
    status: str
    reason: str
    message_type: str
    source_kind: str
    flow_id: UUID | None
    run_id: UUID | None
    step_key: str
    due_at: datetime | None
    created_at: datetime
    decided_at: datetime
    sent_at: datetime | None
    final_at: datetime | None
    num_segments: int
    error_code: int | None
    cause_event_id: UUID | None
    in_reply_to: UUID | None
    phone: str
    waited_for: str
    template: str
    body: str
    checks: tuple[dict[str, Any], ...]
    fields: tuple[dict[str, Any], ...]

    @property
    def happened_at(self) -> datetime:
        if self.status == "canceled":
            return self.final_at or self.decided_at
        return self.sent_at or self.decided_at

    @property
    def icon(self) -> str:
        return "moon" if self.reason == "quiet_hours" else ICONS.get(self.status, "circle")

    @property
    def tone(self) -> str:
        return "stop" if self.is_trouble else TONES.get(self.status, "")

    @property
    def is_trouble(self) -> bool:
        return is_trouble(self.status, self.reason)

    @property
    def lines(self) -> list[CheckLine]:
        return check_lines(self.checks)

    @property
    def label(self) -> str:
        """What the text is called: its template, or what it answers."""
        own = _ANSWERS.get(self.step_key) if self.source_kind == "system" else None
        return self.template or own or _UNNAMED.get(self.source_kind, "Text")

    def title(self, zone: str, now: datetime) -> str:
        return title_of(
            self.status, self.reason, due_at=self.due_at, checks=self.checks, zone=zone, now=now
        )

    def facts(self) -> str:
        """`12 checks passed · 1 part · delivered in 3 s`."""
        said = []
        if self.source_kind == "reply":
            said.append(f"{self.message_type}, caps do not count")
        if self.checks and self.status not in {"skipped", "scheduled", "canceled"}:
            said.append(f"{passed_count(self.lines)} checks passed")
        if self.num_segments and self.status not in {"skipped", "canceled"}:
            said.append("1 part" if self.num_segments == 1 else f"{self.num_segments} parts")
        if self.status == "delivered" and self.sent_at and self.final_at:
            said.append(f"delivered in {seconds_words(self.final_at - self.sent_at)}")
        if self.waited_for and self.sent_at:
            said.append(f"waited: {words(self.waited_for).lower()}")
        if self.error_code:
            said.append(f"error {self.error_code}")
        return " · ".join(said)


# Filters by texts that have no reason at all.
NO_REASON = "none"
# Why a text was held back: for good, or before it went.
_WHY = "CASE m.status WHEN 'skipped' THEN m.reason ELSE m.waited_for END"


@dataclass(frozen=True, slots=True)
class StoryPage:
    stories: list[MessageStory]
    next_after: tuple[datetime, UUID] | None


def list_messages(
    *,
    statuses: Sequence[str] = (),
    reason: str = "",
    message_id: UUID | None = None,
    contact_id: UUID | None = None,
    flow_id: UUID | None = None,
    step_key: str = "",
    since: datetime | None = None,
    until: datetime | None = None,
    after: tuple[datetime, UUID] | None = None,
    limit: int = 25,
    held: bool = False,
) -> StoryPage:
    """Newest first by keyset, one query however deep the page. Filters narrow together.

    `held`: only texts that were skipped or had to wait, whether they went later or not; `reason`
    then means why. `reason` NO_REASON: those without one.
    """
    where: list[str] = []
    values: list[Any] = [current_tenant_id()]
    if statuses:
        where.append("AND m.status = ANY(%s)")
        values.append(list(statuses))
    if held:
        where.append(f"AND {_WHY} <> ''" + (f" AND {_WHY} = %s" if reason else ""))
        values += [reason] if reason else []
    elif reason == NO_REASON:
        where.append("AND m.reason = ''")
    narrowed = {
        "reason": "" if held or reason == NO_REASON else reason,
        "id": message_id,
        "contact_id": contact_id,
        "flow_id": flow_id,
        "step_key": step_key,
    }
    for column, value in narrowed.items():
        if value:
            where.append(f"AND m.{column} = %s")
            values.append(value)
    if since is not None:
        where.append("AND m.created_at >= %s")
        values.append(since)
    if until is not None:
        where.append("AND m.created_at <= %s")
        values.append(until)
    if after is not None:
        where.append("AND (m.created_at, m.id) < (%s, %s)")
        values += after
    rows = fetch_all(
        f"{_SELECT} {' '.join(where)} ORDER BY m.tenant_id DESC, m.created_at DESC, m.id DESC"
        " LIMIT %s",
        [*values, limit + 1],
    )
    stories = [_story(row) for row in rows[:limit]]
    last = stories[-1] if len(rows) > limit else None
    return StoryPage(stories, (last.created_at, last.id) if last else None)


def count_by_outcome(
    *, since: datetime, until: datetime | None = None
) -> list[tuple[str, str, int]]:
    """(status, reason, messages) of everything asked for since then. One query."""
    before, values = ("", []) if until is None else (" AND created_at <= %s", [until])
    return [
        (row[0], row[1], row[2])
        for row in fetch_all(
            "SELECT status, reason, count(*) FROM delivery_message"
            f" WHERE tenant_id = %s AND created_at >= %s{before} GROUP BY status, reason",
            [current_tenant_id(), since, *values],
        )
    ]


@dataclass(frozen=True, slots=True)
class HeldBack:
    """Texts held back for one reason: `skipped` never go, `waiting` still may, `waited` went later,
    `canceled` had waited and were taken back."""

    reason: str
    waiting: int
    skipped: int
    waited: int = 0
    canceled: int = 0

    @property
    def count(self) -> int:
        return self.waiting + self.skipped + self.waited + self.canceled

    @property
    def words(self) -> str:
        """What became of them: `41 went later · 2 waiting`."""
        said = (
            (self.skipped, "skipped"),
            (self.waiting, "waiting"),
            (self.waited, "went later"),
            (self.canceled, "canceled"),
        )
        found = [(count, word) for count, word in said if count]
        if len(found) == 1:
            return found[0][1]
        return " · ".join(f"{count:,} {word}" for count, word in found)


def count_held(*, since: datetime, until: datetime) -> list[HeldBack]:
    """Reasons for which texts asked for from `since` to `until` were held back, most frequent
    first: exactly the texts that `list_messages(held=True)` lists. One query."""
    rows = fetch_all(
        f"""
        SELECT {_WHY} AS why,
               count(*) FILTER (WHERE m.status IN ('scheduled', 'queued', 'sending')),
               count(*) FILTER (WHERE m.status = 'skipped'),
               count(*) FILTER (WHERE m.status IN ('sent', 'delivered', 'undelivered', 'failed')),
               count(*) FILTER (WHERE m.status = 'canceled')
        FROM delivery_message m
        WHERE m.tenant_id = %s AND m.created_at >= %s AND m.created_at <= %s AND {_WHY} <> ''
        GROUP BY why ORDER BY count(*) DESC, why
        """,
        [current_tenant_id(), since, until],
    )
    return [HeldBack(*row) for row in rows]


def _story(row: tuple[Any, ...]) -> MessageStory:
    told: list[Any] = [*row[:22], tuple(_read(row[22])), tuple(_read(row[23]))]
    return MessageStory(*told)


def _read(value: Any) -> list[dict[str, Any]]:
    read = orjson.loads(value) if isinstance(value, str | bytes) else value
    return read if isinstance(read, list) else []
