"""The scope: what Python refuses, and what PostgreSQL hides even when Python forgets."""

from __future__ import annotations

import pytest
from django.db import DatabaseError, connection, transaction

from tenancy.models import ApiKey, AuditEntry, Tenant
from tenancy.scope import OutsideTenant, router_scope, tenant_scope
from tests.support.world import World


def _count(table: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM {table}")
        return int(cursor.fetchone()[0])


def test_a_query_without_a_scope_raises(world: World) -> None:
    with pytest.raises(OutsideTenant):
        ApiKey.objects.count()


def test_raw_sql_as_the_app_role_without_a_tenant_sees_nothing(world: World) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT set_config('role', 'kairos_app', true)")
        assert _count("tenancy_apikey") == 0
        assert _count("tenancy_tenant") == 0
        cursor.execute("SELECT set_config('role', 'none', true)")


def test_the_log_in_role_itself_may_not_read_a_tenants_table(world: World) -> None:
    with pytest.raises(DatabaseError, match="permission denied"), transaction.atomic():
        _count("tenancy_apikey")


def test_raw_sql_inside_a_scope_sees_one_tenant(world: World) -> None:
    with tenant_scope(world.shop.tenant.id):
        assert _count("tenancy_apikey") == 1
        assert _count("tenancy_tenant") == 1
        assert ApiKey.objects.get().tenant_id == world.shop.tenant.id
        assert Tenant.objects.get().id == world.shop.tenant.id


def test_a_row_for_another_tenant_is_refused(world: World) -> None:
    with (
        tenant_scope(world.shop.tenant.id),
        pytest.raises(DatabaseError, match="row-level security"),
        transaction.atomic(),
    ):
        AuditEntry.objects.create(
            tenant_id=world.other.tenant.id, at=world.now, actor="system", action="x"
        )


def test_a_scope_inside_another_tenants_scope_raises(world: World) -> None:
    with (
        tenant_scope(world.shop.tenant.id),
        pytest.raises(OutsideTenant),
        tenant_scope(world.other.tenant.id),
    ):
        pass


def test_leaving_restores_the_role_also_inside_a_longer_transaction(world: World) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        with tenant_scope(world.shop.tenant.id):
            pass
        cursor.execute("SELECT current_user, current_setting('app.tenant_id', true)")
        assert cursor.fetchone() == ("kairos_login", "")


def test_leaving_by_an_error_restores_the_role_too(world: World) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        with pytest.raises(ZeroDivisionError), tenant_scope(world.shop.tenant.id):
            _ = 1 / 0
        cursor.execute("SELECT current_user")
        assert cursor.fetchone() == ("kairos_login",)


def test_the_router_reads_routed_columns_and_no_others(world: World) -> None:
    with router_scope(), connection.cursor() as cursor:
        cursor.execute("SELECT count(DISTINCT tenant_id) FROM tenancy_apikey")
        assert cursor.fetchone() == (2,)
    with (
        pytest.raises(DatabaseError, match="permission denied"),
        router_scope(),
        connection.cursor() as cursor,
    ):
        cursor.execute("SELECT name FROM tenancy_apikey")


def test_the_audit_log_cannot_be_changed_or_emptied(world: World) -> None:
    with tenant_scope(world.shop.tenant.id):
        AuditEntry.objects.create(at=world.now, actor="system", action="thing.done")
        for statement in (
            "UPDATE tenancy_auditentry SET action = ''",
            "DELETE FROM tenancy_auditentry",
        ):
            with (
                pytest.raises(DatabaseError, match="permission denied"),
                transaction.atomic(),
                connection.cursor() as cursor,
            ):
                cursor.execute(statement)
