"""Sets of rows in one statement: `unnest` over arrays instead of a statement per row."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar
from uuid import UUID

from django.db import OperationalError, connection

from tenancy.retrying import is_outage
from tenancy.scope import current_tenant_id, tenant_scope

T = TypeVar("T")


def insert_rows(
    table: str,
    types: Mapping[str, str],
    rows: Sequence[Mapping[str, Any]],
    *,
    on_conflict: str = "",
) -> list[UUID]:
    """Inserts rows of the tenant in scope; returns the ids that were new.

    types: column -> PostgreSQL type; every row has all columns. Names come from this code only.
    """
    if not rows:
        return []
    columns = list(types)
    arrays = ", ".join(f"%s::{types[name]}[]" for name in columns)
    statement = (
        f"INSERT INTO {table} (tenant_id, {', '.join(columns)})"
        f" SELECT %s, * FROM unnest({arrays}) {on_conflict} RETURNING id"
    )
    values = [[row[name] for row in rows] for name in columns]
    with connection.cursor() as cursor:
        cursor.execute(statement, [current_tenant_id(), *values])
        return [found[0] for found in cursor.fetchall()]


def update_rows(
    table: str,
    types: Mapping[str, str],
    rows: Sequence[Mapping[str, Any]],
    *,
    also: str = "",
    where: str = "",
) -> list[UUID]:
    """Sets the columns of rows by id; returns the ids that changed.

    `also` is further SQL for SET, `where` for the condition (alias t: the table, v: the values).
    """
    if not rows:
        return []
    columns = list(types)
    arrays = ", ".join(f"%s::{types[name]}[]" for name in columns)
    sets = ", ".join(f"{name} = v.{name}" for name in columns if name not in {"id", "created_at"})
    statement = (
        f"UPDATE {table} t SET {', '.join(part for part in (sets, also) if part)}"
        f" FROM unnest({arrays}) AS v({', '.join(columns)})"
        f" WHERE t.tenant_id = %s AND t.id = v.id {where} RETURNING t.id"
    )
    values = [[row[name] for row in rows] for name in columns]
    with connection.cursor() as cursor:
        cursor.execute(statement, [*values, current_tenant_id()])
        return [found[0] for found in cursor.fetchall()]


def fetch_all(statement: str, values: Sequence[Any] | Mapping[str, Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
        return rows


def in_halves(
    tenant_id: UUID,
    members: Sequence[T],
    work: Callable[[Sequence[T]], int],
    set_aside: Callable[[T, Exception], None],
) -> int:
    """Runs `work` on a set in one scope; a set that fails is tried in halves.

    A deadlock or serialization error is tried again as it is first. What fails alone is handed to
    `set_aside` (in a scope of its own) instead of stopping everything behind it. A database that
    is away raises: no row is to blame for that, and none may be given up.
    """
    if not members:
        return 0
    for again in (True, False):
        try:
            with tenant_scope(tenant_id):
                return work(members)
        except Exception as error:
            if is_outage(error):
                raise
            if again and isinstance(error, OperationalError):
                continue
            failure = error
        break
    if len(members) == 1:
        with tenant_scope(tenant_id):
            set_aside(members[0], failure)
        return 1
    middle = len(members) // 2
    return in_halves(tenant_id, members[:middle], work, set_aside) + in_halves(
        tenant_id, members[middle:], work, set_aside
    )
