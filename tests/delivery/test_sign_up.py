"""The hosted sign-up page, over HTTP: what it shows, what it writes, whom it may bother."""

from __future__ import annotations

import html
import re
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from api.addresses import network_of
from api.problems import Invalid
from consent.domain.attempts import forget_attempts
from consent.domain.opt_ins import expire_pending
from consent.domain.queries import consent_history
from consent.domain.settings import set_consent_choices
from consent.domain.sign_up import read_page, save_page
from consent.domain.suppressions import NewSuppression, suppress
from consent.domain.verifying import verify_chain
from consent.models import Consent, ConsentRecord, OptInAttempt, SignUpVersion
from delivery.models import Message
from people.domain.attributes import TraitChange, apply_traits
from people.models import Contact
from tenancy.models import AuditEntry
from tenancy.scope import tenant_scope
from tests.delivery.hooks import text_in
from tests.delivery.making import LA, NEW_YORK, Shop, make_contact, make_shop
from tests.support.world import World

pytestmark = pytest.mark.django_db
PATH = "/join/juniper"
WORDS = {
    "headline": "Texts from the oak shop",
    "intro": "News & <b>offers</b>.",
    "sends": "offers and cart reminders",
    "frequency": "Up to 6 msgs a month",
    "terms_url": "https://juniper.example/terms",
    "privacy_url": "https://juniper.example/privacy",
}


@pytest.fixture(autouse=True)
def _the_clocks(monkeypatch: pytest.MonkeyPatch, now: datetime) -> None:
    monkeypatch.setattr("delivery.views.sign_up.business_now", lambda: now)
    monkeypatch.setattr("delivery.api.webhooks.business_now", lambda: now)


@pytest.fixture
def wall(monkeypatch: pytest.MonkeyPatch, now: datetime) -> Any:
    """Wall time that a test moves; it runs a minute further between form and button."""

    class Wall:
        at = now

        def __call__(self) -> datetime:
            return self.at

        def pass_(self, **span: float) -> None:
            self.at += timedelta(**span)

    held = Wall()
    monkeypatch.setattr("delivery.views.sign_up.wall_now", held)
    monkeypatch.setattr("delivery.domain.inbound.wall_now", held)
    monkeypatch.setattr("delivery.domain.inbound_acts.wall_now", held)
    return held


@pytest.fixture
def live(shop: Shop, now: datetime, wall: Any) -> Shop:
    open_page(shop, now)
    return shop


def open_page(shop: Shop, now: datetime, **words: str) -> None:
    with tenant_scope(shop.tenant_id):
        save_page({**WORDS, **words}, asks_name=True, live=True, now=now)


def fetch(client: Client | None = None, path: str = PATH, **more: Any) -> str:
    answer = (client or Client()).get(path, **more)
    assert answer.status_code == 200
    return str(answer.content.decode())


def seen_in(page: str) -> str:
    found = re.search(r'name="seen" value="([^"]+)"', page)
    assert found is not None
    return found[1]


def send(
    wall: Any, phone: str = LA, *, path: str = PATH, client: Client | None = None, **form: Any
) -> Any:
    """Opens the form, reads it for ten seconds, sends it."""
    client = client or Client()
    headers = form.pop("headers", {})
    seen = form.pop("seen", None) or seen_in(fetch(client, path, headers=headers))
    wall.pass_(seconds=10)
    data = {"phone": phone, "first_name": "", "agree": "yes", "seen": seen, **form}
    return client.post(path, {k: v for k, v in data.items() if v is not None}, headers=headers)


def texts(shop: Shop) -> list[tuple[str, str]]:
    with tenant_scope(shop.tenant_id):
        rows = Message.objects.filter(message_type="compliance").order_by("id")
        return list(rows.values_list("step_key", "phone"))


def status_of(shop: Shop, phone: str = LA) -> set[str]:
    with tenant_scope(shop.tenant_id):
        from consent.domain.contact_points import find_tokens

        token = find_tokens([phone])[phone]
        return set(Consent.objects.filter(phone_token=token).values_list("status", flat=True))


def visible(page: str) -> str:
    """The words a reader sees, one blank between them."""
    main = page[page.index("<main") : page.index("</main>")]
    main = re.sub(r'<div class="trap".*?</div>', "", main, flags=re.S)
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", main)).split())


