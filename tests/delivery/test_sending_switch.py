"""From one gateway to another: who may, after what check, and what becomes of texts and answers."""

from __future__ import annotations

import html
from datetime import datetime

import pytest

from delivery.domain.callbacks import apply_callbacks
from delivery.domain.deciding import decide
from delivery.domain.submitting import submit_queued
from delivery.models import Gateway, InboundMessage, SendAttempt
from tenancy.clock import advance_clock, wall_now
from tenancy.models import AuditEntry
from tenancy.scope import tenant_scope
from tests.delivery.hooks import post
from tests.delivery.making import LA, NEW_YORK, Shop, intent, make_contact, message
from tests.delivery.sending_desk import KEY, NUMBER, SECRET, SID, TOKEN, Desk
from tests.support.carrier import CarrierProcess

pytestmark = pytest.mark.django_db


def test_the_switch_asks_for_the_name_and_stands_in_the_audit_log(
    desk: Desk, twilio: CarrierProcess, shop: Shop
) -> None:
    gateway = desk.set_up()
    path = f"gateway/{gateway.id}/use/"
    for typed in ("", "juniper & oak", "Juniper"):
        answer = desk.post(path, typed_name=typed)
        assert answer.status_code == 422
        assert "the workspace's name, exactly" in html.unescape(answer.content.decode())
    assert desk.post(path, typed_name=" Juniper & Oak ").status_code == 302
    with tenant_scope(shop.tenant_id):
        assert [g.kind for g in Gateway.objects.filter(is_live=True)] == ["twilio"]
        entry = AuditEntry.objects.get(action="gateway.used")
        assert (entry.actor, entry.target) == (f"user:{shop.brand.owner.email}", SID)
        assert entry.data["before"] == shop.gateway.account_sid
    assert "Texts go out through Twilio" in desk.page()
    # And back: the simulator needs no check, but the same typed name.
    back = f"gateway/{shop.gateway.id}/use/"
    assert desk.post(back, typed_name="yes").status_code == 422
    assert desk.post(back, typed_name="Juniper & Oak").status_code == 302
    with tenant_scope(shop.tenant_id):
        assert Gateway.objects.get(is_live=True).id == shop.gateway.id


def test_no_live_gateway_while_the_demo_clock_exists(desk: Desk, twilio: CarrierProcess) -> None:
    gateway = desk.set_up()
    advance_clock(wall_now())
    answer = desk.post(f"gateway/{gateway.id}/use/", typed_name="Juniper & Oak")
    assert answer.status_code == 409
    assert "demo clock" in answer.content.decode()
    assert not desk.twilio().is_live


def test_what_was_not_checked_or_failed_is_not_taken_into_use(
    desk: Desk, twilio: CarrierProcess
) -> None:
    gateway = desk.set_up(auth_token="some-other-token")
    use = f"gateway/{gateway.id}/use/"
    answer = desk.post(use, typed_name="Juniper & Oak")
    assert (answer.status_code, "stops every text" in answer.content.decode()) == (409, True)
    # Another key makes the check void.
    key = {"account_sid": SID, "api_key_sid": KEY, "secret": SECRET}
    assert desk.post(f"gateway/{gateway.id}/key/", **key).status_code == 302
    answer = desk.post(use, typed_name="Juniper & Oak")
    assert (answer.status_code, "Check the account first" in answer.content.decode()) == (409, True)
    assert not desk.twilio().is_live


def test_queued_texts_go_by_the_new_gateway_claimed_ones_stay(
    desk: Desk, twilio: CarrierProcess, shop: Shop, now: datetime
) -> None:
    gateway = desk.set_up()
    with tenant_scope(shop.tenant_id):
        first, second = (make_contact(phone, now=now) for phone in (LA, NEW_YORK))
        claimed = decide([intent(first, shop.plain_id)], now=now)[0]
    submit_queued(shop.tenant_id, now=now, wall=wall_now())
    with tenant_scope(shop.tenant_id):
        queued = decide([intent(second, shop.plain_id)], now=now)[0]
        assert message(queued.message_id).sender_id == shop.sender.id
    assert desk.post(f"gateway/{gateway.id}/use/", typed_name="Juniper & Oak").status_code == 302
    submit_queued(shop.tenant_id, now=now, wall=wall_now())
    with tenant_scope(shop.tenant_id):
        went = {a.message_id: a.gateway_id for a in SendAttempt.objects.all()}
        assert went == {
            claimed.message_id: shop.gateway.id,
            queued.message_id: gateway.id,
        }
    assert {text["from"] for text in twilio.messages(to=NEW_YORK)} == {NUMBER}


def test_answers_come_from_the_number_that_was_written_to(
    desk: Desk, twilio: CarrierProcess, shop: Shop, monkeypatch: pytest.MonkeyPatch, now: datetime
) -> None:
    monkeypatch.setattr("delivery.api.webhooks.business_now", lambda: now)
    gateway = desk.set_up()
    with tenant_scope(shop.tenant_id):
        for phone in (LA, NEW_YORK):
            make_contact(phone, now=now)
    desk.post(f"gateway/{gateway.id}/use/", typed_name="Juniper & Oak")
    stop = "please stop texting me"
    for phone, owner, token, to in (
        (LA, shop.gateway, shop.gateway.auth_tokens[0], shop.sender.phone),
        (NEW_YORK, gateway, TOKEN, NUMBER),
    ):
        form = {"MessageSid": f"SM{phone[1:]}", "From": phone, "To": to, "Body": stop}
        path = f"/webhooks/twilio/{owner.id}/inbound"
        assert post(path, form, token=token).status_code == 204
    submit_queued(shop.tenant_id, now=now, wall=wall_now())
    told = {text["to"]: text["from"] for text in twilio.messages(direction="outbound-api")}
    assert told == {LA: shop.sender.phone, NEW_YORK: NUMBER}
    with tenant_scope(shop.tenant_id):
        assert set(InboundMessage.objects.values_list("kind", flat=True)) == {"opt_out"}


def test_an_accounts_callbacks_say_nothing_about_anothers_texts(
    desk: Desk, twilio: CarrierProcess, shop: Shop, now: datetime
) -> None:
    gateway = desk.set_up()
    with tenant_scope(shop.tenant_id):
        made = decide([intent(make_contact(LA, now=now), shop.plain_id)], now=now)[0]
    submit_queued(shop.tenant_id, now=now, wall=wall_now())
    with tenant_scope(shop.tenant_id):
        attempt = SendAttempt.objects.get()
    form = {"MessageSid": attempt.sid, "MessageStatus": "failed", "ErrorCode": "30003"}
    wrong = f"/webhooks/twilio/{gateway.id}/status/{attempt.id}"
    assert post(wrong, form, token=TOKEN).status_code == 204
    assert post(f"/webhooks/twilio/{gateway.id}/status", form, token=TOKEN).status_code == 204
    apply_callbacks(shop.tenant_id, now=now)
    with tenant_scope(shop.tenant_id):
        assert message(made.message_id).status == "sent"
    # The address without an attempt finds the text by its sid, at its own gateway.
    told = {"MessageSid": attempt.sid, "MessageStatus": "delivered"}
    right = f"/webhooks/twilio/{shop.gateway.id}/status"
    assert post(right, told, token=shop.gateway.auth_tokens[0]).status_code == 204
    apply_callbacks(shop.tenant_id, now=now)
    with tenant_scope(shop.tenant_id):
        assert message(made.message_id).status == "delivered"
