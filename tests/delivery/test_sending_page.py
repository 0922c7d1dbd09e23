"""The Sending page, driven like a person would, against the carrier simulator: the contract that
what Twilio says is understood, stored and shown, and that no secret ever comes out again."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

import pytest
from django.test import Client

from delivery.domain.submitting import submit_queued
from delivery.models import Gateway, Sender
from tenancy.clock import wall_now
from tenancy.scope import tenant_scope
from tests.delivery.hooks import post
from tests.delivery.making import LA, Shop, make_shop
from tests.delivery.sending_desk import NUMBER, SECRET, SERVICE, SID, TOKEN, Desk, register
from tests.support.carrier import CarrierProcess
from tests.support.world import World

pytestmark = pytest.mark.django_db


def test_an_account_is_connected_checked_and_described(
    desk: Desk, twilio: CarrierProcess, settings: Any
) -> None:
    desk.set_up()
    gateway = desk.twilio()
    inbound = f"{settings.KAIROS_PUBLIC_BASE_URL}/webhooks/twilio/{gateway.id}/inbound"
    assert [f["code"] for f in gateway.check_findings] == [
        "key_works", "token_works", "can_send", "campaign", "inbound_elsewhere",
    ]  # fmt: skip
    register(twilio, inbound)
    assert desk.check()[-1] == "inbound_here"
    page = desk.page()
    for said in (
        "Twilio accepts the API key for this account.",
        f"{NUMBER} has a verified 10DLC campaign.",
        f"Replies to {NUMBER} come here.",
        inbound,
        f"/webhooks/twilio/{gateway.id}/status</code>",
        "ends in <code>7531</code>",
        "ends in <code>9642</code>",
        "just now",
        "No signed callback has arrived yet",
    ):
        assert said in page
    assert SECRET not in page
    assert TOKEN not in page
    # Nothing was sent and nothing was changed at the gateway.
    assert twilio.messages() == []


@pytest.mark.parametrize(
    ("account", "typed", "codes", "words"),
    [
        ({}, {"secret": "not-the-secret-of-this-key"}, ["wrong_key", "token_works"], "Wrong key"),
        ({}, {"account_sid": "AC" + "9" * 32}, ["wrong_key", "wrong_token"], "Wrong key"),
        ({}, {"auth_token": "some-other-token"}, ["wrong_token"], "Wrong auth token"),
        ({"number": {"sms": False}}, {}, ["no_sms"], "cannot send SMS"),
        ({"numbers": []}, {}, ["not_owned"], "This account has no number"),
        ({"service": {"campaigns": []}}, {}, ["no_campaign"], "no 10DLC campaign"),
        ({"services": []}, {}, ["no_campaign"], "is in no messaging service"),
        ({"service": {"campaigns": ["IN_PROGRESS"]}}, {}, ["campaign_waits"], "not approved yet"),
        ({"service": {"campaigns": ["FAILED"]}}, {}, ["campaign_failed"], "was refused"),
        ({"status": "suspended"}, {}, ["account_closed"], "this account is suspended"),
        ({"type": "Trial"}, {}, ["trial"], "trial account"),
    ],
)
def test_what_is_wrong_is_said_in_words_with_what_to_do(
    desk: Desk,
    twilio: CarrierProcess,
    account: dict[str, Any],
    typed: dict[str, str],
    codes: list[str],
    words: str,
) -> None:
    register(twilio, **account)
    desk.set_up(**typed)
    found = {each["code"]: each for each in desk.twilio().check_findings}
    assert set(codes) <= set(found)
    assert all(found[code]["todo"] for code in codes if found[code]["tone"] != "good")
    assert words in desk.page()


def test_a_wrong_token_that_is_also_the_key_is_told_once(
    desk: Desk, twilio: CarrierProcess
) -> None:
    register(twilio)
    desk.set_up(api_key_sid="", secret="", auth_token="some-other-token")
    stops = [one for one in desk.twilio().check_findings if one["tone"] == "stop"]
    assert [one["code"] for one in stops] == ["wrong_key"]
    assert "Callbacks and replies signed with the right one" in stops[0]["text"]


@pytest.mark.parametrize(
    ("sender", "account", "codes"),
    [
        ("72975", {"numbers": ["72975"], "services": []}, ["can_send", "inbound_elsewhere"]),
        (
            "+18005550100",
            {"numbers": [{"phone": "+18005550100", "verification": "TWILIO_APPROVED"}]},
            ["can_send", "verified", "inbound_elsewhere"],
        ),
        ("+18005550100", {"numbers": ["+18005550100"]}, ["not_verified", "inbound_elsewhere"]),
        (
            "+18005550100",
            {"numbers": [{"phone": "+18005550100", "verification": "IN_REVIEW"}]},
            ["can_send", "verification_waits", "inbound_elsewhere"],
        ),
        (SERVICE, {}, ["can_send", "campaign", "inbound_elsewhere"]),
        (SERVICE, {"service": {"numbers": []}}, ["service_empty"]),
        ("MG" + "4" * 32, {}, ["not_owned"]),
        ("+447700900123", {"numbers": ["+447700900123"]}, ["can_send", "inbound_elsewhere"]),
    ],
)
def test_every_kind_of_sender_is_looked_at(
    desk: Desk, twilio: CarrierProcess, sender: str, account: dict[str, Any], codes: list[str]
) -> None:
    register(twilio, **{"services": [], **account} if "numbers" in account else account)
    desk.set_up(sender)
    assert [f["code"] for f in desk.twilio().check_findings][2:] == codes


def test_a_gateway_that_is_away_proves_nothing(
    desk: Desk, twilio: CarrierProcess, settings: Any
) -> None:
    desk.set_up()
    settings.KAIROS_TWILIO_BASE_URL = "http://127.0.0.1:9"
    assert desk.check() == ["unreachable"]
    assert "Nothing is known to be wrong" in desk.page()


def test_numbers_are_added_paused_and_timed(desk: Desk, twilio: CarrierProcess, shop: Shop) -> None:
    gateway = desk.set_up()
    wrong = desk.post(f"gateway/{gateway.id}/sender/", sender="call me")
    assert (wrong.status_code, "Write it as +1310" in wrong.content.decode()) == (422, True)
    wrong = desk.post(f"gateway/{gateway.id}/sender/", sender="+13105550178", rate="fast")
    assert wrong.status_code == 422
    assert "such as 1 or 0.5" in wrong.content.decode()
    desk.post(f"gateway/{gateway.id}/sender/", sender="+1 310 555-0178", rate="3,75")
    with tenant_scope(shop.tenant_id):
        added = Sender.objects.get(phone="+13105550178")
    assert (added.kind, added.segments_per_second) == ("long_code", 3.75)
    assert re.search(r">\s*3\.75\s*</button>", desk.page())
    assert desk.post(f"sender/{added.id}/pause/").status_code == 302
    assert "By hand" in desk.page()
    assert desk.post(f"sender/{added.id}/resume/").status_code == 302
    assert "By hand" not in desk.page()
    assert desk.post(f"sender/{added.id}/rate/", rate="12").status_code == 302
    assert desk.post(f"sender/{added.id}/rate/", rate="-1").status_code == 422
    with tenant_scope(shop.tenant_id):
        added.refresh_from_db()
        assert (added.segments_per_second, added.state) == (12.0, "active")


def test_the_api_tells_the_state_and_no_secret(
    desk: Desk, twilio: CarrierProcess, shop: Shop
) -> None:
    gateway = desk.set_up()
    desk.post(f"gateway/{gateway.id}/use/", typed_name="Juniper & Oak")
    answer = Client().get(
        "/api/v1/gateway", headers={"Authorization": f"Bearer {shop.brand.api_key}"}
    )
    assert answer.status_code == 200
    told = answer.json()["gateway"]
    assert (told["kind"], told["account_sid"], told["check"]) == ("twilio", SID, "wait")
    assert [each["name"] for each in told["senders"]] == [NUMBER]
    assert told["findings"][0]["code"] == "key_works"
    assert SECRET not in answer.content.decode()
    assert TOKEN not in answer.content.decode()


def test_a_stopped_gateway_says_why_and_is_resumed(desk: Desk, shop: Shop) -> None:
    with tenant_scope(shop.tenant_id):
        Gateway.objects.update(stopped_reason="credential")
    assert "refused the key or the account" in desk.page()
    assert desk.post(f"gateway/{shop.gateway.id}/resume/").status_code == 302
    assert "refused the key or the account" not in desk.page()


def test_my_phone_is_confirmed_and_gets_a_text(
    desk: Desk,
    twilio: CarrierProcess,
    shop: Shop,
    monkeypatch: pytest.MonkeyPatch,
    now: datetime,
) -> None:
    monkeypatch.setattr("delivery.api.webhooks.business_now", lambda: now)
    monkeypatch.setattr("tenancy.web.business_now", lambda: now)
    phone = f"/w/{shop.brand.tenant.slug}/settings/test-texts/"
    assert "Use my phone" in desk.page()
    answer = desk.post("send/", base=phone, back="sending")
    assert (answer.status_code, answer["Location"]) == (302, desk.base)
    assert "Confirm your own phone first" in desk.page()
    desk.post("phone/", base=phone, act="open", back="sending")
    page = desk.page()
    say = re.findall(r"TEST (\d{6})", page)[0]
    form = {"MessageSid": "SM1", "From": LA, "To": shop.sender.phone, "Body": f"test {say}"}
    path = f"/webhooks/twilio/{shop.gateway.id}/inbound"
    assert post(path, form, token=shop.gateway.auth_tokens[0]).status_code == 204
    assert "+1 (310) 555-0100" in desk.page()
    desk.post("send/", base=phone, back="sending")
    submit_queued(shop.tenant_id, now=now, wall=wall_now())
    bodies = [text["body"] for text in twilio.messages(to=LA, direction="outbound-api")]
    assert any("test text that Olga Owner asked for" in body for body in bodies)
    state = desk.client.get(f"{phone}state/").content.decode()
    assert ">Sent<" in state
    desk.post("phone/", base=phone, act="forget", back="test_texts")
    assert "Use my phone" in desk.page()


def test_who_may_only_send_has_the_card_and_not_the_account(shop: Shop) -> None:
    analyst = Desk(shop.brand, shop.brand.analyst)
    assert analyst.client.get(analyst.base).status_code == 403
    assert analyst.client.get(analyst.base.replace("sending", "test-texts")).status_code == 403
    assert analyst.connect().status_code == 403


def test_another_workspaces_gateways_are_not_there(
    world: World, twilio: CarrierProcess, shop: Shop, now: datetime
) -> None:
    other = make_shop(world.other, now=now)
    stranger = Desk(world.other)
    for path in ("check", "use", "resume", "token", "token/retire", "sender", "key"):
        answer = stranger.post(
            f"gateway/{shop.gateway.id}/{path}/", typed_name="Juniper & Oak", sender=NUMBER
        )
        assert answer.status_code == 404, path
    for path in ("pause", "resume", "rate"):
        assert stranger.post(f"sender/{shop.sender.id}/{path}/", rate="1").status_code == 404
    assert str(shop.gateway.id) not in stranger.page()
    assert str(other.gateway.id) in stranger.page()


@pytest.mark.parametrize("value", ["", "\x00", "A" * 500, "<script>alert(1)</script>", "a b"])
@pytest.mark.parametrize("field", ["account_sid", "auth_token", "sender", "typed_name", "rate"])
def test_hostile_fields_change_nothing(desk: Desk, shop: Shop, field: str, value: str) -> None:
    if field in {"account_sid", "auth_token"}:
        answer = desk.connect(**{field: value})
        if field == "auth_token" and value.startswith("<script>"):
            assert answer.status_code == 302  # one printable word: a token for all we know
            return
    elif field == "typed_name":
        answer = desk.post(f"gateway/{shop.gateway.id}/use/", typed_name=value)
    elif field == "rate":
        answer = desk.post(f"sender/{shop.sender.id}/rate/", rate=value)
    else:
        answer = desk.post(f"gateway/{shop.gateway.id}/sender/", sender=value)
    assert answer.status_code == 422
    assert b"<script>alert" not in answer.content
    with tenant_scope(shop.tenant_id):
        assert [(g.id, g.is_live) for g in Gateway.objects.all()] == [(shop.gateway.id, True)]
        assert [s.segments_per_second for s in Sender.objects.all()] == [1000.0]
