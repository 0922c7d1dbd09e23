from __future__ import annotations

import pytest
from django.db import connection

from api.problems import Problem
from tenancy.domain.keys import create_api_key, create_write_key, find_key, revoke_key
from tenancy.models import ApiKey
from tenancy.scope import tenant_scope
from tests.support.world import World


def test_a_key_opens_its_own_workspace_only(world: World) -> None:
    found = find_key(world.shop.api_key)
    assert found is not None
    assert found.tenant_id == world.shop.tenant.id
    assert found.kind == "api"
    other = find_key(world.other.write_key)
    assert other is not None
    assert (other.tenant_id, other.kind) == (world.other.tenant.id, "server")


def test_secrets_are_not_stored(world: World) -> None:
    with tenant_scope(world.shop.tenant.id), connection.cursor() as cursor:
        cursor.execute("SELECT to_jsonb(k)::text FROM tenancy_apikey k")
        assert world.shop.api_key not in cursor.fetchone()[0]


def test_a_revoked_key_opens_nothing(world: World) -> None:
    with tenant_scope(world.shop.tenant.id):
        revoke_key(ApiKey.objects.get(), now=world.now)
    assert find_key(world.shop.api_key) is None


def test_a_key_of_a_closed_workspace_opens_nothing(world: World) -> None:
    world.other.tenant.is_active = False
    world.other.tenant.save(update_fields=["is_active"])
    assert find_key(world.other.api_key) is None


@pytest.mark.parametrize("secret", ["", "x", "kairos_", "\udcff", "a" * 5000])
def test_an_unknown_secret_finds_nothing(world: World, secret: str) -> None:
    assert find_key(secret) is None


def test_an_unknown_scope_is_refused_by_name(world: World) -> None:
    with tenant_scope(world.shop.tenant.id), pytest.raises(Problem) as caught:
        create_api_key(name="x", scopes=["everything"], now=world.now)
    assert caught.value.errors[0].field == "scopes"
    assert caught.value.errors[0].code == "unknown_scope"


def test_a_secret_cannot_be_chosen_in_production(
    world: World, settings: pytest.FixtureRequest
) -> None:
    settings.KAIROS_MODE = "prod"  # type: ignore[attr-defined]
    with tenant_scope(world.shop.tenant.id), pytest.raises(Problem):
        create_write_key(name="x", kind="server", secret="demo", now=world.now)
