"""The Sending page, driven like a person would, against the carrier simulator: the contract that
what Twilio says is understood, stored and shown, and that no secret ever comes out again."""

from __future__ import annotations

import html
import re
from datetime import datetime
from typing import Any
from uuid import UUID

import pytest
from django.test import Client

from delivery.api.webhooks import forget_doors
from delivery.domain.callbacks import apply_callbacks
from delivery.domain.deciding import decide
from delivery.domain.gateway_checks import note_heard
from delivery.domain.submitting import submit_queued
from delivery.models import Gateway, InboundMessage, SendAttempt, Sender
from tenancy.clock import advance_clock, wall_now
from tenancy.models import AuditEntry, User
from tenancy.scope import tenant_scope
from tests.delivery.hooks import post
from tests.delivery.making import LA, NEW_YORK, Shop, intent, make_contact, make_shop, message
from tests.support.carrier import CarrierProcess
from tests.support.world import Brand, World

pytestmark = pytest.mark.django_db
SID, KEY = "AC" + "1" * 32, "SK" + "2" * 32
SECRET, TOKEN = "key-secret-very-long-7531", "auth-token-very-long-9642"
NUMBER, SERVICE = "+13105550177", "MG" + "3" * 32


class Desk:
    """An owner at the page."""

    def __init__(self, brand: Brand, person: User | None = None) -> None:
        self.brand = brand
        self.client = Client()
        self.client.force_login(person or brand.owner)
        self.base = f"/w/{brand.tenant.slug}/settings/sending/"

    def page(self) -> str:
        answer = self.client.get(self.base)
        assert answer.status_code == 200
        return html.unescape(answer.content.decode())

    def post(self, path: str, *, base: str = "", **data: Any) -> Any:
        return self.client.post(
            f"{base or self.base}{path}", {**data, "workspace": self.brand.tenant.slug}
        )

    def connect(self, **changes: str) -> Any:
        given = {"account_sid": SID, "api_key_sid": KEY, "secret": SECRET, "auth_token": TOKEN}
        return self.post("connect/", **{**given, **changes})

    def twilio(self) -> Gateway:
        with tenant_scope(self.brand.tenant.id):
            found: Gateway = Gateway.objects.get(kind="twilio")
            return found

    def set_up(self, sender: str = NUMBER, **changes: str) -> Gateway:
        """Connected, with one number, checked."""
        assert self.connect(**changes).status_code == 302
        gateway = self.twilio()
        assert self.post(f"gateway/{gateway.id}/sender/", sender=sender).status_code == 302
        self.check()
        return self.twilio()

    def check(self) -> list[str]:
        """Presses Check; returns the codes it found, as stored."""
        gateway = self.twilio()
        assert self.post(f"gateway/{gateway.id}/check/").status_code == 302
        return [finding["code"] for finding in self.twilio().check_findings]


@pytest.fixture
def desk(shop: Shop) -> Desk:
    return Desk(shop.brand)


@pytest.fixture
def twilio(line: CarrierProcess, shop: Shop) -> CarrierProcess:
    """The simulator with an account as a brand has it at Twilio: registered and pointed at us."""
    register(line)
    return line


def register(line: CarrierProcess, inbound_url: str = "", **changes: Any) -> None:
    number = {"phone": NUMBER, "inbound_url": inbound_url, **changes.pop("number", {})}
    service = {"sid": SERVICE, "numbers": [NUMBER], "campaigns": ["VERIFIED"]}
    line._post(
        "accounts",
        **{
            "sid": SID,
            "auth_tokens": [TOKEN],
            "api_keys": {KEY: SECRET},
            "numbers": [number],
            "services": [{**service, **changes.pop("service", {})}],
            **changes,
        },
    )


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


def test_a_rotation_keeps_two_tokens_valid_and_retires_the_old_one(
    desk: Desk, twilio: CarrierProcess
) -> None:
    gateway = desk.set_up()
    new = "auth-token-brand-new-1357"

    def told(token: str, sid: str) -> int:
        form = {"MessageSid": sid, "From": LA, "To": NUMBER, "Body": "hello there"}
        path = f"/webhooks/twilio/{gateway.id}/inbound"
        return int(post(path, form, token=token).status_code)

    assert told(TOKEN, "SM1") == 204
    assert "signed the last callback" in desk.page()
    assert desk.post(f"gateway/{gateway.id}/token/", token=new).status_code == 302
    page = desk.page()
    assert "since the token changed" in page
    assert new not in page
    forget_doors()  # what this process kept knows one token only
    assert (told(TOKEN, "SM2"), told(new, "SM3")) == (204, 204)
    third = desk.post(f"gateway/{gateway.id}/token/", token="a-third-token-here")
    assert (third.status_code, "Retire the older" in third.content.decode()) == (422, True)
    # Twilio knows only one of them: the check says which.
    found = {f["code"] for f in _checked(desk)}
    assert "wrong_token" in found
    register(twilio, auth_tokens=[new])
    assert {f["code"] for f in _checked(desk)} >= {"token_works", "old_token_dead"}
    assert desk.post(f"gateway/{gateway.id}/token/retire/").status_code == 302
    forget_doors()
    assert (told(TOKEN, "SM4"), told(new, "SM5")) == (403, 204)
    assert desk.post(f"gateway/{gateway.id}/token/retire/").status_code == 409
    with tenant_scope(desk.brand.tenant.id):
        actions = list(AuditEntry.objects.order_by("id").values_list("action", flat=True))
        logged = str(list(AuditEntry.objects.values_list("data", "target", "actor")))
    assert [a for a in actions if "token" in a] == ["gateway.token_added", "gateway.token_retired"]
    assert not any(secret in logged for secret in (SECRET, TOKEN, new))


def _checked(desk: Desk) -> list[dict[str, str]]:
    desk.check()
    found: list[dict[str, str]] = desk.twilio().check_findings
    return found


def test_without_an_api_key_the_rotation_moves_the_submitting_too(
    desk: Desk, twilio: CarrierProcess
) -> None:
    gateway = desk.set_up(api_key_sid="", secret="")
    assert gateway.secret == TOKEN
    desk.post(f"gateway/{gateway.id}/token/", token="auth-token-brand-new-1357")
    desk.post(f"gateway/{gateway.id}/token/retire/")
    assert desk.twilio().secret == "auth-token-brand-new-1357"


def test_a_signed_callback_is_noted_once_a_minute(
    desk: Desk, twilio: CarrierProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    gateway = desk.set_up()
    writes: list[UUID] = []

    def note(gateway_id: UUID, *, token: str, wall: datetime) -> None:
        writes.append(gateway_id)
        note_heard(gateway_id, token=token, wall=wall)

    monkeypatch.setattr("delivery.api.webhooks.note_heard", note)
    path = f"/webhooks/twilio/{gateway.id}/status"
    form = {"MessageSid": "SM" + "0" * 32, "MessageStatus": "sent"}
    assert post(path, form, token="forged").status_code == 403
    assert desk.twilio().last_heard_at is None
    for _ in range(5):
        assert post(path, form, token=TOKEN).status_code == 204
    assert writes == [gateway.id]
    assert "A signed callback arrived just now" in desk.page()
    # Another process may write too, but not the same minute again.
    first = desk.twilio().last_heard_at
    forget_doors()
    assert post(path, form, token=TOKEN).status_code == 204
    assert desk.twilio().last_heard_at == first


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
    assert ">3.75</button>" in desk.page()
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
