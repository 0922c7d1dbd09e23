"""Rows that change hands when two contacts are merged, and go back when that is undone.

Every floor registers what it keeps of a contact: `follow` takes the rows of the merged contacts to
their survivors, `go_back` returns exactly those. Both work on sets, in a fixed number of
statements, with both contacts locked. What moved is noted in `MovedRows`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any
from uuid import UUID

from django.db import connection, models

from people.domain.literals import uuid_array
from tenancy.scope import current_tenant_id

# `t` is the table's row, `pair` the merge it belongs to.
_PAIRS = (
    "unnest(%(merges)s::uuid[], %(survivors)s::uuid[], %(merged)s::uuid[])"
    " AS pair(merge_id, survivor_id, merged_id)"
)


@dataclass(frozen=True, slots=True)
class Move:
    merge_id: UUID
    survivor_id: UUID
    merged_id: UUID


@dataclass(frozen=True)
class Moves:
    """Merges that are done together. No contact is in two of them."""

    pairs: Sequence[Move]
    now: datetime

    @cached_property
    def values(self) -> dict[str, Any]:
        """Parameters that every statement here may use."""
        return {
            "tenant": current_tenant_id(),
            "now": self.now,
            "merges": uuid_array(pair.merge_id for pair in self.pairs),
            "survivors": uuid_array(pair.survivor_id for pair in self.pairs),
            "merged": uuid_array(pair.merged_id for pair in self.pairs),
        }

    def run(self, statement: str, **more: Any) -> list[tuple[Any, ...]]:
        """Runs SQL with our parameters; `{pairs}` in it is the relation of merges."""
        with connection.cursor() as cursor:
            cursor.execute(statement.replace("{pairs}", _PAIRS), {**self.values, **more})
            return cursor.fetchall() if cursor.description else []


Step = Callable[[Moves], None]


@dataclass(frozen=True, slots=True)
class _Follower:
    order: int
    follow: Step
    go_back: Step


_followers: dict[str, _Follower] = {}


def register_follower(name: str, *, follow: Step, go_back: Step, order: int) -> None:
    """Call it in `AppConfig.ready`. Lower `order` goes first, and comes back last."""
    _followers[name] = _Follower(order, follow, go_back)


def follow_all(moves: Moves) -> None:
    for follower in sorted(_followers.values(), key=lambda each: each.order):
        follower.follow(moves)


def go_back_all(moves: Moves) -> None:
    for follower in sorted(_followers.values(), key=lambda each: -each.order):
        follower.go_back(moves)


def move_rows(model: type[models.Model], moves: Moves, *, only: str = "") -> None:
    """Gives the merged contacts' rows to the survivors. `only`: a condition on `t` and `pair`."""
    moves.run(
        f"""
        WITH moved AS (
            UPDATE {model._meta.db_table} t SET contact_id = pair.survivor_id FROM {{pairs}}
            WHERE t.tenant_id = %(tenant)s AND t.contact_id = ANY(%(merged)s::uuid[])
              AND t.contact_id = pair.merged_id {only and f"AND {only}"}
            RETURNING pair.merge_id, t.id)
        {_note("moved")}
        """,
        table=model._meta.db_table,
    )


def return_rows(model: type[models.Model], moves: Moves) -> None:
    """Gives the rows back that `move_rows` moved and that are still where it left them."""
    moves.run(
        f"""
        UPDATE {model._meta.db_table} t SET contact_id = was.merged_id
        FROM (SELECT pair.survivor_id, pair.merged_id, unnest(m.row_ids) AS id
              FROM people_movedrows m JOIN {{pairs}} ON pair.merge_id = m.merge_id
              WHERE m.tenant_id = %(tenant)s AND m.merge_id = ANY(%(merges)s::uuid[])
                AND m.table_name = %(table)s AND m.before IS NULL) was
        WHERE t.tenant_id = %(tenant)s AND t.id = was.id AND t.contact_id = was.survivor_id
        """,
        table=model._meta.db_table,
    )


def keep_rows(model: type[models.Model], moves: Moves, where: str, **more: Any) -> None:
    """Notes rows whole before they are changed. `where`: a condition on `t` and `pair`."""
    moves.run(
        f"""
        INSERT INTO people_movedrows (id, tenant_id, merge_id, table_name, row_ids, before)
        SELECT gen_random_uuid(), %(tenant)s, pair.merge_id, %(table)s, array_agg(t.id),
               jsonb_agg(to_jsonb(t))
        FROM {model._meta.db_table} t JOIN {{pairs}} ON {where}
        WHERE t.tenant_id = %(tenant)s GROUP BY pair.merge_id
        """,
        table=model._meta.db_table,
        **more,
    )


def restore_rows(model: type[models.Model], moves: Moves, *, only: str = "true") -> None:
    """Writes kept rows back as they were. `only`: a condition on `t` (now) and `was` (then)."""
    names = _columns(model)
    moves.run(
        f"""
        UPDATE {model._meta.db_table} t
        SET ({", ".join(names)}) = ROW({", ".join(f"was.{name}" for name in names)})
        FROM {_kept(model)}
        WHERE t.tenant_id = %(tenant)s AND t.id = was.id AND {only}
        """,
        table=model._meta.db_table,
    )


def remake_rows(model: type[models.Model], moves: Moves) -> None:
    """Inserts kept rows that are gone; one that is there stays as it is."""
    names = ["id", "tenant_id", *_columns(model)]
    moves.run(
        f"""
        INSERT INTO {model._meta.db_table} ({", ".join(names)})
        SELECT {", ".join(f"was.{name}" for name in names)} FROM {_kept(model)}
        ON CONFLICT DO NOTHING
        """,
        table=model._meta.db_table,
    )


def _note(moved: str) -> str:
    return (
        "INSERT INTO people_movedrows (id, tenant_id, merge_id, table_name, row_ids)"
        " SELECT gen_random_uuid(), %(tenant)s, merge_id, %(table)s, array_agg(id)"
        f" FROM {moved} GROUP BY merge_id"
    )


def _kept(model: type[models.Model]) -> str:
    return f"""
        (SELECT pair.merge_id, pair.survivor_id, pair.merged_id, old.*
         FROM people_movedrows m JOIN {{pairs}} ON pair.merge_id = m.merge_id,
              jsonb_populate_recordset(NULL::{model._meta.db_table}, m.before) old
         WHERE m.tenant_id = %(tenant)s AND m.merge_id = ANY(%(merges)s::uuid[])
           AND m.table_name = %(table)s AND m.before IS NOT NULL) was
    """


def _columns(model: type[models.Model]) -> list[str]:
    fields = model._meta.local_concrete_fields
    return [str(f.column) for f in fields if f.column not in {"id", "tenant_id"}]
