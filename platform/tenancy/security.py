"""The walls in PostgreSQL, made from the models after every migration.

One idempotent pass instead of SQL in forty migrations: no table can be forgotten, and a test reads
the catalogue to prove it. It gives every tenant table forced row security with one policy, grants,
`UNIQUE (tenant_id, id)` and composite foreign keys; the router its routed columns; the log-in role
the few global tables; the roll-ups a policy by organization. Runs as the owner of the tables, never as the application.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping

from django.apps import apps
from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.utils import CursorWrapper
from psycopg import sql

from tenancy.logs import make_log_functions
from tenancy.models.base import TenantForeignKey, TenantModel
from tenancy.models.rollups import RollupModel
from tenancy.partitions import PARTITION_FUNCTION
from tenancy.routing import ROUTED
from tenancy.scope import APP_ROLE, ORGANIZATION_ROLE, ROUTER_ROLE

LOGIN_ROLE = "kairos_login"
SCOPED = "tenant_id = NULLIF(current_setting('app.tenant_id', true), '')::uuid"
OF_ORGANIZATION = "organization_id = NULLIF(current_setting('app.organization_id', true), '')::uuid"
# Tables without a tenant: what the log-in role itself may use, before a scope is open.
GLOBAL_TABLES = frozenset(
    {
        "auth_group",
        "auth_group_permissions",
        "auth_permission",
        "django_content_type",
        "django_migrations",
        "demo_demostate",
        "django_session",
        "tenancy_clockoffset",
        "tenancy_invite",
        "tenancy_invite_workspaces",
        "tenancy_loginattempt",
        "tenancy_membership",
        "tenancy_membership_workspaces",
        "tenancy_organization",
        "tenancy_tenant",
        "tenancy_user",
    }
)


def make_roles(cursor: CursorWrapper, *, login_password: str) -> None:
    """The four roles. The log-in role inherits nothing: every power is taken by SET ROLE."""
    for role in (APP_ROLE, ROUTER_ROLE, ORGANIZATION_ROLE):
        cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role])
        if cursor.fetchone() is None:
            cursor.execute(f"CREATE ROLE {role} NOLOGIN")
    cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [LOGIN_ROLE])
    verb = "CREATE" if cursor.fetchone() is None else "ALTER"
    statement = sql.SQL("{} ROLE {} LOGIN NOINHERIT").format(
        sql.SQL(verb), sql.Identifier(LOGIN_ROLE)
    )
    if login_password:
        statement += sql.SQL(" PASSWORD {}").format(sql.Literal(login_password))
    cursor.execute(statement)
    cursor.execute(f"GRANT {APP_ROLE}, {ROUTER_ROLE}, {ORGANIZATION_ROLE} TO {LOGIN_ROLE}")


def apply_security(connection: BaseDatabaseWrapper) -> None:
    """Brings grants, policies, keys and partition functions in line with the models."""
    with connection.cursor() as cursor:
        cursor.execute(PARTITION_FUNCTION)
        roles = f"{LOGIN_ROLE}, {APP_ROLE}, {ROUTER_ROLE}, {ORGANIZATION_ROLE}"
        cursor.execute(f"GRANT USAGE ON SCHEMA public TO {roles}")
        cursor.execute("REVOKE CREATE ON SCHEMA public FROM PUBLIC")
        cursor.execute(
            f"GRANT EXECUTE ON FUNCTION ensure_partitions(timestamptz, timestamptz) TO {LOGIN_ROLE}, {APP_ROLE}"
        )
        _secure_globals(cursor)
        models = [model for model in tenant_models() if _exists(cursor, model._meta.db_table)]
        for model in models:
            _secure_table(cursor, model)
            if issubclass(model, RollupModel):
                _open_to_organization(cursor, model._meta.db_table)
        for model in models:
            _make_foreign_keys(cursor, model)
        make_log_functions(cursor, _logs(models))
        _grant_routes(cursor)


def _logs(
    models: Iterable[type[TenantModel]],
) -> Iterator[tuple[str, frozenset[str], Mapping[str, str]]]:
    for model in models:
        if model.kairos_append_only and model.kairos_erased:
            columns = frozenset(str(field.column) for field in model._meta.local_fields)
            yield model._meta.db_table, columns, model.kairos_erased


def tenant_models() -> list[type[TenantModel]]:
    return sorted(
        (m for m in apps.get_models() if issubclass(m, TenantModel) and m._meta.managed),
        key=lambda m: m._meta.db_table,
    )


def has_id(model: type[TenantModel]) -> bool:
    """False for rows nobody points at, whose key is another one that begins with the tenant."""
    return any(field.column == "id" for field in model._meta.local_fields)


def _secure_globals(cursor: CursorWrapper) -> None:
    cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    present = {row[0] for row in cursor.fetchall()}
    for table in sorted(GLOBAL_TABLES & present):
        cursor.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO {LOGIN_ROLE}")
    cursor.execute(f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {LOGIN_ROLE}")
    cursor.execute(
        f"GRANT SELECT, INSERT, UPDATE ON tenancy_clockoffset TO {APP_ROLE}, {ROUTER_ROLE}"
    )
    # Inside a scope a workspace sees itself and no other.
    cursor.execute("ALTER TABLE tenancy_tenant ENABLE ROW LEVEL SECURITY")
    cursor.execute("ALTER TABLE tenancy_tenant FORCE ROW LEVEL SECURITY")
    _make_policy(
        cursor,
        "tenancy_tenant",
        "own_row",
        f"FOR SELECT TO {APP_ROLE} USING ("
        "id = NULLIF(current_setting('app.tenant_id', true), '')::uuid)",
    )
    _make_policy(
        cursor,
        "tenancy_tenant",
        "own_row_update",
        f"FOR UPDATE TO {APP_ROLE} USING ("
        "id = NULLIF(current_setting('app.tenant_id', true), '')::uuid)",
    )
    _make_policy(
        cursor,
        "tenancy_tenant",
        "before_a_scope",
        f"FOR ALL TO {LOGIN_ROLE} USING (true) WITH CHECK (true)",
    )
    cursor.execute(f"GRANT SELECT, UPDATE ON tenancy_tenant TO {APP_ROLE}")


def _secure_table(cursor: CursorWrapper, model: type[TenantModel]) -> None:
    table = model._meta.db_table
    for name in [table, *_leaves(cursor, table)]:
        cursor.execute(f"ALTER TABLE {name} ENABLE ROW LEVEL SECURITY")
        cursor.execute(f"ALTER TABLE {name} FORCE ROW LEVEL SECURITY")
    _make_policy(
        cursor,
        table,
        "tenant_rows",
        f"FOR ALL TO {APP_ROLE} USING ({SCOPED}) WITH CHECK ({SCOPED})",
    )
    cursor.execute(f"REVOKE ALL ON {table} FROM PUBLIC, {APP_ROLE}, {ROUTER_ROLE}, {LOGIN_ROLE}")
    verbs = "SELECT, INSERT" if model.kairos_append_only else "SELECT, INSERT, UPDATE, DELETE"
    cursor.execute(f"GRANT {verbs} ON {table} TO {APP_ROLE}")
    if not _is_partitioned(cursor, table):
        if has_id(model):
            unique = f"{_short(table)}_tenant_id_uniq"
            _make_constraint(cursor, table, unique, "UNIQUE (tenant_id, id)")
        if not model.kairos_no_fk:
            _make_constraint(
                cursor,
                table,
                f"{_short(table)}_tenant_fk",
                "FOREIGN KEY (tenant_id) REFERENCES tenancy_tenant (id)",
            )


def _open_to_organization(cursor: CursorWrapper, table: str) -> None:
    """Its organization may read it across workspaces; a row names the workspace's own one."""
    _make_policy(
        cursor,
        table,
        "organization_rows",
        f"FOR SELECT TO {ORGANIZATION_ROLE} USING ({OF_ORGANIZATION})",
    )
    cursor.execute(f"REVOKE ALL ON {table} FROM {ORGANIZATION_ROLE}")
    cursor.execute(f"GRANT SELECT ON {table} TO {ORGANIZATION_ROLE}")
    _make_constraint(
        cursor, "tenancy_tenant", "tenancy_tenant_in_organization", "UNIQUE (organization_id, id)"
    )
    _make_constraint(
        cursor,
        table,
        f"{_short(table)}_organization_fk",
        "FOREIGN KEY (organization_id, tenant_id) REFERENCES tenancy_tenant (organization_id, id)",
    )


