"""The walls, read from PostgreSQL's own catalogue: no table may be forgotten."""

from __future__ import annotations

import pytest
from django.db import connection

from tenancy.models import RollupModel
from tenancy.routing import ROUTED
from tenancy.security import GLOBAL_TABLES, tenant_foreign_keys, tenant_models

pytestmark = pytest.mark.django_db


def rollups() -> set[str]:
    return {m._meta.db_table for m in tenant_models() if issubclass(m, RollupModel)}


def _rows(statement: str, *values: str) -> list[tuple[object, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return list(cursor.fetchall())


def _owner() -> object:
    return _rows("SELECT tableowner FROM pg_tables WHERE tablename = 'people_contact'")[0][0]


def _tables() -> list[tuple[str, bool, bool, bool]]:
    """name, row security on, forced, is a partition's leaf"""
    return _rows(  # type: ignore[return-value]
        """
        SELECT c.relname, c.relrowsecurity, c.relforcerowsecurity, c.relispartition
        FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
        """
    )


def test_every_table_is_global_by_name_or_has_forced_row_security() -> None:
    open_tables = [
        name
        for name, on, forced, _ in _tables()
        if name not in GLOBAL_TABLES and not (on and forced)
    ]
    assert open_tables == []


def test_every_tenant_table_has_a_tenant_column_that_cannot_be_null() -> None:
    having = {
        row[0]
        for row in _rows(
            "SELECT table_name FROM information_schema.columns"
            " WHERE column_name = 'tenant_id' AND is_nullable = 'NO'"
        )
    } | {
        # information_schema shows only what the role may use: the log-in role may use no tenant table
        row[0]
        for row in _rows(
            "SELECT a.attrelid::regclass::text FROM pg_attribute a"
            " WHERE a.attname = 'tenant_id' AND a.attnotnull"
        )
    }
    missing = [
        name for name, _, _, leaf in _tables() if name not in GLOBAL_TABLES and name not in having
    ]
    assert missing == []


def test_policies_compare_the_tenant_and_bind_the_app_role_alone() -> None:
    policies = _rows(
        "SELECT tablename, policyname, roles::text, qual, with_check FROM pg_policies"
        " WHERE schemaname = 'public'"
    )
    by_table = {
        table: (roles, qual, check)
        for table, name, roles, qual, check in policies
        if name == "tenant_rows"
    }
    for model in tenant_models():
        roles, qual, check = by_table[model._meta.db_table]
        assert roles == "{kairos_app}"
        assert "tenant_id" in str(qual)
        assert "app.tenant_id" in str(qual)
        assert qual == check
    others = {(t, n, r) for t, n, r, _, _ in policies if n not in {"tenant_rows", "routing"}}
    assert others == {
        ("tenancy_tenant", "own_row", "{kairos_app}"),
        ("tenancy_tenant", "own_row_update", "{kairos_app}"),
        ("tenancy_tenant", "before_a_scope", "{kairos_login}"),
    } | {(table, "organization_rows", "{kairos_organization}") for table in rollups()} | {
        (model._meta.db_table, "log_keeper", f"{{{_owner()}}}")
        for model in tenant_models()
        if model.kairos_erased
    }
    # Two definer functions change logs; they too see the workspace in scope alone.
    assert {qual for _, name, _, qual, _ in policies if name == "log_keeper"} == {
        by_table["events_event"][1]
    }


def test_foreign_keys_between_tenant_tables_contain_the_tenant() -> None:
    present = {
        (row[0], row[1])
        for row in _rows(
            """
            SELECT conrelid::regclass::text,
                   (SELECT array_agg(attname ORDER BY attname)::text FROM pg_attribute
                    WHERE attrelid = conrelid AND attnum = ANY (conkey))
            FROM pg_constraint WHERE contype = 'f' AND connamespace = 'public'::regnamespace
            """
        )
    }
    for model in tenant_models():
        if model.kairos_no_fk:
            continue
        for field in tenant_foreign_keys(model):
            columns = ",".join(sorted(["tenant_id", str(field.column)]))
            assert (model._meta.db_table, f"{{{columns}}}") in present, (model, field.name)


def test_the_router_may_read_exactly_the_listed_columns() -> None:
    granted = _rows(
        """
        SELECT c.relname, a.attname FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
        WHERE c.relnamespace = 'public'::regnamespace AND a.attnum > 0 AND NOT a.attisdropped
          AND c.relkind IN ('r', 'p')
          AND has_column_privilege('kairos_router', c.oid, a.attnum, 'SELECT')
        """
    )
    expected = {(table, column) for table, columns in ROUTED.items() for column in columns}
    expected |= {("tenancy_clockoffset", "id"), ("tenancy_clockoffset", "seconds")}
    assert set(granted) == expected


def test_an_organizations_scope_may_read_roll_ups_and_nothing_else() -> None:
    granted = _rows(
        """
        SELECT c.relname, p.privilege FROM pg_class c,
               unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']) AS p(privilege)
        WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
          AND has_table_privilege('kairos_organization', c.oid, p.privilege)
        """
    )
    assert set(granted) == {(table, "SELECT") for table in rollups()}
    assert rollups()


def test_nobody_but_the_parents_grants_reach_a_leaf() -> None:
    granted = _rows(
        """
        SELECT c.relname, r.rolname FROM pg_class c, pg_roles r
        WHERE c.relispartition AND c.relkind = 'r'
          AND r.rolname IN ('kairos_login', 'kairos_app', 'kairos_router', 'kairos_organization')
          AND has_table_privilege(r.rolname, c.oid, 'SELECT')
        """
    )
    assert granted == []


def test_every_index_of_a_tenant_table_starts_with_the_tenant() -> None:
    rows = _rows(
        """
        SELECT i.indrelid::regclass::text, ic.relname, a.attname, i.indisprimary, i.indisunique
        FROM pg_index i
        JOIN pg_class ic ON ic.oid = i.indexrelid
        JOIN pg_class t ON t.oid = i.indrelid AND t.relkind = 'r' AND NOT t.relispartition
        LEFT JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
        WHERE t.relnamespace = 'public'::regnamespace
        """
    )
    routed = {(t, c) for t, columns in ROUTED.items() for c in columns}
    routed |= {(table, "organization_id") for table in rollups()}
    tables = {model._meta.db_table for model in tenant_models()}
    wrong = [
        (table, index, first)
        for table, index, first, primary, unique in rows
        # Ids are unique by themselves; what the router looks up starts without a tenant.
        if table in tables and not primary and first != "tenant_id" and (table, first) not in routed
    ]
    assert wrong == []


def test_the_log_in_role_is_no_owner_and_bypasses_nothing() -> None:
    from tenancy.checks import check_log_in_role

    assert check_log_in_role(databases=["default"]) == []
    assert _rows("SELECT session_user")[0] == ("kairos_login",)
