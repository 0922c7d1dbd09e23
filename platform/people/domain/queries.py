"""Reads of people that more than one edge needs."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import connection

from people.core.identifiers import clean_email, clean_phone
from people.domain.facts import SELECTED, ContactFacts, facts_from_row, read_facts
from people.domain.searching import search_query
from people.models import Identifier
from tenancy.scope import current_tenant_id, tenant_scope

__all__ = [
    "ContactFacts",
    "ContactPage",
    "WorkspaceDefaults",
    "contacts_by_id",
    "contacts_by_phone",
    "defaults_of",
    "list_contacts",
    "lock_contacts",
    "workspace_defaults",
]

PAGE = 50
_DEFAULTS_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class WorkspaceDefaults:
    """How this workspace reads national phone numbers, bare times and bare amounts."""

    country: str
    currency: str
    timezone: str


@dataclass(frozen=True, slots=True)
class ContactPage:
    """One page, newest contacts first. `next_after` continues it; None at the end."""

    contacts: list[ContactFacts]
    next_after: UUID | None


def contacts_by_id(ids: Iterable[UUID]) -> dict[UUID, ContactFacts]:
    """Facts of those that exist in this workspace. One query."""
    return read_facts(ids)


def lock_contacts(ids: Iterable[UUID], *, skip_locked: bool = False) -> list[UUID]:
    """Locks contacts FOR NO KEY UPDATE in ascending order until the transaction ends.

    Returns the ids now held: all that exist, or with `skip_locked` those nobody else holds.
    The first lock of every writer of runs and messages (resolve identities before it, not after).
    """
    wanted = sorted(set(ids))
    if not wanted:
        return []
    suffix = " SKIP LOCKED" if skip_locked else ""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id FROM people_contact WHERE tenant_id = %s AND id = ANY(%s)"
            f" ORDER BY id FOR NO KEY UPDATE{suffix}",
            [current_tenant_id(), wanted],
        )
        return [row[0] for row in cursor.fetchall()]


def contacts_by_phone(phones: Sequence[str]) -> dict[str, UUID]:
    """The contact each E.164 number belongs to, for numbers that belong to one."""
    rows = Identifier.objects.filter(kind=Identifier.Kind.PHONE, value__in=list(phones))
    return dict(rows.values_list("value", "contact_id"))


def list_contacts(
    *,
    search: str = "",
    with_personal: bool = True,
    ids: Iterable[UUID] | None = None,
    after: UUID | None = None,
    limit: int = PAGE,
) -> ContactPage:
    """A page of contacts by keyset, newest first, one query however deep the page.

    `search` is a part of a name (2 letters), of a number (3 digits), the beginning of an e-mail
    address, or a whole external or anonymous id. `with_personal` False searches names and ids
    alone, for somebody who may not see numbers. `ids` narrows to a set, such as the members of a
    segment. `after` is the last id of the page before.
    """
    tenant_id = current_tenant_id()
    where = ["c.tenant_id = %s", "c.erased_at IS NULL"]
    values: list[Any] = [tenant_id]
    term = search.strip()
    if term:
        pairs = _search_keys(term, with_personal=with_personal)
        found = (
            "SELECT i.contact_id FROM people_identifier i, unnest(%s::text[], %s::text[])"
            " AS w(kind, value) WHERE i.tenant_id = %s AND i.kind = w.kind AND i.value = w.value"
        )
        values += [[kind for kind, _ in pairs], [value for _, value in pairs], tenant_id]
        part = search_query(term, with_personal=with_personal)
        if part is not None:
            found = f"({found}) UNION {part[0]}"
            values += part[1]
        if ids is None:
            # The page's own ids first: two letters may find a tenth of all contacts, and only
            # those that are shown are worth a look at their rows.
            before = " WHERE f.id < %s" if after is not None else ""
            found = f"SELECT f.id FROM ({found}) AS f(id){before} ORDER BY f.id DESC LIMIT %s"
            values += [*([after] if after is not None else ()), limit + 1]
        where.append(f"c.id IN ({found})")
    if ids is not None:
        where.append("c.id = ANY(%s)")
        values.append(list(ids))
    if after is not None:
        where.append("c.id < %s")
        values.append(after)
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {SELECTED} FROM people_contact c WHERE {' AND '.join(where)}"
            " ORDER BY c.tenant_id DESC, c.id DESC LIMIT %s",
            [*values, limit + 1],
        )
        contacts = [facts_from_row(row) for row in cursor.fetchall()]
    more = len(contacts) > limit
    contacts = contacts[:limit]
    return ContactPage(contacts, contacts[-1].id if more else None)


def workspace_defaults() -> WorkspaceDefaults:
    """Country, currency and zone of the workspace in scope; a few seconds old at most."""
    tenant_id = current_tenant_id()
    return _held_defaults(tenant_id) or _read_defaults(tenant_id)


def defaults_of(tenant_id: UUID) -> WorkspaceDefaults:
    """The same before a scope is open: opens one when the held value is too old."""
    held = _held_defaults(tenant_id)
    if held is not None:
        return held
    with tenant_scope(tenant_id):
        return _read_defaults(tenant_id)


def _held_defaults(tenant_id: UUID) -> WorkspaceDefaults | None:
    held = _defaults.get(tenant_id)
    return held[1] if held is not None and held[0] > time.monotonic() else None


def _read_defaults(tenant_id: UUID) -> WorkspaceDefaults:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT country, currency, timezone FROM tenancy_tenant WHERE id = %s", [tenant_id]
        )
        row = cursor.fetchone() or ("US", "USD", "UTC")
    found = WorkspaceDefaults(*row)
    if len(_defaults) > 10_000:
        _defaults.clear()
    _defaults[tenant_id] = (time.monotonic() + _DEFAULTS_SECONDS, found)
    return found


_defaults: dict[UUID, tuple[float, WorkspaceDefaults]] = {}


def _search_keys(term: str, *, with_personal: bool) -> list[tuple[str, str]]:
    if "\x00" in term:
        return []
    pairs = [("external_id", term), ("anonymous_id", term)]
    if not with_personal:
        return pairs
    with contextlib.suppress(ValueError):
        pairs.append(("phone", clean_phone(term, workspace_defaults().country)[0]))
    with contextlib.suppress(ValueError):
        pairs.append(("email", clean_email(term)))
    return pairs
