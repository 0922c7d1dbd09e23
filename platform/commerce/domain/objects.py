"""Appointments, subscriptions, tickets and shipments as events tell of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import orjson
from django.db import connection

from commerce.core.objects import (
    MEANINGS,
    ObjectState,
    apply_object,
    object_key,
    read_object,
)
from events.domain.rows import EventRow
from tenancy.ids import new_ids
from tenancy.scope import current_tenant_id

_COLUMNS = (
    "kind",
    "key",
    "contact_id",
    "state",
    "is_open",
    "due_at",
    "opened_at",
    "updated_at",
    "properties",
    "facts",
)
_TYPES = {
    "contact_id": "uuid",
    "is_open": "bool",
    "due_at": "timestamptz",
    "opened_at": "timestamptz",
    "updated_at": "timestamptz",
}
_JSON = frozenset({"properties", "facts"})
_ARRAYS = ", ".join(f"%s::{_TYPES.get(name, 'text')}[]" for name in _COLUMNS)
_CAST = ", ".join(f"{name}::jsonb" if name in _JSON else name for name in _COLUMNS)
_LOOKS = 5

Place = tuple[str, str]


def project_objects(events: Sequence[EventRow], *, zone: str) -> None:
    """Keeps objects. `zone`: of times that name none, the workspace's."""
    ours: list[tuple[Place, EventRow, UUID]] = []
    for event in events:
        if event.name in MEANINGS and event.contact_id is not None:
            kind = MEANINGS[event.name].kind
            key = object_key(kind, event.properties, event.id)
            ours.append(((kind, key), event, event.contact_id))
    if not ours:
        return
    # As with orders: one that another reaction makes at this moment is found at the second look.
    for _ in range(_LOOKS):
        held = _lock_objects({place for place, _, _ in ours})
        present = set(held)
        changed: set[Place] = set()
        for place, event, contact_id in ours:
            one = held.setdefault(place, ObjectState(*place, contact_id))
            told = read_object(event.name, event.properties, event.id, event.occurred_at, zone=zone)
            if apply_object(one, told, contact_id):
                changed.add(place)
        if _insert_objects([held[place] for place in sorted(held.keys() - present)]):
            break
    _write_objects([held[place] for place in sorted(changed & present)])


def _lock_objects(places: set[Place]) -> dict[Place, ObjectState]:
    wanted = sorted(places)
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {', '.join(f'held.{name}' for name in _COLUMNS)}"
            " FROM commerce_customobject held"
            " JOIN unnest(%s::text[], %s::text[]) AS wanted(kind, key)"
            " ON held.kind = wanted.kind AND held.key = wanted.key"
            " WHERE held.tenant_id = %s AND held.key = ANY(%s)"
            " ORDER BY held.kind, held.key FOR UPDATE OF held",
            [
                [kind for kind, _ in wanted],
                [key for _, key in wanted],
                current_tenant_id(),
                [key for _, key in wanted],
            ],
        )
        return {(row[0], row[1]): _state_of(row) for row in cursor.fetchall()}


def _state_of(row: Sequence[Any]) -> ObjectState:
    values = dict(zip(_COLUMNS, row, strict=True))
    for name in _JSON:
        if isinstance(values[name], str):
            values[name] = orjson.loads(values[name])
    return ObjectState(**values)


def _insert_objects(objects: Sequence[ObjectState]) -> bool:
    """Makes objects; False when somebody else has just made one of them."""
    if not objects:
        return True
    columns = ", ".join(_COLUMNS)
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            INSERT INTO commerce_customobject (id, tenant_id, {columns})
            SELECT id, %s, {_CAST} FROM unnest(%s::uuid[], {_ARRAYS}) AS made(id, {columns})
            ON CONFLICT (tenant_id, kind, key) DO NOTHING
            """,
            [current_tenant_id(), new_ids(len(objects)), *_arrays_of(objects)],
        )
        return int(cursor.rowcount) == len(objects)


def _write_objects(objects: Sequence[ObjectState]) -> None:
    if not objects:
        return
    settings = ", ".join(
        f"{name} = given.{name}{'::jsonb' if name in _JSON else ''}" for name in _COLUMNS[2:]
    )
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            UPDATE commerce_customobject held SET {settings}
            FROM unnest({_ARRAYS}) AS given({", ".join(_COLUMNS)})
            WHERE held.tenant_id = %s AND held.kind = given.kind AND held.key = given.key
              AND held.key = ANY(%s)
            """,
            [*_arrays_of(objects), current_tenant_id(), [one.key for one in objects]],
        )


def _arrays_of(objects: Sequence[ObjectState]) -> list[list[Any]]:
    """In the order of `_COLUMNS`."""
    values: dict[str, list[Any]] = {
        name: [getattr(one, name) for one in objects] for name in _COLUMNS
    }
    for name in _JSON:
        values[name] = [orjson.dumps(value).decode() for value in values[name]]
    return list(values.values())
