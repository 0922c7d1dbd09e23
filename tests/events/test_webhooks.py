"""Webhooks from the log to a receiver: made, signed, tried again, replayed, switched off."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from analytics.domain.attention import find_concerns
from api.problems import Invalid, Problem
from events.core.signing import verify
from events.domain.posting import Poster
from events.domain.recording import NewEvent, append_events
from events.domain.webhook_deliveries import (
    KEPT,
    make_deliveries,
    purge_deliveries,
    replay_delivery,
    replay_since,
    send_test,
)
from events.domain.webhook_sending import LEASE, send_round
from events.domain.webhook_work import tenants_with_webhooks, work
from events.domain.webhooks import (
    change_endpoint,
    create_endpoint,
    delete_endpoint,
    disable_endpoint,
    enable_endpoint,
    rotate_secret,
)
from events.models import WebhookDelivery, WebhookEndpoint, WebhookFeed
from people.domain.resolving import IdentityRef, resolve_contacts
from tenancy.clock import wall_now
from tenancy.ids import new_id
from tenancy.models import AuditEntry
from tenancy.scope import tenant_scope
from tests.support.receiver import Hook, WebhookReceiver
from tests.support.world import World

pytestmark = pytest.mark.django_db
SMS = ("SMS Sent", "SMS Delivered")


@pytest.fixture
def receiver() -> Iterator[WebhookReceiver]:
    made = WebhookReceiver()
    yield made
    made.close()


@pytest.fixture(autouse=True)
def _loopback(settings: Any) -> None:
    settings.KAIROS_WEBHOOK_LOOPBACK = True


class Desk:
    """One workspace's endpoint under test, with a wall clock of its own."""

    def __init__(self, tenant_id: UUID, receiver: WebhookReceiver, now: datetime) -> None:
        self.tenant_id, self.receiver, self.now = tenant_id, receiver, now
        self.wall = wall_now()
        with tenant_scope(tenant_id):
            self.endpoint, self.secret = create_endpoint(
                url=f"{receiver.base_url}/hooks", event_names=list(SMS), now=self.wall
            )

    def happen(self, *names: str, contact: UUID | None = None, **more: Any) -> list[UUID]:
        with tenant_scope(self.tenant_id):
            return append_events(
                [
                    NewEvent(name, contact, {"message_id": str(new_id())}, self.now)
                    for name in names
                ],
                now=self.now,
                **more,
            )

    def send(self) -> int:
        while make_deliveries(self.tenant_id, now=self.wall):
            pass
        return send_round(self.tenant_id, clock=lambda: self.wall)

    def later(self, **span: float) -> int:
        self.wall += timedelta(**span)
        return self.send()

    def rows(self) -> list[WebhookDelivery]:
        with tenant_scope(self.tenant_id):
            return list(WebhookDelivery.objects.order_by("event_id"))

    def row(self) -> WebhookDelivery:
        [row] = self.rows()
        return row

    def look(self) -> WebhookEndpoint:
        with tenant_scope(self.tenant_id):
            found: WebhookEndpoint = WebhookEndpoint.objects.get(id=self.endpoint.id)
            return found

    def fits(self, hook: Hook, secret: str = "") -> bool:
        header = hook.headers["kairos-signature"]
        at = int(self.wall.timestamp())
        return verify(hook.body.encode(), header, secret or self.secret, now=at)


@pytest.fixture
def desk(world: World, receiver: WebhookReceiver, now: datetime) -> Desk:
    return Desk(world.shop.tenant.id, receiver, now)


def test_an_event_arrives_once_signed_and_in_its_shape(desk: Desk) -> None:
    with tenant_scope(desk.tenant_id):
        [contact] = resolve_contacts(
            [IdentityRef(external_id="u1", phone="+12125550101")], now=desk.now
        )
    [event] = desk.happen("SMS Sent", contact=contact)
    assert desk.send() == 1
    assert desk.send() == 0
    [hook] = desk.receiver.hooks
    body = json.loads(hook.body)
    assert contact is not None
    assert body["id"] == f"evt_{event.hex}"
    assert (body["type"], body["created_at"]) == ("SMS Sent", "2026-11-17T18:00:00Z")
    assert body["data"]["contact"] == {"id": f"con_{contact.hex}", "external_id": "u1"}
    assert body["data"]["properties"]["message_id"].startswith("msg_")
    assert "+1212" not in hook.body
    assert hook.headers["content-type"] == "application/json"
    assert hook.headers["kairos-webhook-id"] == f"whd_{desk.row().id.hex}"
    assert desk.fits(hook)
    assert not desk.fits(hook, "whsec_other")
    row = desk.row()
    assert (row.state, row.attempts, row.response_status, row.due_at) == ("delivered", 1, 204, None)


