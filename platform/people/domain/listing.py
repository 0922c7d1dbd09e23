"""Lists of contacts: searched, filtered, sorted, cut into pages by a key, and counted."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection

from people.core.identifiers import clean_email, clean_phone
from people.domain.defaults import workspace_defaults
from people.domain.facts import SELECTED, ContactFacts, facts_from_row
from people.domain.searching import search_query
from people.filters import Condition
from tenancy.scope import current_tenant_id

PAGE = 50
COUNTED = 10_000
# By how many tokens and identifiers one contact can be found at once, and more.
WAYS = 40
NEWEST = "newest"
# A key of the row before: its id, or the value it is sorted by and its id.
After = UUID | tuple[Any, UUID]


@dataclass(frozen=True, slots=True)
class Sort:
    """`kind`: of the values in `column`; None sorts by the id alone."""

    label: str
    column: str = ""
    kind: type | None = None
    newest_first: bool = True


SORTS = {
    NEWEST: Sort("Newest"),
    "last_seen": Sort("Last seen", "last_seen_at", datetime),
    "name": Sort("Name", "sort_name", str, newest_first=False),
}


@dataclass(frozen=True, slots=True)
class ContactPage:
    """One page. `next_key` continues it; newest first `next_after` does too. None at the end."""

    contacts: list[ContactFacts]
    next_key: tuple[Any, ...] | None = None

    @property
    def next_after(self) -> UUID | None:
        return self.next_key[-1] if self.next_key else None


@dataclass(frozen=True, slots=True)
class Total:
    """How many there are. Not `is_exact`: more than are worth counting, so it is estimated."""

    number: int
    is_exact: bool


@dataclass(slots=True)
class _Sql:
    where: list[str] = field(default_factory=list)
    values: list[Any] = field(default_factory=list)

    def add(self, sql: str, *values: Any) -> None:
        self.where.append(sql)
        self.values += values

    def __str__(self) -> str:
        return " AND ".join(self.where)


def list_contacts(
    *,
    search: str = "",
    with_personal: bool = True,
    ids: Iterable[UUID] | None = None,
    filters: Sequence[Condition] = (),
    sort: str = NEWEST,
    after: After | None = None,
    limit: int = PAGE,
) -> ContactPage:
    """A page of contacts by keyset, one query however deep the page.

    `search` is the beginning of a name (2 letters), the first or last digits of a number (4), the
    beginning of an e-mail address or its domain, or a whole external or anonymous id.
    `with_personal` False searches names and ids alone, for somebody who may not see numbers. `ids`
    narrows to a set. `sort` is one of `SORTS`.
    """
    order = SORTS[sort]
    key = after if isinstance(after, tuple) else (after,) if after is not None else ()
    # The page's own ids first: two letters may find a tenth of all contacts, and only those that
    # are shown are worth a look at their rows.
    first = limit + 1 if order.kind is None and ids is None and not filters else None
    sql = _wanted(search, with_personal, filters, first=first, before=key[-1] if key else None)
    if ids is not None:
        sql.add("c.id = ANY(%s)", list(ids))
    if key:
        _go_on(sql, order, key)
    keys = [f"c.{order.column}", "c.id"] if order.column else ["c.id"]
    way = "DESC" if order.newest_first else "ASC"
    ordered = ", ".join(f"{name} {way}" for name in ("c.tenant_id", *keys))
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {', '.join(keys)}, {SELECTED} FROM people_contact c WHERE {sql}"
            f" ORDER BY {ordered} LIMIT %s",
            [*sql.values, limit + 1],
        )
        rows = cursor.fetchall()
    width = len(keys)
    contacts = [facts_from_row(row[width:]) for row in rows[:limit]]
    return ContactPage(contacts, rows[limit - 1][:width] if len(rows) > limit else None)


def count_contacts(
    *, search: str = "", with_personal: bool = True, filters: Sequence[Condition] = ()
) -> Total:
    """Exact up to 10,000; beyond that what the planner's statistics say. Two queries at most."""
    sql = _wanted(search, with_personal, filters)
    bare = f"SELECT FROM people_contact c WHERE {sql}"
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT count(*) FROM ({bare} LIMIT %s) AS found", [*sql.values, COUNTED + 1]
        )
        number = int(cursor.fetchone()[0])
        if number <= COUNTED:
            return Total(number, True)
        cursor.execute(f"EXPLAIN (FORMAT JSON) {bare}", sql.values)
        said = cursor.fetchone()[0]
    plan = json.loads(said) if isinstance(said, str) else said
    return Total(max(number, int(plan[0]["Plan"]["Plan Rows"])), False)


def _wanted(
    search: str,
    with_personal: bool,
    filters: Sequence[Condition],
    *,
    first: int | None = None,
    before: UUID | None = None,
) -> _Sql:
    sql = _Sql()
    sql.add("c.tenant_id = %s", current_tenant_id())
    sql.add("c.erased_at IS NULL")
    if term := search.strip():
        found, values = _found(term, with_personal)
        if first is not None:
            start = " WHERE f.id < %s" if before is not None else ""
            found = f"SELECT f.id FROM ({found}) AS f(id){start} ORDER BY f.id DESC LIMIT %s"
            values += [*([before] if before is not None else ()), first * WAYS]
        sql.add(f"c.id IN ({found})", *values)
    for condition in filters:
        sql.add(condition.sql, *condition.values)
    return sql


def _go_on(sql: _Sql, order: Sort, key: tuple[Any, ...]) -> None:
    """(a, b) beyond (x, y) written out, with a at or beyond x in front for the index to start at."""
    beyond = "<" if order.newest_first else ">"
    if not order.column:
        sql.add(f"c.id {beyond} %s", key[-1])
        return
    value, row_id = key
    sql.add(f"c.{order.column} {beyond}= %s", value)
    sql.add(f"(c.{order.column} {beyond} %s OR c.id {beyond} %s)", value, row_id)


def _found(term: str, with_personal: bool) -> tuple[str, list[Any]]:
    """SQL for the ids of whoever the term finds."""
    pairs = _whole_keys(term, with_personal=with_personal)
    found = (
        "SELECT i.contact_id FROM people_identifier i, unnest(%s::text[], %s::text[])"
        " AS w(kind, value) WHERE i.tenant_id = %s AND i.kind = w.kind AND i.value = w.value"
    )
    values: list[Any] = [
        [kind for kind, _ in pairs],
        [value for _, value in pairs],
        current_tenant_id(),
    ]
    part = search_query(term, with_personal=with_personal)
    if part is None:
        return found, values
    # Not made distinct: `IN` does not mind, and sorting out the doubles of a broad search takes
    # longer than finding them.
    return f"({found}) UNION ALL {part[0]}", values + part[1]


def _whole_keys(term: str, *, with_personal: bool) -> list[tuple[str, str]]:
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
