"""What stored bodies keep of a person: gone with them, and theirs to read."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import orjson
from django.db import connection

from connectors.models import ReceivedBody
from people.domain.leaving import Person, Rows
from tenancy.scope import current_tenant_id

# Shorter identifiers stand in anybody's body.
_TELLING = 4
_TABLE = ReceivedBody._meta.db_table
_ABOUT = (
    "t.tenant_id = %(tenant)s AND (t.contact_ids && %(ids)s::uuid[] OR EXISTS ("
    " SELECT FROM unnest(%(names)s::text[]) AS said(name)"
    " WHERE strpos(t.body || t.results::text, said.name) > 0))"
)


def erase(person: Person, now: datetime) -> None:
    """Removes every body that was about them, or in which one of their identifiers stands."""
    with connection.cursor() as cursor:
        cursor.execute(f"DELETE FROM {_TABLE} t WHERE {_ABOUT}", _values(person))


def export(person: Person) -> Mapping[str, Rows]:
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT t.received_at, t.topic, t.body FROM {_TABLE} t WHERE {_ABOUT} ORDER BY t.id",
            _values(person),
        )
        return {
            "shop_bodies": [
                {"at": at, "topic": topic, "body": orjson.loads(body)}
                for at, topic, body in cursor.fetchall()
            ]
        }


def _values(person: Person) -> dict[str, Any]:
    names = [name for name in person.names if len(name) >= _TELLING]
    return {
        "tenant": current_tenant_id(),
        "ids": list(person.ids),
        "names": [*names, *(phone[-10:] for phone in person.phones)],
    }
