"""Webhooks in the settings and over the API: who may, what is said, what is shown once."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.test import Client

from events.domain.recording import NewEvent, append_events
from events.domain.webhook_deliveries import make_deliveries
from events.domain.webhook_sending import send_round
from events.domain.webhooks import create_endpoint
from events.models import WebhookDelivery, WebhookEndpoint
from tenancy.clock import wall_now
from tenancy.ids import new_id, show_id
from tenancy.models import AuditEntry
from tenancy.scope import tenant_scope
from tests.support.receiver import WebhookReceiver
from tests.support.world import Brand, World

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _loopback(settings: Any) -> None:
    settings.KAIROS_WEBHOOK_LOOPBACK = True


@pytest.fixture
def receiver() -> Iterator[WebhookReceiver]:
    made = WebhookReceiver()
    yield made
    made.close()


@pytest.fixture
def hook(world: World, receiver: WebhookReceiver) -> WebhookEndpoint:
    with tenant_scope(world.shop.tenant.id):
        made, _ = create_endpoint(
            url=f"{receiver.base_url}/in", event_names=["SMS Sent"], now=wall_now()
        )
        return made


def happen(brand: Brand, name: str = "SMS Sent") -> None:
    """An event of the last hour, made and sent."""
    from tenancy.clock import business_now

    now = business_now()
    with tenant_scope(brand.tenant.id):
        append_events([NewEvent(name, None, {"message_id": str(new_id())}, now)], now=now)
    make_deliveries(brand.tenant.id, now=wall_now())
    send_round(brand.tenant.id)


class Api:
    def __init__(self, brand: Brand) -> None:
        self.headers = {"Authorization": f"Bearer {brand.api_key}"}

    def __call__(self, method: str, path: str = "", body: Any = None) -> Any:
        return Client().generic(
            method,
            f"/api/v1/webhooks{path}",
            json.dumps(body) if body is not None else "",
            "application/json",
            headers=self.headers,
        )


@pytest.fixture
def api(world: World) -> Api:
    return Api(world.shop)


@pytest.fixture
def owner(client: Client, world: World) -> Client:
    client.force_login(world.shop.owner)
    return client


def page(world: World, tail: str = "") -> str:
    return f"/w/{world.shop.tenant.slug}/settings/webhooks/{tail}"


def test_the_page_says_where_a_webhook_may_go(owner: Client, world: World, settings: Any) -> None:
    """Where this machine is allowed, the page says so and takes it; elsewhere the setting is named."""
    asked = {"workspace": world.shop.tenant.slug, "url": "http://127.0.0.1:9/in", "events": "*"}
    settings.KAIROS_WEBHOOK_LOOPBACK = False
    assert "https only, and open to the internet." in owner.get(page(world)).content.decode()
    refused = owner.post(page(world, "new/"), asked)
    assert refused.status_code == 422
    assert "KAIROS_WEBHOOK_LOOPBACK=yes" in refused.content.decode()
    settings.KAIROS_WEBHOOK_LOOPBACK = True
    assert "or http://127.0.0.1 on this machine" in owner.get(page(world)).content.decode()
    private = owner.post(page(world, "new/"), {**asked, "url": "http://192.168.1.1/in"})
    assert private.status_code == 422
    with tenant_scope(world.shop.tenant.id):
        assert not WebhookEndpoint.objects.exists()
    assert owner.post(page(world, "new/"), asked).status_code == 201


def test_the_api_makes_changes_and_removes(
    api: Api, world: World, receiver: WebhookReceiver
) -> None:
    asked = {"url": f"{receiver.base_url}/x", "events": ["sms_delivered", "SMS Replied"]}
    made = api("POST", "", {**asked, "description": "CRM"})
    assert made.status_code == 201
    told = made.json()
    assert told["secret"].startswith("whsec_")
    assert told["events"] == ["SMS Delivered", "SMS Replied"]
    ref = told["id"]
    assert ref.startswith("whk_")
    assert "secret" not in api("GET", f"/{ref}").json()
    assert [row["id"] for row in api("GET").json()["webhooks"]] == [ref]
    changed = api("PATCH", f"/{ref}", {"events": ["*"]}).json()
    assert (changed["events"], changed["description"]) == (["*"], "CRM")
    off = api("DELETE", f"/{ref}/activation").json()
    assert (off["state"], off["disabled_reason"]) == ("disabled", "Switched off over the API")
    refused = api("POST", f"/{ref}/test-event")
    assert (refused.status_code, refused.json()["code"]) == (409, "webhook_disabled")
    assert api("POST", f"/{ref}/activation").json()["state"] == "enabled"
    rotated = api("POST", f"/{ref}/secret")
    assert rotated.status_code == 201
    assert rotated.json()["secret"] != told["secret"]
    assert api("DELETE", f"/{ref}").status_code == 204
    assert api("GET", f"/{ref}").status_code == 404
    with tenant_scope(world.shop.tenant.id):
        acts = AuditEntry.objects.filter(action__startswith="webhook.").order_by("id")
        assert [entry.action.partition(".")[2] for entry in acts] == [
            "created", "changed", "disabled", "enabled", "secret_rotated", "deleted",
        ]  # fmt: skip
        assert all(entry.actor.startswith("key:") for entry in acts)
        assert told["secret"] not in json.dumps([entry.data for entry in acts])


@pytest.mark.parametrize(
    ("body", "field", "code"),
    [
        ({"url": "http://shop.example/", "events": ["*"]}, "url", "https_only"),
        ({"url": "https://169.254.169.254/latest", "events": ["*"]}, "url", "address_refused"),
        ({"url": "https://192.168.0.1/", "events": ["*"]}, "url", "address_refused"),
        ({"url": "https://8.8.8.8/", "events": []}, "events", "required"),
        ({"events": ["*"]}, "url", "required"),
        ({"url": "https://8.8.8.8/", "events": "*"}, "events", "not_a_list"),
        ({"url": "https://8.8.8.8/", "events": ["*"], "secret": "mine"}, "secret", "unknown_field"),
    ],
)
def test_bad_bodies_name_the_field(
    api: Api, world: World, body: dict[str, Any], field: str, code: str
) -> None:
    answer = api("POST", "", body)
    assert answer.status_code == 422
    assert [(e["field"], e["code"]) for e in answer.json()["errors"]] == [(field, code)]
    with tenant_scope(world.shop.tenant.id):
        assert not WebhookEndpoint.objects.exists()


def test_deliveries_and_replays_over_the_api(
    api: Api, world: World, hook: WebhookEndpoint, receiver: WebhookReceiver
) -> None:
    ref = show_id("whk", hook.id)
    receiver.status = 500
    happen(world.shop)
    [row] = api("GET", f"/{ref}/deliveries").json()["deliveries"]
    assert (row["state"], row["attempts"], row["response_status"]) == ("pending", 1, 500)
    assert (row["type"], row["error"]) == ("SMS Sent", "http_error")
    receiver.status = 200
    again = api("POST", f"/{ref}/replays", {"delivery": row["id"]})
    assert (again.status_code, again.json()) == (202, {"deliveries": 1})
    send_round(world.shop.tenant.id)
    assert (
        api("GET", f"/{ref}/deliveries?state=delivered").json()["deliveries"][0]["id"] == row["id"]
    )
    assert api("GET", f"/{ref}/deliveries?state=failed").json()["deliveries"] == []
    since = (wall_now() - timedelta(hours=1)).isoformat()
    assert api("POST", f"/{ref}/replays", {"since": since}).json() == {"deliveries": 1}
    send_round(world.shop.tenant.id)
    assert len({h.headers["kairos-webhook-id"] for h in receiver.hooks}) == 1
    assert len(receiver.hooks) == 3
    for body in ({}, {"since": since, "delivery": row["id"]}):
        assert api("POST", f"/{ref}/replays", body).status_code == 422
    assert api("POST", f"/{ref}/replays", {"since": "2020-01-01T00:00:00Z"}).status_code == 422
    assert api("GET", f"/{ref}/deliveries?state=odd").status_code == 422
    tested = api("POST", f"/{ref}/test-event")
    assert (tested.status_code, tested.json()["is_test"]) == (202, True)


def test_a_cursor_walks_all_deliveries(api: Api, world: World, hook: WebhookEndpoint) -> None:
    for _ in range(5):
        happen(world.shop)
    seen, cursor = [], ""
    while cursor is not None:
        path = f"/{show_id('whk', hook.id)}/deliveries?limit=2&cursor={cursor}"
        answer = api("GET", path).json()
        seen += [row["id"] for row in answer["deliveries"]]
        cursor = answer["next_cursor"]
    assert len(seen) == len(set(seen)) == 5


def test_the_settings_page_makes_one_and_shows_the_secret_once(
    owner: Client, world: World, receiver: WebhookReceiver
) -> None:
    data = {
        "workspace": world.shop.tenant.slug,
        "url": f"{receiver.base_url}/crm",
        "events": ["SMS Sent"],
        "other": "order_refunded\n\nVIP Joined",
        "description": "<b>CRM</b>",
    }
    made = owner.post(page(world, "new/"), data)
    assert made.status_code == 201
    assert "whsec_" in made.content.decode()
    assert made["Cache-Control"].find("no-store") >= 0
    with tenant_scope(world.shop.tenant.id):
        held = WebhookEndpoint.objects.get()
    assert held.event_names == ["SMS Sent", "Order Refunded", "VIP Joined"]
    assert held.created_by == world.shop.owner.id
    shown = owner.get(page(world, f"{show_id('whk', held.id)}/")).content.decode()
    assert "whsec_" not in shown
    assert "<b>CRM</b>" not in shown
    assert f"{receiver.base_url}/crm" in owner.get(page(world)).content.decode()


def test_a_refused_address_comes_back_in_words(owner: Client, world: World) -> None:
    data = {"workspace": world.shop.tenant.slug, "url": "https://10.1.2.3/", "events": ["SMS Sent"]}
    answer = owner.post(page(world, "new/"), data)
    assert answer.status_code == 422
    assert "Only public addresses." in answer.content.decode()
    assert "https://10.1.2.3/" in answer.content.decode()


def test_the_page_tests_replays_switches_and_removes(
    owner: Client, world: World, hook: WebhookEndpoint, receiver: WebhookReceiver
) -> None:
    ref = show_id("whk", hook.id)
    slug = {"workspace": world.shop.tenant.slug}

    def act(what: str) -> Any:
        return owner.post(page(world, f"{ref}/act/"), {**slug, "do": what})

    receiver.status = 500
    assert act("test").status_code == 302
    send_round(world.shop.tenant.id)
    text = owner.get(page(world, f"{ref}/")).content.decode()
    for said in ("Webhook Test", "It answered with an error", ">500<", "Failing"):
        assert said in text
    receiver.status = 200
    with tenant_scope(world.shop.tenant.id):
        delivery = show_id("whd", WebhookDelivery.objects.get().id)
    assert (
        owner.post(page(world, f"{ref}/replay/"), {**slug, "delivery": delivery}).status_code == 302
    )
    send_round(world.shop.tenant.id)
    assert ">Taken</span>" in owner.get(page(world, f"{ref}/deliveries/")).content.decode()
    happen(world.shop)
    local = (wall_now() - timedelta(hours=1)).astimezone(ZoneInfo(world.shop.tenant.timezone))
    assert owner.post(page(world, f"{ref}/replay/"), {**slug, "since": "x"}).status_code == 422
    before = len(receiver.hooks)
    since = f"{local:%Y-%m-%dT%H:%M}"
    assert owner.post(page(world, f"{ref}/replay/"), {**slug, "since": since}).status_code == 302
    send_round(world.shop.tenant.id)
    assert len(receiver.hooks) == before + 1
    assert "whsec_" in act("rotate").content.decode()
    assert act("disable").status_code == 302
    assert "Switched off" in owner.get(page(world, f"{ref}/")).content.decode()
    assert "By Olga Owner" in owner.get(page(world)).content.decode()
    assert act("enable").status_code == 302
    assert act("odd").status_code == 422
    saved = owner.post(
        page(world, f"{ref}/save/"), {**slug, "url": receiver.base_url, "events": ["*"]}
    )
    assert saved.status_code == 302
    assert act("delete").status_code == 302
    assert owner.get(page(world, f"{ref}/")).status_code == 404


def test_deliveries_are_told_apart_and_say_when_they_ended_or_go_next(
    owner: Client, world: World, hook: WebhookEndpoint, receiver: WebhookReceiver
) -> None:
    zone = ZoneInfo(world.shop.tenant.timezone)
    path = page(world, f"{show_id('whk', hook.id)}/")

    def told() -> dict[str, str]:
        """Each delivery's row, by the end of its id as the page shows it."""
        text = owner.get(path).content.decode()
        assert "Times in Los Angeles" in text
        rows = re.findall(r'<tr id="whd_.*?</tr>', text, re.DOTALL)
        shown = [re.search(r"<code[^>]*>…(\w+)</code>", row) for row in rows]
        return {found[1]: row for found, row in zip(shown, rows, strict=True) if found}

    def clock(moment: datetime) -> str:
        local = moment.astimezone(zone)
        return f"{local:%b} {local.day}, {local:%H:%M:%S}"

    happen(world.shop)
    happen(world.shop)
    assert len(told()) == 2  # made within a second, and still two names
    with tenant_scope(world.shop.tenant.id):
        taken = WebhookDelivery.objects.order_by("id").first()
    assert taken is not None
    assert taken.last_attempt_at is not None
    row = told()[taken.id.hex[-8:]]
    assert ">Taken</span>" in row
    assert clock(taken.last_attempt_at) in row
    assert clock(taken.created_at) in row

    receiver.status = 500
    happen(world.shop)
    with tenant_scope(world.shop.tenant.id):
        waits = WebhookDelivery.objects.get(state="pending")
        later = wall_now() + timedelta(hours=3)
        WebhookDelivery.objects.filter(id=waits.id).update(due_at=later)
    row = told()[waits.id.hex[-8:]]
    assert ">Waiting</span>" in row
    assert f"next try {clock(later)}" in row
    # Where the whole webhook is left alone for longer, that is when it goes.
    with tenant_scope(world.shop.tenant.id):
        WebhookEndpoint.objects.update(retry_at=later + timedelta(hours=1))
    assert f"next try {clock(later + timedelta(hours=1))}" in told()[waits.id.hex[-8:]]
    with tenant_scope(world.shop.tenant.id):
        WebhookDelivery.objects.filter(id=waits.id).update(
            state="failed", due_at=None, last_attempt_at=later
        )
    row = told()[waits.id.hex[-8:]]
    assert ">Given up</span>" in row
    assert clock(later) in row
    assert ">Given up</a>" in owner.get(path).content.decode()
    with tenant_scope(world.shop.tenant.id):
        WebhookDelivery.objects.filter(id=waits.id).update(state="pending", due_at=later)
        WebhookEndpoint.objects.update(state="disabled", disabled_at=later)
    assert "until the webhook is on again" in told()[waits.id.hex[-8:]]


