"""Commerce built anew from the event log.

The rows are functions of the events, so this ends where the events' own reactions did. It is for
what those cannot know: a release that reads events in a new way, a category the catalogue was told
of after the orders, another reporting currency. Products, variants and complements stay as they
are: the catalogue's word is not in the log. So do requests that were fulfilled, and the orders of
people who were erased, whose events say nothing any more.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import connection

from commerce.domain.learning import buyers_of, date_reorders, learn_products
from commerce.domain.projecting import PROJECTED, project_events
from events.domain.queries import events_for
from tenancy.scope import current_tenant_id

CONTACTS_AT_ONCE = 200
_EMPTIED = (
    "commerce_cart",
    "commerce_order",
    "commerce_loyaltyaccount",
    "commerce_customobject",
    "commerce_buyingsummary",
)


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """How much was read."""

    contacts: int
    events: int


def rebuild_commerce(*, now: datetime) -> Rebuilt:
    """Rebuilds the workspace in scope, in the caller's transaction.

    Locks all its contacts first, in the order of their ids, so reactions and texts of this
    workspace wait until it is done; others do not notice. Statements: a fixed number per
    `CONTACTS_AT_ONCE` contacts.
    """
    contact_ids = _lock_all()
    _empty()
    events = 0
    for some in _parts(contact_ids):
        told = events_for(some, PROJECTED, since=None, until=now)
        project_events(told, now=now, tells=False)
        events += len(told)
    for some in _parts(buyers_of(learn_products(now=now))):
        date_reorders(some, now=now)
    return Rebuilt(len(contact_ids), events)


def _lock_all() -> list[UUID]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id FROM people_contact WHERE tenant_id = %s AND erased_at IS NULL"
            " ORDER BY id FOR NO KEY UPDATE",
            [current_tenant_id()],
        )
        return [row[0] for row in cursor.fetchall()]


def _empty() -> None:
    tenant_id = current_tenant_id()
    with connection.cursor() as cursor:
        for table in _EMPTIED:
            cursor.execute(
                f"DELETE FROM {table} held USING people_contact c"
                " WHERE held.tenant_id = %s AND c.tenant_id = held.tenant_id"
                " AND c.id = held.contact_id AND c.erased_at IS NULL",
                [tenant_id],
            )
        cursor.execute(
            "DELETE FROM commerce_backinstockrequest WHERE tenant_id = %s AND fulfilled_at IS NULL",
            [tenant_id],
        )


def _parts(contact_ids: list[UUID]) -> Iterator[list[UUID]]:
    for start in range(0, len(contact_ids), CONTACTS_AT_ONCE):
        yield contact_ids[start : start + CONTACTS_AT_ONCE]