def test_a_sign_up_asks_on_the_phone_and_keeps_what_was_on_the_screen(
    live: Shop, wall: Any
) -> None:
    page = fetch()
    answer = send(
        wall, "(310) 555-0100", first_name="Maya", headers={"User-Agent": "Safari \u2603"}
    )
    assert (answer.status_code, answer["Location"]) == (302, f"{PATH}/done")
    assert "Reply YES" in fetch(path=f"{PATH}/done")
    assert status_of(live) == {"pending"}
    assert texts(live) == [("answer_confirm", LA)]
    with tenant_scope(live.tenant_id):
        assert not Contact.objects.exists()  # a number that anybody typed is nobody yet
        (record,) = consent_history(LA, with_personal=True)
        assert (record.kind, record.source, record.rule) == (
            "opt_in_requested",
            "web_form",
            "sign_up_page:1",
        )
        assert record.legal_basis == "pewc"
        assert record.personal["ip_address"] == "127.0.0.1"
        assert record.personal["url"] == "http://testserver/join/juniper"
        assert record.personal["page_version"] == "1"
        shown = visible(page)
        for line in record.disclosure.splitlines():
            for piece in re.sub(r"^\[ \] |^\[|\]$|: https\S+", "", line).splitlines():
                assert " ".join(piece.split()) in shown, line
        assert "Consent is not a condition of any purchase" in record.disclosure
        assert "https://juniper.example/terms" in record.disclosure
    # The phone itself says YES: now there is a contact, with the name from the form.
    text_in(live, "Yes!", sid="SM1")
    assert status_of(live) == {"subscribed"}
    assert texts(live) == [("answer_confirm", LA), ("answer_welcome", LA)]
    with tenant_scope(live.tenant_id):
        assert Contact.objects.get().first_name == "Maya"
        assert [row.kind for row in consent_history(LA)] == ["opt_in_requested", "double_opt_in"]
        assert verify_chain().faults == ()


def test_everything_the_visitor_reads_is_in_the_evidence(live: Shop, wall: Any) -> None:
    """The other way round: no sentence on the page that the ledger does not have."""
    shown = visible(fetch())
    with tenant_scope(live.tenant_id):
        rendered = SignUpVersion.objects.get(number=1).rendered
    lines = re.sub(r"\[ \] |\[|\]", "", rendered)
    lines = re.sub(r"(Terms|Privacy policy): \S+", r"\1", lines)
    assert " ".join(lines.split()) == shown


def test_the_box_is_not_ticked_and_nothing_runs(live: Shop) -> None:
    page = fetch()
    box = re.search(r"<input\s+type=\"checkbox\"[^>]*>", page)
    assert box is not None
    assert "checked" not in box[0]
    assert "<script" not in page
    assert "&lt;b&gt;offers" in page
    assert "Kairos" not in visible(page)


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({"agree": None}, "Tick the box"),
        ({"agree": "on"}, "Tick the box"),
        ({"phone": "call me"}, "Enter a mobile number"),
        ({"phone": ""}, "Enter a mobile number"),
        ({"phone": "9" * 5000}, "Enter a mobile number"),
        ({"first_name": "buy at evil.example"}, "letters only"),
        ({"first_name": "http://x"}, "letters only"),
        ({"seen": "forged:token"}, "open for a long time"),
        ({"seen": "\x00"}, "open for a long time"),
        ({"phone": "\u202e+1310"}, "Enter a mobile number"),
    ],
)
def test_what_cannot_be_taken_is_said_and_changes_nothing(
    live: Shop, wall: Any, form: dict[str, Any], said: str
) -> None:
    answer = send(wall, **{"phone": LA, **form})
    assert answer.status_code == 422
    assert said in html.unescape(answer.content.decode())
    with tenant_scope(live.tenant_id):
        assert not ConsentRecord.objects.exists()
    assert texts(live) == []


def test_a_form_sent_within_a_second_or_after_a_day_is_asked_for_again(
    live: Shop, wall: Any
) -> None:
    seen = seen_in(fetch())
    data = {"phone": LA, "agree": "yes", "seen": seen}
    assert Client().post(PATH, data).status_code == 422
    assert texts(live) == []
    wall.pass_(seconds=5)
    assert Client().post(PATH, data).status_code == 302
    assert texts(live) == [("answer_confirm", LA)]


def test_the_field_that_people_never_see_makes_it_look_done(live: Shop, wall: Any) -> None:
    answer = send(wall, website="https://spam.example")
    assert (answer.status_code, answer["Location"]) == (302, f"{PATH}/done")
    assert texts(live) == []
    assert status_of(live) == set()


def test_every_number_gets_the_same_answer(live: Shop, wall: Any, now: datetime) -> None:
    stopped, suppressed, unknown = "+13105550111", "+13105550112", "+13105550113"
    with tenant_scope(live.tenant_id):
        make_contact(LA, now=now)
        make_contact(stopped, now=now, subscribed=False)
        suppress([NewSuppression(suppressed, "complaint", now, "agent")], now=now)
    text_in(live, "STOP", sid="SM1", phone=stopped)
    answers = {
        (answer.status_code, answer["Location"], answer.content)
        for phone in (LA, stopped, suppressed, unknown)
        for answer in [send(wall, phone)]
    }
    assert len(answers) == 1
    # Who said STOP is asked once; who is subscribed or complained is left alone.
    assert sorted(texts(live)) == [("answer_confirm", stopped), ("answer_confirm", unknown)]


