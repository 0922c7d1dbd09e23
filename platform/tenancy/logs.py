"""The only two ways to change an append-only table: a merge of contacts, and erasing one.

The application's role may not UPDATE a log. It may call these definer functions, which touch the
rows of the workspace in scope alone: one changes nothing but whose rows they are, the other empties
the columns that a model lists in `kairos_erased`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from uuid import UUID

from django.db import connection
from django.db.backends.utils import CursorWrapper

from tenancy.scope import APP_ROLE

_SCOPED = "t.tenant_id = NULLIF(current_setting('app.tenant_id', true), '')::uuid"
_MOVE = """
CREATE OR REPLACE FUNCTION move_log_rows(log text, sources uuid[], targets uuid[], only_ids uuid[])
RETURNS TABLE (source uuid, row_ids uuid[])
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    {choice}
    ELSE RAISE EXCEPTION 'the rows of % belong to no contact', log;
    END IF;
END $$;
REVOKE ALL ON FUNCTION move_log_rows(text, uuid[], uuid[], uuid[]) FROM PUBLIC;
"""
_MOVE_ONE = """
    log = '{table}' THEN
        RETURN QUERY WITH moved AS (
            UPDATE {table} t SET contact_id = way.target
            FROM unnest(sources, targets) AS way(source, target)
            WHERE {scoped} AND t.contact_id = ANY(sources) AND t.contact_id = way.source
              AND (only_ids IS NULL OR t.id = ANY(only_ids))
            RETURNING way.source, t.id)
        SELECT moved.source, array_agg(moved.id) FROM moved GROUP BY moved.source;
"""
_ERASE = """
CREATE OR REPLACE FUNCTION erase_log_rows(log text, key text, keys uuid[]) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    changed bigint;
BEGIN
    {choice}
    ELSE RAISE EXCEPTION 'nothing in % is erased', log;
    END IF;
    GET DIAGNOSTICS changed = ROW_COUNT;
    RETURN changed;
END $$;
REVOKE ALL ON FUNCTION erase_log_rows(text, text, uuid[]) FROM PUBLIC;
"""
_ERASE_ONE = """
    log = '{table}' AND key = '{key}' THEN
        UPDATE {table} t SET {emptied} WHERE {scoped} AND t.{key} = ANY(keys);
"""
_KEYS = ("contact_id", "attempt_id")


def make_log_functions(
    cursor: CursorWrapper, logs: Iterable[tuple[str, frozenset[str], Mapping[str, str]]]
) -> None:
    """Makes both functions. `logs`: tables, their columns, and what each erased column becomes.

    Row security binds the owner too, whose rights a definer function has: he gets a policy of his
    own, as narrow as everybody's.
    """
    moves, erasures = [], []
    for table, columns, erased in logs:
        cursor.execute(f"DROP POLICY IF EXISTS log_keeper ON {table}")
        cursor.execute(
            f"CREATE POLICY log_keeper ON {table} FOR ALL TO CURRENT_USER USING"
            f" ({_SCOPED.replace('t.', '', 1)})"
        )
        if "contact_id" in columns:
            moves.append(_MOVE_ONE.format(table=table, scoped=_SCOPED))
        emptied = ", ".join(f"{name} = {value}" for name, value in erased.items())
        erasures += [
            _ERASE_ONE.format(table=table, key=key, emptied=emptied, scoped=_SCOPED)
            for key in _KEYS
            if key in columns
        ]
    cursor.execute(_MOVE.format(choice="IF" + "ELSIF".join(moves)))
    cursor.execute(_ERASE.format(choice="IF" + "ELSIF".join(erasures)))
    cursor.execute(
        "GRANT EXECUTE ON FUNCTION move_log_rows(text, uuid[], uuid[], uuid[]),"
        f" erase_log_rows(text, text, uuid[]) TO {APP_ROLE}"
    )


def erase_log(table: str, keys: Iterable[UUID], *, key: str = "contact_id") -> int:
    """Empties what the rows of these contacts (or attempts) say; returns how many rows."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT erase_log_rows(%s, %s, %s::uuid[])", [table, key, sorted(set(keys))])
        return int(cursor.fetchone()[0])
