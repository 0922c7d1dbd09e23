"""A thread as bubbles: whose words, what became of them, and the lines between."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from zoneinfo import ZoneInfo

from delivery.domain.threads import Heard, Told

_KEYWORDS = {
    "opt_out": "Opted out",
    "wrong_number": "Says it is a wrong number: opted out",
    "help": "Help was asked for and answered by itself",
    "opt_in": "Keyword for the opt-in",
    "review": "May mean stop: marketing texts pause until somebody decides",
}


@dataclass(frozen=True, slots=True)
class Bubble:
    """`is_ours`: on the right. `by`: who or what wrote it. `line`: a line below it, red with
    `stops`. `tone` colors `state`."""

    key: str
    at: datetime
    body: str
    is_ours: bool
    by: str = ""
    is_automatic: bool = False
    state: str = ""
    tone: str = ""
    media: int = 0
    line: str = ""
    stops: bool = False


def bubbles(
    lines: Sequence[Heard | Told], *, zone: str, now: datetime
) -> list[tuple[str, list[Bubble]]]:
    """(`Today`, `Yesterday` or the date, bubbles), the oldest first."""
    place = ZoneInfo(zone)
    today = now.astimezone(place).date()
    named = {today: "Today", today - timedelta(days=1): "Yesterday"}
    made = [_heard(line) if isinstance(line, Heard) else _told(line, zone, now) for line in lines]
    return [
        (named.get(day) or f"{day:%b} {day.day}, {day.year}", list(those))
        for day, those in groupby(made, key=lambda one: one.at.astimezone(place).date())
    ]


def _heard(line: Heard) -> Bubble:
    said = _KEYWORDS.get(line.kind, "Answered by a flow" if line.is_handled else "")
    return Bubble(
        key=line.id.hex,
        at=line.at,
        body=line.body,
        is_ours=False,
        media=line.media,
        line=said,
        stops=line.kind in {"opt_out", "wrong_number"},
    )


def _told(line: Told, zone: str, now: datetime) -> Bubble:
    story = line.story
    automatic = story.source_kind in {"reply", "system"}
    by = line.member or (f"Automatic answer · {story.template}" if automatic else story.label)
    return Bubble(
        key=story.id.hex,
        at=line.at,
        body=story.body,
        is_ours=True,
        by=by.rstrip(" ·"),
        is_automatic=automatic,
        state=story.title(zone, now),
        tone=story.tone,
    )