def test_only_what_was_chosen_is_told_and_history_is_not(desk: Desk) -> None:
    desk.happen("SMS Sent", "SMS Skipped", "Order Completed", "SMS Delivered")
    desk.happen("SMS Sent", backfill=True, lane="backfill")
    desk.send()
    assert [json.loads(hook.body)["type"] for hook in desk.receiver.hooks] == list(SMS)
    with tenant_scope(desk.tenant_id):
        change_endpoint(desk.endpoint, event_names=["order_completed"])
        assert desk.endpoint.event_names == ["Order Completed"]
    desk.happen("SMS Sent", "Order Completed")
    desk.send()
    assert json.loads(desk.receiver.hooks[-1].body)["type"] == "Order Completed"
    assert len(desk.receiver.hooks) == 3
    with tenant_scope(desk.tenant_id):
        change_endpoint(desk.endpoint, event_names=["*", "SMS Sent"])
    desk.happen("Something Else")
    desk.send()
    assert len(desk.receiver.hooks) == 4


def test_without_an_endpoint_that_hears_it_nothing_is_written(desk: Desk) -> None:
    desk.happen("Order Completed")
    with tenant_scope(desk.tenant_id):
        assert not WebhookFeed.objects.exists()
        disable_endpoint(desk.endpoint, reason="By hand", now=desk.wall)
    desk.happen("SMS Sent")
    with tenant_scope(desk.tenant_id):
        assert not WebhookFeed.objects.exists()


def test_a_failure_is_tried_again_later_and_later_under_the_same_id(desk: Desk) -> None:
    desk.receiver.status = 500
    desk.happen("SMS Sent")
    assert desk.send() == 1
    row = desk.row()
    assert (row.state, row.attempts, row.response_status) == ("pending", 1, 500)
    assert row.error == "http_error"
    assert desk.later(seconds=9) == 0
    assert desk.later(seconds=3) == 1
    assert desk.later(seconds=15) == 0
    desk.receiver.status = 200
    assert desk.later(seconds=20) == 1
    ids = {hook.headers["kairos-webhook-id"] for hook in desk.receiver.hooks}
    bodies = {hook.body for hook in desk.receiver.hooks}
    assert (len(desk.receiver.hooks), len(ids), len(bodies)) == (3, 1, 1)
    assert desk.fits(desk.receiver.hooks[-1])  # each attempt is signed with its own time
    assert desk.row().state == "delivered"
    assert desk.look().failures_in_a_row == 0


def test_after_a_day_it_is_given_up_and_the_endpoint_switched_off(desk: Desk) -> None:
    desk.receiver.status = 503
    desk.happen("SMS Sent")
    begun = desk.wall
    desk.send()
    while desk.row().state == "pending":
        desk.later(minutes=30)
        assert desk.wall - begun < timedelta(hours=25)
    assert desk.row().state == "failed"
    assert 9 <= desk.row().attempts <= 12
    desk.wall = begun + timedelta(hours=24, minutes=1)
    desk.happen("SMS Delivered")
    desk.send()
    held = desk.look()
    assert held.state == "disabled"
    assert held.disabled_reason == "Nothing was taken for 24 hours. It answered with an error (503)"
    with tenant_scope(desk.tenant_id):
        assert AuditEntry.objects.get(action="webhook.disabled").actor == "system"
        [concern] = find_concerns(since=desk.now)
        assert (concern.tone, concern.detail) == ("stop", held.disabled_reason)
        assert concern.title.endswith("is switched off")
    # Nothing is sent to it any more, not even what waits.
    count = len(desk.receiver.hooks)
    desk.happen("SMS Sent")
    assert desk.later(hours=7) == 0
    assert len(desk.receiver.hooks) == count
    # Switched on again, what waited goes; what passed by comes with a replay.
    desk.receiver.status = 200
    with tenant_scope(desk.tenant_id):
        enable_endpoint(desk.look())
    assert desk.send() == 1
    with tenant_scope(desk.tenant_id):
        told = replay_since(
            desk.look(), desk.now - timedelta(hours=1), business=desk.now, now=desk.wall
        )
    assert told == 3
    assert desk.send() == 3
    assert {row.state for row in desk.rows()} == {"delivered"}


def test_gone_switches_it_off_at_once_and_throttled_waits_as_told(desk: Desk) -> None:
    desk.receiver.status = 429
    desk.happen("SMS Sent")
    desk.send()
    assert desk.look().retry_at == desk.wall + timedelta(seconds=60)
    desk.receiver.status = 410
    assert desk.later(seconds=61) == 1
    assert desk.look().state == "disabled"


def test_three_failures_in_a_row_end_the_round(desk: Desk) -> None:
    desk.receiver.status = 500
    desk.happen(*["SMS Sent"] * 10)
    assert desk.send() == 3
    assert desk.send() == 0  # left alone for some seconds
    assert desk.later(seconds=6) == 3
    assert {row.attempts for row in desk.rows()} == {0, 1}


