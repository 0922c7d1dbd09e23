"""The checklist of a new workspace: read from facts, marked by hand, gone when settled."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from analytics.domain.first_steps import first_steps, mark_step
from analytics.models import FirstStepMark
from api.problems import Invalid
from consent.domain.settings import use_window_preset
from consent.models import SignUpPage
from delivery.models import Gateway, Sender
from people.domain.resolving import IdentityRef, resolve_contacts
from tenancy.domain.workspace_settings import change_workspace
from tenancy.models import Tenant
from tenancy.scope import tenant_scope
from tests.support.world import World
from triggers.domain.flows import publish_flow
from triggers.domain.recipes import install_recipe

HOME = "/w/juniper/"
STEPS = "/w/juniper/first-steps/"
KEYS = ["workspace", "sending", "contacts", "rules", "recipe"]


@pytest.fixture
def shop(client: Client, world: World) -> Client:
    client.force_login(world.shop.owner)
    return client


def states(world: World) -> dict[str, str]:
    tenant = Tenant.objects.get(id=world.shop.tenant.id)
    with tenant_scope(tenant.id):
        return {step.key: step.state for step in first_steps(tenant).steps}


def post(client: Client, **data: str) -> Any:
    return client.post(STEPS, {"workspace": "juniper", **data})


def connect(world: World) -> None:
    gateway = Gateway(kind="simulator", account_sid="AC" + "0" * 32, created_at=world.now)
    gateway.set_secrets(secret="x", auth_tokens=["x"])
    gateway.save(force_insert=True)
    Sender.objects.create(gateway=gateway, phone="+13105550199", created_at=world.now)


def test_each_line_follows_its_fact(world: World, shop: Client) -> None:
    assert list(states(world)) == KEYS
    assert set(states(world).values()) == {"open"}
    with tenant_scope(world.shop.tenant.id):
        change_workspace({"name": "Juniper & Oak"}, now=world.now)
    assert states(world)["workspace"] == "done"
    with tenant_scope(world.shop.tenant.id):
        connect(world)
    assert states(world)["sending"] == "done"
    with tenant_scope(world.shop.tenant.id):
        resolve_contacts([IdentityRef(email="maya@example.com")], now=world.now)
    assert states(world)["contacts"] == "open"
    with tenant_scope(world.shop.tenant.id):
        resolve_contacts([IdentityRef(phone="+13105550142")], now=world.now)
    assert states(world)["contacts"] == "done"
    with tenant_scope(world.shop.tenant.id):
        use_window_preset("federal", now=world.now)
    assert states(world)["rules"] == "open"
    with tenant_scope(world.shop.tenant.id):
        SignUpPage.objects.create(
            slug="juniper", version=1, created_at=world.now, updated_at=world.now
        )
    assert states(world)["rules"] == "done"
    with tenant_scope(world.shop.tenant.id):
        flow = install_recipe("loyalty-nudge", now=world.now)
    assert states(world)["recipe"] == "open"
    assert b"Loyalty nudge is a draft" in shop.get(HOME).content
    with tenant_scope(world.shop.tenant.id):
        publish_flow(flow, now=world.now)
    assert states(world) == dict.fromkeys(KEYS, "done")
    assert b"First steps" not in shop.get(HOME).content


def test_facts_of_the_other_workspace_settle_nothing(world: World) -> None:
    with tenant_scope(world.other.tenant.id):
        connect(world)
        change_workspace({"name": "Other"}, now=world.now)
        mark_step("rules", "skipped", now=world.now)
    assert set(states(world).values()) == {"open"}


def test_lines_are_skipped_opened_again_and_called_fine(world: World, shop: Client) -> None:
    assert post(shop, step="contacts", act="skipped").status_code == 302
    assert post(shop, step="rules", act="done").status_code == 302
    assert states(world) | {"contacts": "", "rules": ""} == dict.fromkeys(KEYS, "open") | {
        "contacts": "", "rules": "",
    }  # fmt: skip
    assert (states(world)["contacts"], states(world)["rules"]) == ("skipped", "done")
    assert "2 of 5" in shop.get(HOME).content.decode()
    post(shop, step="contacts", act="open")
    assert states(world)["contacts"] == "open"
    for key in KEYS:
        post(shop, step=key, act="skipped")
    assert b"First steps" not in shop.get(HOME).content
    with tenant_scope(world.shop.tenant.id):
        # A fact wins over a mark.
        resolve_contacts([IdentityRef(phone="+13105550142")], now=world.now)
        assert FirstStepMark.objects.get(step="contacts").state == "skipped"
    assert states(world)["contacts"] == "done"


@pytest.mark.parametrize(
    "data", [{}, {"act": "done"}, {"act": "done", "step": "other"}, {"act": "x", "step": "rules"}]
)
def test_what_is_no_step_is_refused(shop: Client, world: World, data: dict[str, str]) -> None:
    assert post(shop, **data).status_code == 422
    assert set(states(world).values()) == {"open"}


def test_a_state_that_is_none(world: World) -> None:
    with tenant_scope(world.shop.tenant.id), pytest.raises(Invalid):
        mark_step("rules", "perhaps", now=world.now)


def test_an_analyst_reads_it_and_changes_nothing(world: World, client: Client) -> None:
    client.force_login(world.shop.analyst)
    page = client.get(HOME).content.decode()
    assert "First steps" in page
    assert "Skip" not in page.split("First steps")[1].split("</section>")[0]
    assert "Add a contact" not in page
    assert post(client, step="rules", act="done").status_code == 403


def test_an_empty_workspace_shows_no_zeros(shop: Client) -> None:
    page = shop.get(HOME).content.decode()
    assert "Attributed revenue" not in page
    assert "Send your first event" in page
