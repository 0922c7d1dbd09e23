"""The test phone in a workspace that is no brand of the demo, and where the clock cannot be moved."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from commerce.models import Cart
from events.models import Event
from people.domain.resolving import IdentityRef, resolve_contacts
from stack.local import Local
from stack.parts import Parts
from stack.services import Ports, environment
from tenancy.ids import show_id
from tenancy.scope import tenant_scope
from tests.support.world import World
from triggers.domain.reacting import react

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def shop(client: Client, world: World) -> Client:
    client.force_login(world.shop.owner)
    return client


def person(world: World, **named: str) -> str:
    with tenant_scope(world.shop.tenant.id):
        (found,) = resolve_contacts([IdentityRef(**named)], now=world.now)
        assert found is not None
        return show_id("con", found)


@pytest.mark.parametrize("named", [{"phone": "+13105550142"}, {"external_id": "u-7"}])
def test_its_buttons_send_events_of_the_contact(
    world: World, shop: Client, named: dict[str, str]
) -> None:
    ref = person(world, **named)
    page = shop.get(f"/w/juniper/test-phone/?contact={ref}").content.decode()
    assert "Sample mug" in page
    for button in ("checkout", "reward", "restock", "restock", "order"):
        answer = shop.post(
            f"/w/juniper/test-phone/{ref}/fire/", {"button": button, "workspace": "juniper"}
        )
        assert answer.status_code == 200, (button, answer.content[:300])
        react(world.shop.tenant.id, now=world.now)
    with tenant_scope(world.shop.tenant.id):
        told = {show_id("con", e.contact_id) for e in Event.objects.all() if e.contact_id}
        assert told == {ref}
        names = set(Event.objects.values_list("name", flat=True))
        assert {"Checkout Started", "Loyalty Balance Changed", "Order Completed"} <= names
        assert Cart.objects.filter(contact_id=Event.objects.filter(
            name="Checkout Started").values("contact_id")[:1]).exists()  # fmt: skip
    with tenant_scope(world.other.tenant.id):
        assert not Event.objects.exists()


def test_an_answer_without_a_number_says_so(world: World, shop: Client) -> None:
    ref = person(world, phone="+13105550142")
    path = f"/w/juniper/test-phone/{ref}/reply/"
    answer = shop.post(path, {"body": "Hello", "workspace": "juniper"})
    assert answer.status_code == 409
    assert "Connect sending first" in answer.content.decode()


def test_nobody_to_be_leads_to_the_form(shop: Client) -> None:
    page = shop.get("/w/juniper/test-phone/").content.decode()
    assert "/w/juniper/contacts/new/" in page


def test_the_clock_stands_outside_of_demo_and_test(
    world: World, shop: Client, settings: Any
) -> None:
    ref = person(world, phone="+13105550142")
    settings.KAIROS_MODE = "dev"
    assert "+60 min" not in shop.get(f"/w/juniper/test-phone/?contact={ref}").content.decode()
    path = f"/w/juniper/test-phone/{ref}/clock/"
    assert shop.post(path, {"move": "6h", "workspace": "juniper"}).status_code == 404


@pytest.mark.parametrize(
    ("mode", "carrier", "wished", "there"),
    [
        ("dev", "http://127.0.0.1:8010", "yes", True),
        ("dev", "http://127.0.0.1:8010", "", False),
        ("dev", "", "yes", False),  # texts would go to the real Twilio
        ("prod", "http://127.0.0.1:8010", "yes", False),
        ("demo", "", "", True),
    ],
)
def test_where_there_is_a_test_phone(mode: str, carrier: str, wished: str, there: bool) -> None:
    """In a process of its own: settings are read once."""
    code = (
        "import json; from django.conf import settings;"
        "print(json.dumps(['demo' in settings.INSTALLED_APPS, settings.KAIROS_TEST_PHONE]))"
    )
    env = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "config.settings.base",
        "KAIROS_MODE": mode,
        "KAIROS_TWILIO_BASE_URL": carrier,
        "KAIROS_TEST_PHONE": wished,
        "SECRET_KEY": "x",
        "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'platform'}",
    }
    env.pop("KAIROS_WEBHOOK_LOOPBACK", None)
    done = subprocess.run(
        [sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True
    )
    assert json.loads(done.stdout) == [there, there]


@pytest.mark.parametrize(
    ("command", "wished", "given"),
    [("demo", None, "yes"), ("screenshots", None, "yes"), ("demo", "no", "no"), ("start", None, None),
     ("dev", None, None)],
)  # fmt: skip
def test_the_demo_alone_sends_webhooks_to_its_own_machine(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    command: str,
    wished: str | None,
    given: str | None,
) -> None:
    if wished is None:
        monkeypatch.delenv("KAIROS_WEBHOOK_LOOPBACK", raising=False)
    else:
        monkeypatch.setenv("KAIROS_WEBHOOK_LOOPBACK", wished)
    local = Local(tmp_path)
    servers = {
        "DATABASE_URL": "postgresql://x",
        "DATABASE_OWNER_URL": "x",
        "REDIS_URL": "redis://x",
    }
    parts = Parts(local.folder, local.logs, given=servers)
    env = environment(command, local, parts, Ports(8000, 8010))
    assert env.get("KAIROS_WEBHOOK_LOOPBACK") == given


@pytest.mark.parametrize("mode", ["prod", "dev"])
def test_elsewhere_the_setting_stops_the_start(mode: str) -> None:
    env = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "config.settings.base",
        "KAIROS_MODE": mode,
        "KAIROS_WEBHOOK_LOOPBACK": "yes",
        "SECRET_KEY": "x",
        "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'platform'}",
    }
    code = "from django.conf import settings; settings.DEBUG"
    done = subprocess.run(
        [sys.executable, "-c", code], env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode != 0
    assert "KAIROS_WEBHOOK_LOOPBACK is for the modes demo and test only" in done.stderr


@pytest.mark.parametrize(("outside", "wished"), [("", "yes"), ("https://carrier.example", None)])
def test_the_stack_wishes_for_it_where_it_runs_the_simulator(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, outside: str, wished: str | None
) -> None:
    monkeypatch.setenv("KAIROS_TWILIO_BASE_URL", outside)
    monkeypatch.delenv("KAIROS_TEST_PHONE", raising=False)
    local = Local(tmp_path)
    given = {"DATABASE_URL": "postgresql://x", "DATABASE_OWNER_URL": "x", "REDIS_URL": "redis://x"}
    parts = Parts(local.folder, local.logs, given=given)
    env = environment("start", local, parts, Ports(8000, 8010))
    assert env.get("KAIROS_TEST_PHONE") == wished
