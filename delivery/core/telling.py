"""A message in plain words: what happened to it and why. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from delivery.core.gate import explain
from delivery.core.intents import Check
from delivery.core.reasons import INTENDED, Reason, words

LABELS = {
    "workspace": "Workspace",
    "contact": "Contact",
    "consent": "SMS consent",
    "suppression": "Suppression",
    "flow": "Flow",
    "conditions": "Conditions",
    "holdout": "Holdout",
    "render": "Text",
    "duplicate": "Duplicate",
    "quiet_hours": "Quiet hours",
    "frequency_cap": "Frequency cap",
    "budget": "Sender",
    "hand_off": "Submit",
}
STATUS_WORDS = {
    "scheduled": "Waiting",
    "skipped": "Skipped",
    "queued": "Queued",
    "sending": "Sending",
    "sent": "Sent",
    "delivered": "Delivered",
    "undelivered": "Undelivered",
    "failed": "Failed",
    "canceled": "Canceled",
}
TONES = {
    "scheduled": "wait",
    "queued": "wait",
    "sending": "wait",
    "sent": "good",
    "delivered": "good",
    "undelivered": "stop",
    "failed": "stop",
}
ICONS = {
    "scheduled": "clock",
    "skipped": "ban",
    "queued": "hourglass",
    "sending": "send",
    "sent": "send",
    "delivered": "send",
    "undelivered": "circle-alert",
    "failed": "circle-alert",
    "canceled": "circle-slash",
}
_CLOSES = re.compile(r"allows \d\d:\d\d to (\d\d:\d\d)")


@dataclass(frozen=True, slots=True)
class CheckLine:
    """One line of the list of checks. `tone`: ok, no or na (not reached)."""

    name: str
    label: str
    tone: str
    icon: str
    text: str


def check_lines(stored: Sequence[Mapping[str, Any]]) -> list[CheckLine]:
    """All checks in their order; what was not reached is said to be so."""
    return [_line(check) for check in explain(stored)]


def passed_count(lines: Sequence[CheckLine]) -> int:
    """How many checks said yes, the hand-off not counted: it is the door, not a check."""
    return sum(line.tone == "ok" for line in lines if line.name != "hand_off")


def title_of(
    status: str,
    reason: str,
    *,
    due_at: datetime | None,
    checks: Sequence[Mapping[str, Any]],
    zone: str,
    now: datetime,
) -> str:
    """`Delivered`, `Skipped · frequency cap`, `Waiting until 09:00 · quiet hours since 20:00 ...`."""
    if status == "scheduled":
        return _waiting(reason, due_at, checks, zone, now)
    said = STATUS_WORDS.get(status, status.capitalize())
    return f"{said} · {_lower(words(reason))}" if reason else said


def is_trouble(status: str, reason: str) -> bool:
    """Whether somebody should look at it: nobody meant this to happen."""
    held_back = status in {"skipped", "canceled"} and reason not in INTENDED
    return status in {"failed", "undelivered"} or held_back


def seconds_words(span: timedelta) -> str:
    """`3 s`, `4 min`, `2 h`, `10 days`, for how long something took; at least a second."""
    seconds = max(1, round(span.total_seconds()))
    if seconds < 90:
        return f"{seconds} s"
    if seconds < 5400:
        return f"{round(seconds / 60)} min"
    if seconds < 48 * 3600:
        return f"{round(seconds / 3600)} h"
    return f"{round(seconds / 86400)} days"


def _waiting(
    reason: str,
    due_at: datetime | None,
    checks: Sequence[Mapping[str, Any]],
    zone: str,
    now: datetime,
) -> str:
    quiet = next((check for check in checks if check["name"] == "quiet_hours"), None)
    if reason != Reason.QUIET_HOURS or quiet is None:
        until = f" until {clock(due_at, zone, now)}" if due_at else ""
        return f"Waiting{until} · {_lower(words(reason))}" if reason else f"Waiting{until}"
    detail = quiet["detail"]
    place = str(detail.get("zone") or zone)
    opens = datetime.fromisoformat(detail["opens_at"]) if detail.get("opens_at") else due_at
    until = f" until {clock(opens, place, now)}" if opens else ""
    # Where the law forbids it too, the evidence names the law; since when is the brand's to say.
    closes = _CLOSES.search(str(quiet["text"])) if detail.get("rule") == "brand" else None
    since = f" since {closes[1]}" if closes else ""
    return f"Waiting{until} · quiet hours{since} in {place}"


def clock(moment: datetime, zone: str, now: datetime) -> str:
    """`09:00` for the next 24 hours, `Mon 09:00` in a week, else with the date."""
    local = moment.astimezone(ZoneInfo(zone))
    ahead = moment - now
    if abs(ahead) < timedelta(hours=24):
        return f"{local:%H:%M}"
    if abs(ahead) < timedelta(days=6):
        return f"{local:%a %H:%M}"
    return f"{local:%b} {local.day}, {local:%H:%M}"


def _line(check: Check) -> CheckLine:
    tone, icon = {True: ("ok", "check"), False: ("no", "x"), None: ("na", "minus")}[check.ok]
    if check.name == "quiet_hours" and check.ok is False:
        icon = "moon"
    return CheckLine(check.name, LABELS[check.name], tone, icon, check.text)


def _lower(text: str) -> str:
    """The first letter small, unless the word is written in capitals."""
    return text if text[1:2].isupper() else text[:1].lower() + text[1:]
