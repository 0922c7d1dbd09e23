"""PostgreSQL's own walls, with rows behind them: nothing without a scope, no key across."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg
import pytest
from django.conf import settings
from django.db import connection
from psycopg import sql

from tenancy.models.base import TenantModel
from tenancy.security import tenant_foreign_keys, tenant_models
from tests.isolation.conftest import Pair, make_objects
from tests.support.database import owner_url
from tests.support.world import World
from tests.web.story import tell_story

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def pair(committed_world: World, now: datetime) -> Pair:
    """As elsewhere, but committed: the owner's connection must see it."""
    tell_story(committed_world.shop, now=now, also=committed_world.other)
    return Pair(
        make_objects(committed_world.shop, "ours", now),
        make_objects(committed_world.other, "theirs", now),
    )


@pytest.fixture
def owner() -> Iterator[psycopg.Connection[Any]]:
    given = owner_url(str(settings.DATABASES["default"]["NAME"]))
    with psycopg.connect(
        dbname=str(given["NAME"]),
        user=str(given["USER"]),
        password=str(given["PASSWORD"]) or None,
        host=str(given["HOST"]) or None,
        port=str(given["PORT"]) or None,
    ) as made:
        yield made
        made.rollback()


def leaves(owner: psycopg.Connection[Any]) -> list[str]:
    rows = owner.execute(
        "SELECT relname FROM pg_class WHERE relispartition AND relkind = 'r'"
        " AND relnamespace = 'public'::regnamespace ORDER BY 1"
    )
    return [row[0] for row in rows]


def count(owner: psycopg.Connection[Any], table: str) -> int:
    found = owner.execute(sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(table)))
    return int(found.fetchone()[0])  # type: ignore[index]


def test_without_a_scope_the_app_role_sees_no_row(
    pair: Pair, owner: psycopg.Connection[Any]
) -> None:
    tables = sorted(model._meta.db_table for model in tenant_models())
    full = [table for table in tables if count(owner, table)]
    assert len(full) > 25, full  # the story touches nearly everything
    owner.execute("SET ROLE kairos_app")
    assert {table: count(owner, table) for table in tables if count(owner, table)} == {}


def test_nor_from_a_leaf_not_even_from_one_granted_by_mistake(
    pair: Pair, owner: psycopg.Connection[Any]
) -> None:
    full = [leaf for leaf in leaves(owner) if count(owner, leaf)]
    assert any(leaf.startswith("events_event_p") for leaf in full)
    assert any(leaf.startswith("delivery_messagecontent_p") for leaf in full)
    owner.commit()
    for leaf in full:
        owner.execute("SET ROLE kairos_app")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            count(owner, leaf)
        owner.rollback()
        owner.execute(sql.SQL("GRANT SELECT ON {} TO kairos_app").format(sql.Identifier(leaf)))
        owner.execute("SET ROLE kairos_app")
        assert count(owner, leaf) == 0
        owner.execute(
            "SELECT set_config('app.tenant_id', %s, true)", [str(pair.ours.brand.tenant.id)]
        )
        statement = "SELECT count(DISTINCT tenant_id) FROM {}"
        found = owner.execute(sql.SQL(statement).format(sql.Identifier(leaf))).fetchone()
        assert found is not None
        assert found[0] <= 1
        owner.rollback()


def test_no_key_leads_to_another_tenants_row(pair: Pair, owner: psycopg.Connection[Any]) -> None:
    """Every foreign key that has rows at both ends is bent across the wall, by the owner himself."""
    tried, through = [], []
    for model in tenant_models():
        if model.kairos_no_fk:
            continue
        for field in tenant_foreign_keys(model):
            target = field.related_model
            assert isinstance(target, type)
            assert issubclass(target, TenantModel)
            table = sql.Identifier(model._meta.db_table)
            theirs = first_id(owner, target._meta.db_table, pair.theirs.brand.tenant.id)
            if theirs is None:
                continue
            name = f"{model._meta.db_table}.{field.column}"
            owner.execute("SAVEPOINT bent")
            try:
                done = owner.execute(
                    sql.SQL(
                        "UPDATE {table} SET {column} = %s WHERE (tableoid, ctid) ="
                        " (SELECT tableoid, ctid FROM {table} WHERE tenant_id = %s LIMIT 1)"
                    ).format(table=table, column=sql.Identifier(str(field.column))),
                    [theirs, pair.ours.brand.tenant.id],
                )
                if done.rowcount:
                    owner.execute("SET CONSTRAINTS ALL IMMEDIATE")
                    through.append(name)
            except psycopg.errors.ForeignKeyViolation:
                tried.append(name)
            owner.execute("ROLLBACK TO SAVEPOINT bent")
    assert through == []
    assert len(tried) > 25, tried


def test_nor_does_an_insert_or_update_inside_a_scope(pair: Pair) -> None:
    """What row security says to the application: another tenant's rows cannot be written or moved."""
    from tenancy.scope import tenant_scope

    ours, theirs = pair.ours.brand.tenant.id, pair.theirs.brand.tenant.id
    with tenant_scope(ours), connection.cursor() as cursor:
        for table in ("people_contact", "delivery_message", "triggers_flowrun", "commerce_product"):
            cursor.execute(f"UPDATE {table} SET id = id WHERE tenant_id = %s", [theirs])
            assert cursor.rowcount == 0
            cursor.execute("SAVEPOINT moved")
            with pytest.raises(Exception, match=r"row-level security|permission denied"):
                cursor.execute(f"UPDATE {table} SET tenant_id = %s", [theirs])
            cursor.execute("ROLLBACK TO SAVEPOINT moved")


def first_id(owner: psycopg.Connection[Any], table: str, tenant_id: UUID) -> UUID | None:
    found = owner.execute(
        sql.SQL("SELECT id FROM {} WHERE tenant_id = %s LIMIT 1").format(sql.Identifier(table)),
        [tenant_id],
    ).fetchone()
    return found[0] if found else None
