"""The life of a message after its claim, as a pure machine: what is told may come in any order,
twice, or late, and ends in the same state.

Told kinds:
taken     the gateway holds the text (its answer, a callback, a look-up); carries its status
refused   the gateway refused it for good
returned  the gateway took nothing; the text goes back into the queue
put_off   the gateway took nothing; decide again a little later
unsure    nobody knows yet
lost      looked for and not found; never tried again
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal
from uuid import UUID

from delivery.core.statuses import later_status, message_status

Kind = Literal["taken", "refused", "returned", "put_off", "unsure", "lost"]
Happened = Literal["sent", "delivered", "failed"]


@dataclass(frozen=True, slots=True)
class Standing:
    """The part of a message that moves."""

    status: str
    attempt_id: UUID | None
    sid: str = ""
    carrier_status: str = ""
    reason: str = ""
    error_code: int | None = None
    was_sent: bool = False


@dataclass(frozen=True, slots=True)
class Telling:
    """One piece of news about one attempt. `reason`: our code, should it end the message."""

    kind: Kind
    attempt_id: UUID
    sid: str = ""
    carrier_status: str = ""
    error_code: int | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Step:
    """The new standing and what happened on the way. `stray`: news of another text of this
    message than the one it stands for; kept, but it moves nothing."""

    standing: Standing
    happened: tuple[Happened, ...] = ()
    stray: bool = False


def hear(held: Standing, told: Telling) -> Step:
    """What one piece of news does to a message."""
    if told.kind == "taken":
        return _taken(held, told)
    # Everything else is about a POST that is still open; a callback may have closed it already.
    if held.status != "sending" or held.attempt_id != told.attempt_id:
        return Step(held)
    if told.kind == "unsure":
        return Step(held)
    if told.kind == "returned":
        return Step(replace(held, status="queued", attempt_id=None))
    if told.kind == "put_off":
        return Step(replace(held, status="scheduled", attempt_id=None, reason=told.reason))
    ended = replace(held, status="failed", reason=told.reason, error_code=told.error_code)
    return Step(ended, ("failed",))


def _taken(held: Standing, told: Telling) -> Step:
    if held.sid and told.sid and held.sid != told.sid:
        return Step(held, stray=True)
    carrier = later_status(held.carrier_status, told.carrier_status or "accepted")
    status = message_status(carrier)
    happened: list[Happened] = [] if held.was_sent else ["sent"]
    new = replace(
        held,
        status=status,
        attempt_id=told.attempt_id,
        sid=held.sid or told.sid,
        carrier_status=carrier,
        was_sent=True,
        # What had been assumed (lost, canceled while it was out) gives way to what is known.
        reason=held.reason if held.was_sent else "",
        error_code=held.error_code if held.was_sent else None,
    )
    if held.was_sent and status == held.status:
        return Step(new, tuple(happened))
    if status == "delivered":
        happened.append("delivered")
        new = replace(new, reason="", error_code=None)
    elif status != "sent":
        happened.append("failed")
        new = replace(new, reason=told.reason, error_code=told.error_code)
    return Step(new, tuple(happened))