def test_a_number_cannot_be_flooded(live: Shop, wall: Any) -> None:
    for _ in range(4):
        assert send(wall).status_code == 302
    assert len(texts(live)) == 1
    for _ in range(10):
        wall.pass_(minutes=11)
        send(wall)
    assert len(texts(live)) == 3  # in a day
    for _ in range(40):
        wall.pass_(hours=12)
        send(wall)
    assert len(texts(live)) == 5  # in 30 days


def test_who_said_stop_is_asked_once_a_month_however_often_a_stranger_tries(
    live: Shop, wall: Any, now: datetime
) -> None:
    with tenant_scope(live.tenant_id):
        make_contact(LA, now=now)
    text_in(live, "STOP", sid="SM1")
    for _ in range(8):
        send(wall)
        wall.pass_(days=3)
    assert texts(live) == [("answer_confirm", LA)]
    # The person's own YES is what takes the STOP back.
    assert status_of(live) == {"pending"}
    text_in(live, "YES", sid="SM2")
    assert status_of(live) == {"subscribed"}


def test_one_address_cannot_try_many_numbers(live: Shop, wall: Any) -> None:
    phones = [f"+1310555{number:04d}" for number in range(100, 125)]
    statuses = [send(wall, phone).status_code for phone in phones]
    assert statuses == [302] * 20 + [429] * 5
    assert send(wall)["Retry-After"] == "900"
    other = {"X-Forwarded-For": "198.51.100.7"}
    assert send(wall, headers=other).status_code == 429  # no proxy of ours: not believed
    wall.pass_(minutes=11)
    assert send(wall).status_code == 302
    with tenant_scope(live.tenant_id):
        assert not OptInAttempt.objects.filter(key__contains="127.0").exists()


def test_it_takes_a_form_only_from_its_own_pages(live: Shop, wall: Any) -> None:
    client = Client(enforce_csrf_checks=True)
    seen = seen_in(fetch(client))
    wall.pass_(seconds=10)
    data = {"phone": LA, "agree": "yes", "seen": seen}
    assert client.post(PATH, data).status_code == 403
    token = client.cookies["csrftoken"].value
    assert client.post(PATH, {**data, "csrfmiddlewaretoken": token}).status_code == 302


def test_a_page_that_is_off_unknown_or_not_there_yet_is_404(
    shop: Shop, world: World, now: datetime, wall: Any
) -> None:
    assert Client().get(PATH).status_code == 404
    open_page(shop, now)
    assert Client().get(PATH).status_code == 200
    for path in ("/join/juniper-two", "/join/nobody", f"{PATH}x"):
        assert Client().get(path).status_code == 404
        assert Client().post(path, {"phone": LA, "agree": "yes"}).status_code == 404
        assert Client().get(f"{path}/done").status_code == 404
    with tenant_scope(shop.tenant_id):
        save_page(WORDS, asks_name=True, live=False, now=now)
    assert Client().get(PATH).status_code == 404
    assert Client().get(f"{PATH}/done").status_code == 404


def test_a_sign_up_stays_in_its_own_workspace(
    live: Shop, world: World, wall: Any, now: datetime
) -> None:
    other = make_shop(world.other, now=now)
    open_page(other, now)
    seen = seen_in(fetch(path="/join/juniper-two"))
    assert send(wall, seen=seen).status_code == 422  # read on the other one's page
    assert send(wall).status_code == 302
    assert status_of(live) == {"pending"}
    assert status_of(other) == set()
    assert texts(other) == []


def test_a_workspace_that_trusts_its_form_welcomes_at_once(
    live: Shop, wall: Any, now: datetime
) -> None:
    with tenant_scope(live.tenant_id):
        set_consent_choices(double_opt_in_sources=["api"], now=now)
    assert send(wall, first_name="Maya").status_code == 302
    assert "YES" not in fetch(path=f"{PATH}/done")
    assert status_of(live) == {"subscribed"}
    assert texts(live) == [("answer_welcome", LA)]
    with tenant_scope(live.tenant_id):
        assert Contact.objects.get().first_name == "Maya"
    # Anybody can type another name beside her number.
    send(wall, first_name="Impostor")
    with tenant_scope(live.tenant_id):
        assert Contact.objects.get().first_name == "Maya"


def test_what_was_on_the_screen_counts_not_what_is_there_now(
    live: Shop, wall: Any, now: datetime
) -> None:
    seen = seen_in(fetch())
    open_page(live, now, sends="something else")
    assert send(wall, seen=seen).status_code == 302
    with tenant_scope(live.tenant_id):
        (record,) = consent_history(LA)
        assert record.rule == "sign_up_page:1"
        assert "offers and cart reminders" in record.disclosure
        assert read_page().version == 2


