"""People who want to be forgotten, or to see what is kept of them: who has to do something then.

Every floor that keeps anything of a contact registers: `erase` removes what says who it is or what
they said, for a whole person at once; `export` returns what is kept, as plain values by heading.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection

from people.domain.facts import read_facts
from people.models import ContactMerge, Identifier, MovedRows, SearchToken
from tenancy.scope import current_tenant_id

Rows = list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Person:
    """Everything a person is known by here. `ids`: the contact first, then those merged into it;
    `names`: every identifier of theirs as it is written."""

    ids: tuple[UUID, ...]
    phones: tuple[str, ...]
    names: tuple[str, ...]

    @property
    def id(self) -> UUID:
        return self.ids[0]


Eraser = Callable[[Person, datetime], None]
Exporter = Callable[[Person], Mapping[str, Rows]]


@dataclass(frozen=True, slots=True)
class _Keeper:
    order: int
    erase: Eraser
    export: Exporter


_keepers: dict[str, _Keeper] = {}


def register_keeper(name: str, *, erase: Eraser, export: Exporter, order: int) -> None:
    """Call it in `AppConfig.ready`. Lower `order` erases first and is exported last."""
    _keepers[name] = _Keeper(order, erase, export)


def erase_everywhere(person: Person, now: datetime) -> None:
    for keeper in sorted(_keepers.values(), key=lambda each: each.order):
        keeper.erase(person, now)


def export_everything(person: Person) -> dict[str, Rows]:
    found: dict[str, Rows] = {}
    for keeper in sorted(_keepers.values(), key=lambda each: -each.order):
        found |= keeper.export(person)
    return found


def find_person(contact_id: UUID, *, lock: bool = False) -> Person:
    """The contact with all old ids of it and all its numbers, earlier ones too."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH RECURSIVE part (id) AS (
                SELECT %(id)s::uuid
                UNION
                SELECT c.id FROM part JOIN people_contact c
                  ON c.tenant_id = %(tenant)s AND c.merged_into_id = part.id)
            SELECT id FROM part
            """,
            {"id": contact_id, "tenant": current_tenant_id()},
        )
        ids = [row[0] for row in cursor.fetchall()]
    known = read_facts(ids, lock=lock)
    held = Identifier.objects.filter(contact_id__in=ids).values_list("kind", "value")
    pairs = {*held, *(("phone", each.phone) for each in known.values() if each.phone)}
    phones = sorted(value for kind, value in pairs if kind == "phone")
    others = sorted(set(ids) - {contact_id})
    names = sorted(value for _, value in pairs)
    return Person((contact_id, *others), tuple(phones), tuple(names))


def erase_identity(person: Person, now: datetime) -> None:
    """What people keeps: the rows stay, as ids that lead nowhere."""
    Identifier.objects.filter(contact_id__in=person.ids).delete()
    SearchToken.objects.filter(contact_id__in=person.ids).delete()
    merges = ContactMerge.objects.filter(survivor_id__in=person.ids)
    MovedRows.objects.filter(merge__in=merges.values("id")).delete()
    merges.update(before={}, after={}, device="", undo_until=now)
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE people_contact SET external_id = NULL, phone = NULL, phone_token = NULL, phone_type = '',
                email = NULL, first_name = '', last_name = '', locale = '', timezone = '',
                timezone_source = '', city = '', region = '', postal_code = '', country = '',
                attributes = '{}', told = '{}', refused = '{}', updated_at = %s, erased_at = %s
            WHERE tenant_id = %s AND id = ANY(%s)
            """,
            [now, now, current_tenant_id(), list(person.ids)],
        )


def export_identity(person: Person) -> dict[str, Rows]:
    identifiers = Identifier.objects.filter(contact_id__in=person.ids).order_by("first_seen_at")
    return {"identifiers": list(identifiers.values("kind", "value", "is_primary", "first_seen_at"))}
