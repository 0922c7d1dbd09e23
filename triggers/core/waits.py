"""Runs that wait at a step while its length was changed: which keep an earlier time, and what the
new one would be. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from triggers.core.definition import Delay, MessageStep, Split, WaitForEvent, WaitForReply
from triggers.core.durations import parse_duration
from triggers.core.plan import Plan

Lives = Mapping[str, timedelta]


@dataclass(frozen=True, slots=True)
class Waiting:
    """A run at a delay or a wait. `waiting` is as in `RunState`."""

    run_id: UUID
    contact_id: UUID
    version_id: UUID
    step_key: str
    anchor_at: datetime
    due_at: datetime
    waiting: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Move:
    """The new time of one run. `at_once`: it is past; `too_late`: past by so much that the text
    behind it is skipped. `waiting` is what the run keeps."""

    run_id: UUID
    step_key: str
    due_at: datetime
    waiting: Mapping[str, Any]
    at_once: bool
    too_late: bool


def span_of(plan: Plan, key: str) -> str:
    """How long a step waits, as written; "" where the version has no such step."""
    place = plan.places.get(key)
    step = place.step if place is not None else None
    if isinstance(step, Delay):
        return step.for_
    return step.timeout if isinstance(step, WaitForEvent | WaitForReply) else ""


def keeps_earlier_time(run: Waiting, own: Plan, wanted: Plan) -> bool:
    """Does it wait, at the same kind of step, by another length than `wanted` says?"""
    here, there = own.places.get(run.step_key), wanted.places.get(run.step_key)
    if here is None or there is None or type(here.step) is not type(there.step):
        return False
    counts = str(run.waiting.get("moved_to") or span_of(own, run.step_key))
    return counts != span_of(wanted, run.step_key)


def move(run: Waiting, own: Plan, wanted: str, *, zone: str, lives: Lives, now: datetime) -> Move:
    """The run as if its step had always been `wanted` long. `lives`: how long a text of each
    message step stays worth sending."""
    due_at = parse_duration(wanted).after(run.anchor_at, zone)
    late = now - due_at
    following = _texts_behind(own, run.step_key, lives) if late >= timedelta(0) else {}
    place = own.places[run.step_key]
    first = place.otherwise if isinstance(place.step, WaitForEvent | WaitForReply) else place.next
    waiting: dict[str, Any] = {**run.waiting, "moved_to": wanted}
    waiting.pop("late_after", None)
    if following:
        seconds = {key: int(life.total_seconds()) for key, life in following.items()}
        waiting["late_after"] = seconds
    return Move(
        run.run_id,
        run.step_key,
        due_at,
        waiting,
        at_once=late >= timedelta(0),
        too_late=first in following and late > following[first],
    )


def _texts_behind(plan: Plan, key: str, lives: Lives) -> dict[str, timedelta]:
    """The texts a run may reach at once behind a step, with their lives."""
    found: dict[str, timedelta] = {}
    place = plan.places[key]
    ahead = [place.next]
    if isinstance(place.step, WaitForEvent | WaitForReply):
        ahead = [place.then, place.otherwise]
    while ahead:
        place_ahead = plan.places.get(ahead.pop() or "")
        if place_ahead is None:
            continue
        step = place_ahead.step
        if isinstance(step, Split):
            ahead += [place_ahead.then, place_ahead.otherwise]
        elif isinstance(step, MessageStep) and step.key in lives:
            found[step.key] = lives[step.key]
    return found


def told(moves: Sequence[Move]) -> str:
    """What happens to those who move, in a sentence or two."""
    now = sum(one.at_once for one in moves)
    late = sum(one.too_late for one in moves)
    if not now:
        return "Nobody goes on at once: everybody's new time is still to come."
    if len(moves) == 1:
        said = "This one goes on at once."
    elif now == len(moves):
        said = "All of them go on at once."
    else:
        goes = "goes" if now == 1 else "go"
        said = f"{now:,} of them {goes} on at once, the others at their new time."
    if late:
        for_whom = f" For {late:,} of them" if len(moves) > 1 else " For this one"
        said += f"{for_whom} it is too late for the text behind it, which is skipped."
    return said