def test_the_texts_promise_what_the_page_promises(live: Shop, wall: Any) -> None:
    send(wall)
    text_in(live, "YES", sid="SM1")
    with tenant_scope(live.tenant_id):
        from delivery.domain.history import list_messages

        bodies = [story.body for story in list_messages().stories]
    assert len(bodies) == 2
    assert all("Up to 6 msgs a month." in body for body in bodies)


def test_every_change_is_a_version_and_in_the_audit_log(shop: Shop, now: datetime) -> None:
    with tenant_scope(shop.tenant_id):
        owner = shop.brand.owner
        with pytest.raises(Invalid) as caught:
            save_page({**WORDS, "terms_url": ""}, asks_name=True, live=True, actor=owner, now=now)
        assert {(e.field, e.code) for e in caught.value.errors} == {("terms_url", "missing")}
        assert read_page().version == 0
        save_page({**WORDS, "terms_url": ""}, asks_name=True, live=False, actor=owner, now=now)
        assert (read_page().version, read_page().is_live) == (1, False)
        save_page(WORDS, asks_name=True, live=True, actor=owner, now=now)
        save_page(WORDS, asks_name=True, live=True, actor=owner, now=now)  # nothing changed
        assert (read_page().version, read_page().is_live) == (2, True)
        actions = AuditEntry.objects.order_by("id").values_list("action", "actor")
        assert list(actions.filter(action__startswith="sign_up")) == [
            ("sign_up_page.changed", f"user:{owner.email}"),
            ("sign_up_page.changed", f"user:{owner.email}"),
            ("sign_up_page.opened", f"user:{owner.email}"),
        ]


@pytest.mark.parametrize(
    ("part", "text", "code"),
    [
        ("headline", "x" * 81, "too_long"),
        ("sends", "a\nb", "invalid_text"),
        ("sends", "a\x00b", "invalid_text"),
        ("sends", "left \u202e right", "invalid_text"),
        ("terms_url", "javascript:alert(1)", "not_a_web_address"),
        ("terms_url", "http://juniper.example/terms", "not_a_web_address"),
        ("privacy_url", "https://user@evil.example/", "not_a_web_address"),
        ("privacy_url", 'https://evil.example/"><script>', "not_a_web_address"),
        ("privacy_url", "https://[broken", "not_a_web_address"),
    ],
)
def test_hostile_words_are_refused(
    shop: Shop, now: datetime, part: str, text: str, code: str
) -> None:
    with tenant_scope(shop.tenant_id):
        with pytest.raises(Invalid) as caught:
            save_page({**WORDS, part: text}, asks_name=True, live=True, now=now)
        assert [(e.field, e.code) for e in caught.value.errors] == [(part, code)]
        assert not SignUpVersion.objects.exists()


def test_a_known_contact_keeps_its_name(live: Shop, wall: Any, now: datetime) -> None:
    with tenant_scope(live.tenant_id):
        contact = make_contact(NEW_YORK, now=now, subscribed=False)
        apply_traits([TraitChange(contact, {"first_name": "Ruth"})], now=now)
    send(wall, NEW_YORK, first_name="Zoe")
    text_in(live, "YES", sid="SM1", phone=NEW_YORK)
    assert status_of(live, NEW_YORK) == {"subscribed"}
    with tenant_scope(live.tenant_id):
        held = Contact.objects.get()
        assert (held.id, held.first_name) == (contact, "Ruth")


def test_old_attempts_are_forgotten(live: Shop, wall: Any) -> None:
    send(wall)
    with tenant_scope(live.tenant_id):
        assert OptInAttempt.objects.count() == 2  # the form, the question
        assert forget_attempts(wall=wall() + timedelta(days=29)) == 0
        assert forget_attempts(wall=wall() + timedelta(days=30)) == 2


def test_limits_count_an_ipv6_customer_once() -> None:
    assert network_of("2001:db8:1:2::7") == network_of("2001:db8:1:2:ffff::1")
    assert network_of("2001:db8:1:2::7") != network_of("2001:db8:1:3::7")
    assert network_of("203.0.113.9") == "203.0.113.9"
    assert network_of("unknown") == "unknown"


def test_the_name_of_a_form_nobody_confirmed_is_nobodys(
    live: Shop, wall: Any, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    send(wall, first_name="Stranger")
    later = now + timedelta(days=31)
    monkeypatch.setattr("delivery.api.webhooks.business_now", lambda: later)
    with tenant_scope(live.tenant_id):
        assert expire_pending(now=later) == 1
    text_in(live, "JOIN", sid="SM1")
    assert status_of(live) == {"subscribed"}
    with tenant_scope(live.tenant_id):
        assert Contact.objects.get().first_name == ""
