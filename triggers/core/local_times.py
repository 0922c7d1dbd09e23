"""One wall-clock time in every contact's own zone, as instants. Pure.

A time that the spring change leaves out becomes the next valid minute; one that the autumn change
repeats is its first occurrence. Nobody's time comes twice.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from consent.core.zones import ZoneInput, candidates, is_zone

# Where a day begins first and where it ends last.
FIRST_ZONE, LAST_ZONE = "Pacific/Kiritimati", "Etc/GMT+12"
_FORMAT = "%Y-%m-%dT%H:%M"


def read_wall_time(text: str) -> datetime:
    """`2026-11-24T10:00` -> a datetime without a zone. Raises ValueError."""
    moment = datetime.strptime(text, _FORMAT)  # noqa: DTZ007 (a wall clock has no zone)
    if not 2000 <= moment.year <= 2200:
        raise ValueError("a year of another age")
    return moment


def write_wall_time(moment: datetime) -> str:
    """The minute of a wall clock, as `read_wall_time` takes it."""
    return moment.strftime(_FORMAT)


@lru_cache(maxsize=4096)
def instant_of(wall: datetime, zone: str) -> datetime:
    """When the clocks of a zone first show `wall` (whole minutes), in UTC."""
    place = ZoneInfo(zone)
    moment = wall.replace(tzinfo=None, fold=0)
    while True:
        local = moment.replace(tzinfo=place, fold=0)
        there = local.astimezone(UTC)
        if there.astimezone(place).replace(tzinfo=None, fold=0) == moment:
            return there
        moment += timedelta(minutes=1)


def zones_of(contact: ZoneInput) -> tuple[str, ...]:
    """The zones a contact's clock may show: its own word, else every candidate of its places.

    Empty when nothing is known, or only a country of several zones.
    """
    if contact.timezone and is_zone(contact.timezone):
        return (contact.timezone,)
    found = candidates(contact)
    return found.zones if found.known else ()


def local_instant(wall: datetime, zones: Iterable[str], fallback: str) -> datetime:
    """When it is `wall` at the contact: with several candidate zones, in the last of them, so
    that it is never earlier there than asked. `fallback`: the workspace's zone."""
    return max(instant_of(wall, zone) for zone in (tuple(zones) or (fallback,)))


def first_instant(wall: datetime) -> datetime:
    """The earliest this wall time comes anywhere."""
    return instant_of(wall, FIRST_ZONE)


def last_instant(wall: datetime) -> datetime:
    """When it has come everywhere."""
    return instant_of(wall, LAST_ZONE)
