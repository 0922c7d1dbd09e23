"""Contacts as a file: page after page, each in a scope of its own, so that nothing stays open
while somebody downloads slowly.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import orjson

from people.columns import Cell, cells_for
from people.core.cells import csv_lines
from people.domain.facts import ContactFacts
from people.domain.listing import NEWEST, After, list_contacts
from people.filters import Condition
from people.models import NEVER
from tenancy.ids import show_id
from tenancy.scope import tenant_scope

ROWS = 1000
_PLAIN = (
    "external_id", "first_name", "last_name", "locale", "timezone", "city", "region",
    "postal_code", "country",
)  # fmt: skip
_PERSONAL = ("phone", "email")


@dataclass(frozen=True, slots=True)
class Export:
    """Whom to write. `ids` narrows to a selection. `with_personal`: whole numbers, addresses and
    the brand's own attributes, which may hold either.
    """

    tenant_id: UUID
    with_personal: bool
    search: str = ""
    filters: Sequence[Condition] = ()
    sort: str = NEWEST
    ids: Sequence[UUID] | None = None


def write_contacts(export: Export, *, now: datetime) -> Iterator[bytes]:
    """The file in pieces, as UTF-8 that spreadsheets recognize."""
    after: After | None = None
    is_first = True
    while True:
        with tenant_scope(export.tenant_id):
            page = list_contacts(
                search=export.search,
                with_personal=export.with_personal,
                ids=export.ids,
                filters=export.filters,
                sort=export.sort,
                after=after,
                limit=ROWS,
            )
            labels, cells = cells_for(page.contacts, now)
        rows = [_row(contact, cells[contact.id], export.with_personal) for contact in page.contacts]
        if is_first:
            rows.insert(0, _head(labels, export.with_personal))
        yield (("\ufeff" if is_first else "") + csv_lines(rows)).encode()
        if page.next_key is None:
            return
        after, is_first = page.next_key, False


def _head(labels: Sequence[str], with_personal: bool) -> list[str]:
    personal = (*_PERSONAL, "attributes") if with_personal else ("phone",)
    own = [label.lower().replace(" ", "_") for label in labels]
    return ["contact_id", *_PLAIN, "added_at", "last_seen_at", *own, *personal]


def _row(contact: ContactFacts, cells: Sequence[Cell], with_personal: bool) -> list[str]:
    seen = contact.last_seen_at.isoformat() if contact.last_seen_at > NEVER else ""
    row = [show_id("con", contact.id), *(getattr(contact, name) or "" for name in _PLAIN)]
    row += [contact.created_at.isoformat(), seen, *(cell.text for cell in cells)]
    if with_personal:
        row += [getattr(contact, name) or "" for name in _PERSONAL]
        row.append(orjson.dumps(contact.attributes).decode() if contact.attributes else "")
    else:
        row.append(f"ends in {contact.phone[-4:]}" if contact.phone else "")
    return row
