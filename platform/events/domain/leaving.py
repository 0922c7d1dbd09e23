"""Forgetting a person, and giving them what is kept of them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from django.db import connection

from events.core.names import CONTACT_ERASED
from events.domain.recording import NewEvent, append_events
from events.models import Event
from people.domain.leaving import (
    Person,
    Rows,
    erase_everywhere,
    export_everything,
    find_person,
)
from people.domain.merged import present_contact
from tenancy.logs import erase_log

LOG = Event._meta.db_table
# Shorter identifiers stand in anybody's text.
_TELLING = 4
_SHOWN = ("external_id", "phone", "email", "first_name", "last_name", "locale", "timezone", "city",
          "region", "postal_code", "country", "attributes", "created_at", "updated_at")  # fmt: skip


def erase_contact(contact_id: UUID, *, now: datetime) -> Person:
    """Removes everything that says who this was and what they did, for good.

    What stays: rows without a name (an order's sum, a text's fate), so that totals are still right,
    and that the number opted out, as a token nobody can read back. Waiting texts are canceled, runs
    end. Returns who it was. Raises `NotFound`, and `ContactMerged` for an old id.
    """
    present_contact(contact_id)
    person = find_person(contact_id, lock=True)
    present_contact(contact_id)
    erase_everywhere(person, now)
    # Last: the others have told of what they ended.
    erase_log(LOG, person.ids)
    _erase_unstored(person)
    append_events([NewEvent(CONTACT_ERASED, contact_id, {}, now, depth=1)], now=now)
    return person


def export_contact(contact_id: UUID) -> dict[str, Any]:
    """Everything kept of a person, as plain values: "contact", then lists by heading."""
    contact = present_contact(contact_id)
    person = find_person(contact_id)
    known = {name: getattr(contact, name) for name in _SHOWN}
    return {"contact": known, **export_everything(person), "events": _events(person)}


def _erase_unstored(person: Person) -> None:
    """Items that were not stored are kept a week for developers, whole, and belong to nobody."""
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM events_unstoreditem u"
            " WHERE u.tenant_id = NULLIF(current_setting('app.tenant_id', true), '')::uuid"
            " AND EXISTS (SELECT FROM unnest(%s::text[]) AS said(name)"
            "             WHERE strpos(u.body || u.message_id || u.errors::text, said.name) > 0)",
            [
                [
                    *(name for name in person.names if len(name) >= _TELLING),
                    *(phone[-10:] for phone in person.phones),
                ]
            ],
        )


def _events(person: Person) -> Rows:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT occurred_at, name, properties, context FROM events_event"
            " WHERE tenant_id = NULLIF(current_setting('app.tenant_id', true), '')::uuid"
            " AND contact_id = ANY(%s) ORDER BY occurred_at, id",
            [list(person.ids)],
        )
        return [
            {"at": at, "event": name, "properties": _read(said), "context": _read(context)}
            for at, name, said, context in cursor.fetchall()
        ]


def _read(value: Any) -> Mapping[str, Any]:
    found: Mapping[str, Any] = orjson.loads(value) if isinstance(value, str | bytes) else value
    return found