def _make_foreign_keys(cursor: CursorWrapper, model: type[TenantModel]) -> None:
    if model.kairos_no_fk:
        return
    table = model._meta.db_table
    for field in tenant_foreign_keys(model):
        target = field.related_model._meta.db_table
        if not _exists(cursor, target):
            continue
        _make_constraint(
            cursor,
            table,
            f"{_short(table + '_' + field.column)}_tfk",
            f"FOREIGN KEY (tenant_id, {field.column}) REFERENCES {target} (tenant_id, id)",
        )


def tenant_foreign_keys(model: type[models.Model]) -> Iterator[TenantForeignKey]:
    for field in model._meta.local_fields:
        if isinstance(field, TenantForeignKey):
            yield field


def _grant_routes(cursor: CursorWrapper) -> None:
    for table, columns in ROUTED.items():
        if not _exists(cursor, table):
            continue
        cursor.execute(f"GRANT SELECT ({', '.join(columns)}) ON {table} TO {ROUTER_ROLE}")
        _make_policy(cursor, table, "routing", f"FOR SELECT TO {ROUTER_ROLE} USING (true)")


def _exists(cursor: CursorWrapper, table: str) -> bool:
    cursor.execute("SELECT to_regclass(%s)", [table])
    return cursor.fetchone()[0] is not None


def _leaves(cursor: CursorWrapper, table: str) -> Iterable[str]:
    cursor.execute(
        "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = %s::regclass", [table]
    )
    return [row[0] for row in cursor.fetchall()]


def _is_partitioned(cursor: CursorWrapper, table: str) -> bool:
    cursor.execute("SELECT relkind = 'p' FROM pg_class WHERE oid = %s::regclass", [table])
    return bool(cursor.fetchone()[0])


def _make_policy(cursor: CursorWrapper, table: str, name: str, rule: str) -> None:
    cursor.execute(f"DROP POLICY IF EXISTS {name} ON {table}")
    cursor.execute(f"CREATE POLICY {name} ON {table} {rule}")


def _make_constraint(cursor: CursorWrapper, table: str, name: str, rule: str) -> None:
    cursor.execute(
        "SELECT 1 FROM pg_constraint WHERE conname = %s AND conrelid = %s::regclass", [name, table]
    )
    if cursor.fetchone() is None:
        cursor.execute(f"ALTER TABLE {table} ADD CONSTRAINT {name} {rule}")


def _short(name: str) -> str:
    """PostgreSQL cuts names at 63 bytes; a digest keeps long ones apart."""
    if len(name) <= 40:
        return name
    return f"{name[:31]}_{hashlib.sha256(name.encode()).hexdigest()[:8]}"
