"""Invented people and what they did, as many as are asked for; the same each time. Pure."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

# Seen of in the past, evenly: nobody's timeline ends with the loading.
SPAN = timedelta(days=90)
FIRST_NAMES = (
    "Maya", "Liam", "Noor", "Ana", "Jonas", "Ivy", "Omar", "Lena", "Kofi", "Rosa", "Emil", "Sofia",
    "Dario", "Tess", "Yuki", "Hugo", "Amara", "Felix", "Zoe", "Milan",
)  # fmt: skip
LAST_NAMES = (
    "Okafor", "Nguyen", "Silva", "Jansen", "Moreau", "Haddad", "Kim", "Larsen", "Rossi", "Novak",
    "Fischer", "Perez", "Ito", "Walsh", "Costa", "Berg", "Sato", "Marin", "Quinn", "Vega",
)  # fmt: skip
CITIES = ("Austin", "Boston", "Chicago", "Denver", "El Paso", "Fresno", "Houston", "Miami")
QUIET = "Page Viewed"
# One event in ten is of buying and is projected; the rest is stored and wakes nobody.
BUYING = ("Product Viewed", "Product Viewed", "Product Added", "Order Completed")
EVERY = 10
_AREAS = tuple(area for area in range(201, 990) if area % 100 != 11)
_PER_AREA = 10_000
MAX_CONTACTS = len(_AREAS) * _PER_AREA


@dataclass(frozen=True, slots=True)
class Somebody:
    number: int
    external_id: str
    phone: str
    email: str
    first_name: str
    last_name: str
    city: str


@dataclass(frozen=True, slots=True)
class Act:
    """One event of the contact at place `who` of its set. `properties`: JSON text."""

    who: int
    message_id: str
    name: str
    occurred_at: datetime
    properties: str


def invent_people(start: int, stop: int) -> list[Somebody]:
    """People number `start` to `stop`, without the last. All have numbers with the exchange 555."""
    found = []
    for number in range(start, stop):
        chance = random.Random(number)  # noqa: S311 (invented people need no secret)
        first = FIRST_NAMES[chance.randrange(len(FIRST_NAMES))]
        last = LAST_NAMES[chance.randrange(len(LAST_NAMES))]
        area, line = divmod(number, _PER_AREA)
        found.append(
            Somebody(
                number,
                f"syn-{number}",
                f"+1{_AREAS[area]}555{line:04d}",
                f"{first}.{last}.{number}@example.com".lower(),
                first,
                last,
                CITIES[chance.randrange(len(CITIES))],
            )
        )
    return found


def share_of(number: int, *, contacts: int, events: int) -> int:
    """How many of all the events are this contact's: as many for everybody, the rest for the first."""
    return events // contacts + (number < events % contacts)


def invent_acts(
    people: list[Somebody], *, contacts: int, events: int, now: datetime
) -> Iterator[Act]:
    """What these people did in the three months before `now`."""
    for who, one in enumerate(people):
        chance = random.Random(one.external_id)  # noqa: S311
        for serial in range(share_of(one.number, contacts=contacts, events=events)):
            at = now - SPAN * chance.random()
            sku, price = chance.randrange(500), chance.randrange(10, 200)
            name = QUIET if chance.randrange(EVERY) else BUYING[chance.randrange(len(BUYING))]
            key = f"{one.external_id}-{serial}"
            yield Act(who, key, name, at, _properties(name, key, sku, price))


def _properties(name: str, key: str, sku: int, price: int) -> str:
    if name == QUIET:
        return f'{{"path":"/p/{sku}","title":"Tray {sku}"}}'
    if name == "Order Completed":
        return f'{{"order_id":"{key}","total":{price},"currency":"USD"}}'
    return f'{{"product_id":"sku-{sku}","name":"Tray {sku}","price":{price},"quantity":1}}'
