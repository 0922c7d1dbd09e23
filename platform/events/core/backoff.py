"""When a webhook that was not taken is sent again, and when it is given up. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

GIVE_UP_AFTER = timedelta(hours=24)
# An endpoint that took nothing for this long, this often in a row, is switched off.
DISABLE_AFTER = timedelta(hours=24)
DISABLE_FAILURES = 10
# So many failures in a row end a round: the rest would fail the same way.
ROUND_FAILURES = 3
_FIRST, _FACTOR, _LONGEST = 10.0, 3.0, 6 * 3600.0
_PAUSE_FIRST, _PAUSE_LONGEST = 5.0, 300.0


def next_attempt(
    attempts: int, *, first_at: datetime, now: datetime, delivery_id: UUID
) -> datetime | None:
    """After the `attempts`-th attempt failed: 10 s, 30 s, 90 s ... 6 h later; None: given up.

    Spread by up to a tenth, always the same for a delivery.
    """
    delay = min(_FIRST * _FACTOR ** (attempts - 1), _LONGEST) if attempts < 20 else _LONGEST
    spread = 1 + (delivery_id.int % 1000) / 10_000
    at = now + timedelta(seconds=delay * spread)
    return at if at - first_at <= GIVE_UP_AFTER else None


def pause(failures_in_a_row: int) -> timedelta:
    """How long an endpoint is left alone after a round that it ended: 5 s to 5 min."""
    beyond = min(max(failures_in_a_row - ROUND_FAILURES, 0), 10)
    return timedelta(seconds=min(_PAUSE_FIRST * 2**beyond, _PAUSE_LONGEST))


def is_hopeless(failures_in_a_row: int, failing_since: datetime | None, now: datetime) -> bool:
    """Whether the endpoint should be switched off."""
    if failing_since is None or failures_in_a_row < DISABLE_FAILURES:
        return False
    return now - failing_since >= DISABLE_AFTER
