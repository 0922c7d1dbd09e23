"""Two clocks. Business time may be moved forward in demo and test; wall time never.

Business: windows, delays, segments, caps, occurred_at, known_at. Wall: leases, attempts,
heartbeats, log-ins, rate limits, callbacks, signatures.
"""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.db import connection

MOVABLE_MODES = frozenset({"demo", "test"})


class ClockRefused(RuntimeError):
    """The business clock moves forward only, and only in demo and test."""


def wall_now() -> datetime:
    return datetime.now(UTC)


def clock_offset() -> timedelta:
    """Business time minus wall time; zero outside demo and test."""
    if settings.KAIROS_MODE not in MOVABLE_MODES:
        return timedelta(0)
    with connection.cursor() as cursor:
        cursor.execute("SELECT seconds FROM tenancy_clockoffset WHERE id = 1")
        row = cursor.fetchone()
    return timedelta(seconds=row[0]) if row else timedelta(0)


def has_demo_clock() -> bool:
    """Whether business time of this installation was ever moved: then it must text nobody real."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT 1 FROM tenancy_clockoffset)")
        return bool(cursor.fetchone()[0])


def business_now() -> datetime:
    """Read it once per request, task or stage, and pass it on as `now`."""
    return wall_now() + clock_offset()


def advance_clock(to: datetime) -> timedelta:
    """Moves business time forward to `to`; returns the new offset.

    The very first move may go backward (a demo starts in the past); after that only forward.
    Raises `ClockRefused`.
    """
    if settings.KAIROS_MODE not in MOVABLE_MODES:
        raise ClockRefused("The business clock cannot be moved here.")
    # Rounded up: the clock stands at `to` or a moment after it, never before.
    seconds = math.ceil((to - wall_now()).total_seconds())
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO tenancy_clockoffset AS held (id, seconds) VALUES (1, %s)
            ON CONFLICT (id) DO UPDATE SET seconds = excluded.seconds
            WHERE excluded.seconds >= held.seconds
            """,
            [seconds],
        )
        if cursor.rowcount == 0:
            raise ClockRefused("The business clock only moves forward.")
    return timedelta(seconds=seconds)
