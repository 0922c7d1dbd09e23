"""Status callbacks: signed or refused, stored once, applied in any order."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

import pytest
from django.test import Client

from consent.models import CapSlot
from delivery.domain.callbacks import apply_callbacks
from delivery.domain.claiming import claim_queued
from delivery.domain.deciding import decide
from delivery.models import Message, PendingCallback, SendAttempt, StatusCallback
from events.models import Event
from tenancy.clock import wall_now
from tenancy.ids import new_id
from tenancy.scope import tenant_scope
from tests.delivery.hooks import SID, post, tell_status
from tests.delivery.making import LA, Shop, intent, make_contact, make_shop, message
from tests.support.world import World

pytestmark = pytest.mark.django_db


def claim(shop: Shop, now: datetime, phone: str = LA) -> tuple[UUID, UUID]:
    """A text that is claimed and not answered yet: (message, attempt)."""
    with tenant_scope(shop.tenant_id):
        contact = make_contact(phone, now=now)
        key = decide([intent(contact, shop.plain_id)], now=now)[0].message_id
        (text,) = claim_queued(16, now=now, wall=wall_now()).texts
        assert text.message.id == key
        return key, text.attempt_id


def row(shop: Shop, key: UUID) -> Message:
    with tenant_scope(shop.tenant_id):
        return message(key)


def names(shop: Shop) -> list[str]:
    with tenant_scope(shop.tenant_id):
        rows = Event.objects.filter(name__startswith="SMS ").order_by("id")
        return [name for name in rows.values_list("name", flat=True) if name != "SMS Subscribed"]


def test_the_first_callback_binds_what_our_own_answer_lost(shop: Shop, now: datetime) -> None:
    key, attempt = claim(shop, now)
    assert tell_status(shop, attempt, "sent").status_code == 204
    assert apply_callbacks(shop.tenant_id, now=now) == 1
    held = row(shop, key)
    assert (held.status, held.sid) == ("sent", SID + "1")
    with tenant_scope(shop.tenant_id):
        assert SendAttempt.objects.get().state == "accepted"
        assert CapSlot.objects.get().state == "counted"
        assert not PendingCallback.objects.exists()
    assert names(shop) == ["SMS Sent"]


def test_out_of_order_and_twice_is_one_delivery(shop: Shop, now: datetime) -> None:
    key, attempt = claim(shop, now)
    for status in ("delivered", "sent", "delivered", "queued", "sent"):
        assert tell_status(shop, attempt, status).status_code == 204
        apply_callbacks(shop.tenant_id, now=now)
    assert row(shop, key).status == "delivered"
    assert names(shop) == ["SMS Sent", "SMS Delivered"]
    with tenant_scope(shop.tenant_id):
        assert StatusCallback.objects.count() == 3


def test_many_at_once_are_applied_in_one_set(shop: Shop, now: datetime) -> None:
    key, attempt = claim(shop, now)
    for status in ("sent", "delivered"):
        tell_status(shop, attempt, status)
    assert apply_callbacks(shop.tenant_id, now=now) == 2
    assert apply_callbacks(shop.tenant_id, now=now) == 0
    assert row(shop, key).status == "delivered"
    assert names(shop) == ["SMS Sent", "SMS Delivered"]


@pytest.mark.parametrize(
    ("code", "reason", "after", "brand", "legal"),
    [
        (30007, "carrier_filtered", timedelta(minutes=5), False, True),
        (30007, "carrier_filtered", timedelta(minutes=65), True, True),
        (30036, "expired", timedelta(minutes=65), False, False),
        (0, "gateway_refused", timedelta(minutes=1), False, True),
    ],
)
def test_a_failure_gives_slots_back_as_far_as_it_may(
    shop: Shop, now: datetime, code: int, reason: str, after: timedelta, brand: bool, legal: bool
) -> None:
    key, attempt = claim(shop, now)
    tell_status(shop, attempt, "sent")
    apply_callbacks(shop.tenant_id, now=now)
    tell_status(shop, attempt, "undelivered", code=code)
    apply_callbacks(shop.tenant_id, now=now + after)
    held = row(shop, key)
    assert (held.status, held.reason, held.error_code) == ("undelivered", reason, code or None)
    with tenant_scope(shop.tenant_id):
        slot = CapSlot.objects.get()
        told = Event.objects.get(name="SMS Failed").properties
    assert (slot.counts_brand, slot.counts_legal) == (brand, legal)
    assert (told["status"], told["reason"]) == ("undelivered", reason)


def test_an_opt_out_that_only_the_carrier_knew_is_one(shop: Shop, now: datetime) -> None:
    key, attempt = claim(shop, now)
    tell_status(shop, attempt, "failed", code=21610)
    apply_callbacks(shop.tenant_id, now=now)
    tell_status(shop, attempt, "failed", code=21610)
    apply_callbacks(shop.tenant_id, now=now)
    assert row(shop, key).reason == "opted_out_at_carrier"
    assert names(shop).count("SMS Unsubscribed") == 1


def test_bounces_in_a_row_suppress_the_number(shop: Shop, now: datetime) -> None:
    from consent.models import Suppression

    with tenant_scope(shop.tenant_id):
        contact = make_contact(LA, now=now)
    for turn in range(3):
        with tenant_scope(shop.tenant_id):
            assert not Suppression.objects.exists()
            at = now + timedelta(days=turn)
            decide([intent(contact, shop.plain_id, source_key=str(turn))], now=at)
            (text,) = claim_queued(16, now=at, wall=wall_now() + timedelta(minutes=turn)).texts
        tell_status(shop, text.attempt_id, "undelivered", sid=f"{SID}{turn}", code=30003)
        apply_callbacks(shop.tenant_id, now=at)
    with tenant_scope(shop.tenant_id):
        assert Suppression.objects.get().reason == "bounced"


def test_a_bad_signature_changes_nothing(shop: Shop, now: datetime) -> None:
    _, attempt = claim(shop, now)
    path = f"/webhooks/twilio/{shop.gateway.id}/status/{attempt}"
    answers = [
        tell_status(shop, attempt, "delivered", token="not-ours"),
        tell_status(shop, attempt, "delivered", signature="AAAA"),
        Client().post(path, {"MessageSid": SID, "MessageStatus": "delivered"}),
    ]
    for answer in answers:
        assert answer.status_code == 403
        assert answer["Content-Type"] == "application/problem+json"
        assert answer.json()["code"] == "bad_signature"
    with tenant_scope(shop.tenant_id):
        assert not StatusCallback.objects.exists()


def test_a_callback_signed_for_another_address_is_refused(world: World, now: datetime) -> None:
    shop, other = make_shop(world.shop, now=now), make_shop(world.other, now=now)
    _, attempt = claim(shop, now)
    form = {"MessageSid": SID, "MessageStatus": "delivered"}
    from django.conf import settings
    from twilio.request_validator import RequestValidator

    from tests.support.carrier import TOKEN

    theirs = f"/webhooks/twilio/{other.gateway.id}/status/{attempt}"
    url = f"{settings.KAIROS_PUBLIC_BASE_URL}{theirs}"
    signature = RequestValidator(TOKEN).compute_signature(url, form)
    mine = f"/webhooks/twilio/{shop.gateway.id}/status/{attempt}"
    assert post(mine, form, signature=signature).status_code == 403
    # Signed rightly for the other workspace's gateway it is theirs: it moves nothing of ours.
    assert post(theirs, form).status_code == 204
    apply_callbacks(other.tenant_id, now=now)
    apply_callbacks(shop.tenant_id, now=now)
    with tenant_scope(shop.tenant_id):
        assert Message.objects.get().status == "sending"


def test_strange_requests_get_their_own_answer(shop: Shop, now: datetime) -> None:
    path = f"/webhooks/twilio/{shop.gateway.id}/status/{new_id()}"
    assert post(path, {"MessageSid": "SM1"}).json()["errors"][0]["field"] == "MessageStatus"
    assert (
        post(path, {"MessageSid": "SM1", "MessageStatus": "sent", "ErrorCode": "x"}).status_code
        == 204
    )
    assert post(f"/webhooks/twilio/{new_id()}/status/{new_id()}", {}).status_code == 404
    assert Client().get(path).status_code == 405
    assert Client().post("/webhooks/twilio/x/status/y").status_code == 404
    big = post(path, {"MessageSid": "SM1", "MessageStatus": "sent", "Body": "x" * 200_000})
    assert (big.status_code, big.json()["code"]) == (413, "body_too_large")
    # An attempt nobody knows is kept raw and moves nothing.
    assert apply_callbacks(shop.tenant_id, now=now) == 1


def test_a_rotated_token_is_learned_at_once(shop: Shop, now: datetime) -> None:
    _, attempt = claim(shop, now)
    assert tell_status(shop, attempt, "queued").status_code == 204
    with tenant_scope(shop.tenant_id):
        shop.gateway.set_secrets(secret="s", auth_tokens=["new-token", "simulator-auth-token"])
        shop.gateway.save()
    assert tell_status(shop, attempt, "sent", token="new-token").status_code == 204
    assert tell_status(shop, attempt, "delivered").status_code == 204