def test_redirects_are_not_followed(desk: Desk) -> None:
    desk.receiver.status = 302
    desk.happen("SMS Sent")
    desk.send()
    assert (desk.row().error, len(desk.receiver.hooks)) == ("redirect", 1)


def test_an_address_that_turned_private_is_refused_at_send_time(desk: Desk, settings: Any) -> None:
    """The setting stands for a name that was public when it was entered and moved since."""
    desk.happen("SMS Sent")
    settings.KAIROS_WEBHOOK_LOOPBACK = False
    with tenant_scope(desk.tenant_id):
        WebhookEndpoint.objects.update(url="https://127.0.0.1/hooks")
    assert desk.send() == 1
    assert desk.receiver.hooks == []
    assert (desk.row().state, desk.row().error) == ("pending", "address_refused")


def test_one_sender_at_a_time_and_a_dead_one_is_replaced(desk: Desk) -> None:
    desk.happen("SMS Sent", "SMS Delivered")
    make_deliveries(desk.tenant_id, now=desk.wall)
    inside: list[int] = []

    class Watching(Poster):
        def post(self, *args: Any) -> Any:
            inside.append(send_round(desk.tenant_id, clock=lambda: desk.wall))
            return super().post(*args)

    assert send_round(desk.tenant_id, clock=lambda: desk.wall, make_poster=Watching) == 2
    assert inside == [0, 0]

    class Dying(Poster):
        def post(self, *args: Any) -> Any:
            super().post(*args)
            raise KeyboardInterrupt

    desk.happen("SMS Sent")
    make_deliveries(desk.tenant_id, now=desk.wall)
    with pytest.raises(KeyboardInterrupt):
        send_round(desk.tenant_id, clock=lambda: desk.wall, make_poster=Dying)
    assert desk.send() == 0  # its lease still runs
    assert desk.later(seconds=LEASE.total_seconds() + 1) == 1
    ids = [hook.headers["kairos-webhook-id"] for hook in desk.receiver.hooks]
    assert len(ids) == 4
    assert ids[2] == ids[3]  # sent twice, under one id


def test_both_secrets_sign_while_one_is_replaced(desk: Desk) -> None:
    with tenant_scope(desk.tenant_id):
        new = rotate_secret(desk.look(), now=desk.wall)
    desk.happen("SMS Sent")
    desk.send()
    assert desk.fits(desk.receiver.hooks[-1], new)
    assert desk.fits(desk.receiver.hooks[-1], desk.secret)
    desk.wall += timedelta(hours=25)
    desk.happen("SMS Delivered")
    desk.send()
    assert desk.fits(desk.receiver.hooks[-1], new)
    assert not desk.fits(desk.receiver.hooks[-1], desk.secret)


def test_secrets_are_encrypted_at_rest(desk: Desk) -> None:
    held = desk.look()
    assert desk.secret.startswith("whsec_")
    assert desk.secret.encode() not in bytes(held.secrets_encrypted)
    assert held.secrets == (desk.secret,)


def test_replaying_one_sends_it_again_under_its_id(desk: Desk) -> None:
    desk.happen("SMS Sent")
    desk.send()
    with tenant_scope(desk.tenant_id):
        replay_delivery(WebhookDelivery.objects.select_related("endpoint").get(), now=desk.wall)
    assert desk.send() == 1
    assert len({hook.headers["kairos-webhook-id"] for hook in desk.receiver.hooks}) == 1


def test_replaying_since_a_time(desk: Desk) -> None:
    desk.happen("SMS Sent")
    desk.now += timedelta(hours=2)
    desk.happen("SMS Delivered", "SMS Skipped")
    desk.send()
    held, business = desk.look(), desk.now
    with tenant_scope(desk.tenant_id):
        since = desk.now - timedelta(hours=1)
        assert replay_since(held, since, business=business, now=desk.wall) == 1
        for wrong, code in (
            (desk.now + timedelta(hours=1), "invalid"),
            (since.replace(tzinfo=None), "invalid"),
            (desk.now - KEPT - timedelta(hours=1), "too_early"),
        ):
            with pytest.raises(Invalid) as caught:
                replay_since(held, wrong, business=business, now=desk.wall)
            assert caught.value.errors[0].code == code
    assert desk.send() == 1
    assert [json.loads(hook.body)["type"] for hook in desk.receiver.hooks] == [
        "SMS Sent", "SMS Delivered", "SMS Delivered",
    ]  # fmt: skip