def test_only_who_manages_keys_may(client: Client, world: World, hook: WebhookEndpoint) -> None:
    client.force_login(world.shop.analyst)
    ref = show_id("whk", hook.id)
    slug = {"workspace": world.shop.tenant.slug}
    assert client.get(page(world)).status_code == 403
    assert client.get(page(world, f"{ref}/")).status_code == 403
    for tail in ("new/", f"{ref}/act/", f"{ref}/save/", f"{ref}/replay/"):
        assert client.post(page(world, tail), {**slug, "do": "delete"}).status_code == 403
    with tenant_scope(world.shop.tenant.id):
        assert WebhookEndpoint.objects.count() == 1


def test_another_workspace_finds_none_of_it(world: World, hook: WebhookEndpoint) -> None:
    theirs, ref = Api(world.other), show_id("whk", hook.id)
    assert theirs("GET").json()["webhooks"] == []
    for method, path in (
        ("GET", ""), ("PATCH", ""), ("DELETE", ""), ("POST", "/activation"),
        ("DELETE", "/activation"), ("POST", "/secret"), ("POST", "/test-event"),
        ("POST", "/replays"), ("GET", "/deliveries"),
    ):  # fmt: skip
        body: dict[str, str] | None = {} if method in {"PATCH", "POST"} else None
        assert theirs(method, f"/{ref}{path}", body).status_code == 404
    with tenant_scope(world.shop.tenant.id):
        assert WebhookEndpoint.objects.get().state == "enabled"
