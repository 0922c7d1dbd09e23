"""A test database with the real roles, made by the owner and used by the application's role."""

from __future__ import annotations

from datetime import UTC, datetime

import psycopg
from django.conf import settings
from django.core.management import call_command
from django.db import connection, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from psycopg import sql

from tenancy.partitions import AHEAD, BEHIND
from tenancy.security import GLOBAL_TABLES, apply_security, make_roles

# Before everything that happens in tests, most of which live in November 2026.
OLDEST = datetime(2025, 9, 1, tzinfo=UTC)


def owner_url(name: str) -> dict[str, object]:
    server = settings.DATABASES["default"]
    return {**server, "NAME": name, **_owner()}


def _owner() -> dict[str, object]:
    from config.env import database

    given = database(settings.KAIROS_TEST_SERVER)
    return {"USER": given["USER"], "PASSWORD": given["PASSWORD"]}


def _connect(name: str) -> psycopg.Connection[tuple[object, ...]]:
    given = owner_url(name)
    return psycopg.connect(
        dbname=str(given["NAME"]),
        user=str(given["USER"]),
        password=str(given["PASSWORD"]) or None,
        host=str(given["HOST"]) or None,
        port=str(given["PORT"]) or None,
        autocommit=True,
    )


def make_database(name: str, *, keep: bool) -> None:
    with _connect(_server_database()) as server:
        exists = server.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone()
        if exists and not keep:
            server.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))
            exists = None
        if not exists:
            server.execute(
                sql.SQL("CREATE DATABASE {} TEMPLATE template0 ENCODING 'UTF8'").format(
                    sql.Identifier(name)
                )
            )
    owner = open_owner(name)
    with owner.cursor() as cursor:
        # Roles belong to the whole server: two test runs must not make them at once.
        cursor.execute("SELECT pg_advisory_lock(7204462)")
        make_roles(cursor, login_password="kairos_login")
        cursor.execute("SELECT pg_advisory_unlock(7204462)")
    call_command("migrate", database="owner", verbosity=0)
    apply_security(owner)
    now = datetime.now(UTC)
    first = min(now - 7 * BEHIND, OLDEST)
    with owner.cursor() as cursor:
        cursor.execute("SELECT ensure_partitions(%s, %s)", [first, now + 2 * AHEAD])
    owner.close()


def drop_database(name: str) -> None:
    connections.close_all()
    with _connect(_server_database()) as server:
        server.execute(
            sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
        )


def open_owner(name: str | None = None) -> BaseDatabaseWrapper:
    """The owner's connection: for what only tests may do, such as emptying tables."""
    if name is not None:
        connections.databases["owner"] = {**connections.databases["default"], **owner_url(name)}
    return connections["owner"]


def empty_tables() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace"
            " AND relkind IN ('r', 'p') AND NOT relispartition"
        )
        present = {row[0] for row in cursor.fetchall()}
    kept = GLOBAL_TABLES - {name for name in GLOBAL_TABLES if name.startswith("tenancy_")}
    kept -= {"django_session"}
    given = owner_url(str(settings.DATABASES["default"]["NAME"]))
    with _connect(str(given["NAME"])) as owner:
        tables = sql.SQL(", ").join(sql.Identifier(name) for name in sorted(present - kept))
        empty = sql.SQL("TRUNCATE {} RESTART IDENTITY CASCADE").format(tables)
        for chance in range(5):
            try:
                owner.execute(empty)
                break
            except psycopg.errors.DeadlockDetected:
                if chance == 4:
                    raise  # a page that is still being answered holds locks for a moment, not for ever


def _server_database() -> str:
    from config.env import database

    return str(database(settings.KAIROS_TEST_SERVER)["NAME"])