def test_a_test_event_reaches_only_its_endpoint(desk: Desk) -> None:
    with tenant_scope(desk.tenant_id):
        create_endpoint(url=f"{desk.receiver.base_url}/all", event_names=["*"], now=desk.wall)
        send_test(desk.endpoint, now=desk.wall)
    desk.send()
    [hook] = desk.receiver.hooks
    assert (hook.path, json.loads(hook.body)["type"]) == ("/hooks", "Webhook Test")
    assert desk.fits(hook)
    with tenant_scope(desk.tenant_id):
        disable_endpoint(desk.endpoint, reason="x", now=desk.wall)
        with pytest.raises(Problem) as caught:
            send_test(desk.endpoint, now=desk.wall)
    assert (caught.value.code, caught.value.status) == ("webhook_disabled", 409)


def test_one_failing_endpoint_holds_up_no_other(desk: Desk) -> None:
    good = WebhookReceiver()
    with tenant_scope(desk.tenant_id):
        create_endpoint(url=good.base_url, event_names=["SMS Sent"], now=desk.wall)
    desk.receiver.status = 500
    desk.happen("SMS Sent")
    while desk.send():
        pass
    good.close()
    assert (len(good.hooks), len(desk.receiver.hooks)) == (1, 1)
    assert sorted(row.state for row in desk.rows()) == ["delivered", "pending"]


def test_an_erased_event_is_given_up_without_blaming_the_endpoint(desk: Desk) -> None:
    desk.happen("SMS Sent")
    make_deliveries(desk.tenant_id, now=desk.wall)
    with tenant_scope(desk.tenant_id):
        WebhookDelivery.objects.update(event_id=new_id())
    desk.send()
    assert (desk.row().state, desk.row().error) == ("failed", "event_missing")
    assert (desk.look().failures_in_a_row, desk.receiver.hooks) == (0, [])


@pytest.mark.parametrize(
    ("given", "field", "code"),
    [
        ({"url": "http://shop.example/"}, "url", "https_only"),
        ({"url": "https://10.0.0.1/"}, "url", "address_refused"),
        ({"url": "https://[::ffff:169.254.169.254]/"}, "url", "address_refused"),
        ({"url": "nonsense"}, "url", "invalid_url"),
        ({"event_names": []}, "events", "required"),
        ({"event_names": ["  "]}, "events", "required"),
        ({"event_names": ["x" * 201]}, "events", "invalid_name"),
        ({"event_names": ["a\x00"]}, "events", "invalid_name"),
        ({"event_names": [f"e{n}" for n in range(51)]}, "events", "too_many"),
    ],
)
def test_bad_endpoints_are_refused(
    desk: Desk, given: dict[str, Any], field: str, code: str
) -> None:
    asked = {"url": desk.receiver.base_url, "event_names": ["SMS Sent"], **given}
    with tenant_scope(desk.tenant_id):
        with pytest.raises(Invalid) as caught:
            create_endpoint(**asked, now=desk.wall)
        assert [(e.field, e.code) for e in caught.value.errors] == [(field, code)]
        with pytest.raises(Invalid):
            change_endpoint(desk.endpoint, **given)
        assert WebhookEndpoint.objects.count() == 1


def test_a_workspace_has_at_most_twenty(desk: Desk) -> None:
    with tenant_scope(desk.tenant_id):
        for _ in range(19):
            create_endpoint(url=desk.receiver.base_url, event_names=["*"], now=desk.wall)
        with pytest.raises(Invalid) as caught:
            create_endpoint(url=desk.receiver.base_url, event_names=["*"], now=desk.wall)
    assert caught.value.errors[0].code == "too_many"


def test_another_workspaces_events_are_not_told(desk: Desk, world: World) -> None:
    other = Desk(world.other.tenant.id, desk.receiver, desk.now)
    desk.happen("SMS Sent")
    assert other.send() == 0
    assert desk.send() == 1
    assert other.rows() == []


def test_deleting_takes_its_deliveries_along(desk: Desk) -> None:
    desk.happen("SMS Sent")
    desk.send()
    desk.happen("SMS Sent")
    with tenant_scope(desk.tenant_id):
        delete_endpoint(desk.endpoint)
        assert not WebhookEndpoint.objects.exists()
        assert not WebhookDelivery.objects.exists()
    assert desk.send() == 0


def test_old_deliveries_go_and_waiting_ones_stay(desk: Desk) -> None:
    desk.happen("SMS Sent")
    desk.send()
    desk.receiver.status = 500
    desk.happen("SMS Delivered")
    desk.send()
    assert purge_deliveries(desk.tenant_id, now=desk.wall + KEPT - timedelta(hours=1)) == 0
    assert purge_deliveries(desk.tenant_id, now=desk.wall + KEPT + timedelta(hours=1)) == 1
    assert desk.row().state == "pending"


def test_the_router_finds_the_work_and_the_worker_does_it(desk: Desk) -> None:
    assert tenants_with_webhooks() == []
    desk.happen("SMS Sent")
    assert tenants_with_webhooks() == [desk.tenant_id]
    assert work(desk.tenant_id) == 1
    assert tenants_with_webhooks() == []
