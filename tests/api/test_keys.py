"""API keys over the API: no key gives or takes more than it has."""

from __future__ import annotations

from datetime import datetime

import pytest

from tenancy.domain.keys import create_api_key
from tenancy.ids import show_id
from tenancy.models import ApiKey, AuditEntry
from tenancy.scope import tenant_scope
from tests.api.calling import Api
from tests.support.world import World


@pytest.fixture
def door(world: World) -> Api:
    return Api(world.shop, world.other, {})


@pytest.fixture
def small(door: Api, now: datetime) -> str:
    """A key that may make keys and send events, and no more."""
    with tenant_scope(door.brand.tenant.id):
        scopes = ["keys:write", "keys:read", "events:write"]
        return create_api_key(name="Small", scopes=scopes, now=now)[1]


def test_a_key_is_made_works_and_is_revoked(door: Api) -> None:
    status, made = door.call("POST", "keys", {"name": "CI", "scopes": ["flows:read"]})
    assert status == 201
    assert door.call("GET", "flows", key=made["secret"])[0] == 200
    assert door.call("GET", "segments", key=made["secret"])[0] == 403
    status, revoked = door.call("DELETE", f"keys/{made['id']}")
    assert status == 200
    assert revoked["revoked_at"] is not None
    assert door.call("GET", "flows", key=made["secret"])[0] == 401
    assert door.call("DELETE", f"keys/{made['id']}")[0] == 200
    listed = {key["name"]: key for key in door.call("GET", "keys")[1]["keys"]}
    assert set(listed) == {"All", "CI"}
    assert "secret" not in listed["CI"]
    with tenant_scope(door.brand.tenant.id):
        actions = list(AuditEntry.objects.order_by("id").values_list("action", "actor"))
        prefix = ApiKey.objects.get(name="All").prefix
        assert ("api_key.create", f"key:{prefix}") in actions
        assert ("api_key.revoke", f"key:{prefix}") in actions


def test_no_key_gives_more_than_it_has(door: Api, small: str) -> None:
    body = {"name": "More", "scopes": ["events:write", "contacts:read"]}
    status, problem = door.call("POST", "keys", body, key=small)
    assert (status, problem["errors"][0]["code"]) == (403, "scope_not_held")
    assert door.call("POST", "keys", {**body, "scopes": ["events:write"]}, key=small)[0] == 201
    with tenant_scope(door.brand.tenant.id):
        assert not ApiKey.objects.filter(name="More", scopes__contains=["contacts:read"]).exists()


def test_no_key_takes_more_than_it_has(door: Api, small: str) -> None:
    with tenant_scope(door.brand.tenant.id):
        whole = ApiKey.objects.get(name="All").id
    assert door.call("DELETE", f"keys/{show_id('key', whole)}", key=small)[0] == 403
    assert door.call("GET", "flows")[0] == 200


def test_another_workspaces_key_does_not_exist(door: Api) -> None:
    with tenant_scope(door.other.tenant.id):
        theirs = ApiKey.objects.get().id
    assert door.call("DELETE", f"keys/{show_id('key', theirs)}")[0] == 404
    assert door.call("GET", "flows", key=door.other.api_key)[0] == 200


@pytest.mark.parametrize(
    "body",
    [
        {"name": "", "scopes": ["flows:read"]},
        {"name": "x", "scopes": []},
        {"name": "x", "scopes": ["everything"]},
        {"name": "x" * 81, "scopes": ["flows:read"]},
        {"name": "x"},
    ],
)
def test_what_is_wrong_is_refused(door: Api, body: object) -> None:
    assert door.call("POST", "keys", body)[0] == 422


def test_when_a_key_was_used_last_is_known(door: Api) -> None:
    before = door.call("GET", "keys")[1]["keys"][0]
    assert before["last_used_at"] is not None
