"""Texts that come in: what commits before the answer is what counts."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from consent.models import Consent
from delivery.domain.deciding import decide
from delivery.domain.history import list_messages
from delivery.models import InboundMessage, Message
from events.models import Event
from tenancy.scope import tenant_scope
from tests.delivery.hooks import text_in
from tests.delivery.making import LA, Shop, intent, make_contact, make_shop, message
from tests.support.world import World

pytestmark = pytest.mark.django_db
NIGHT = datetime(2026, 11, 17, 8, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _now_is_the_tests(monkeypatch: pytest.MonkeyPatch, now: datetime) -> None:
    monkeypatch.setattr("delivery.api.webhooks.business_now", lambda: now)


def statuses(shop: Shop) -> set[str]:
    with tenant_scope(shop.tenant_id):
        return set(Consent.objects.filter(topic="").values_list("status", flat=True))


def answers(shop: Shop) -> list[str]:
    with tenant_scope(shop.tenant_id):
        rows = Message.objects.filter(message_type="compliance").order_by("id")
        return list(rows.values_list("step_key", flat=True))


def test_stop_is_in_force_before_the_answer_leaves(shop: Shop, now: datetime) -> None:
    with tenant_scope(shop.tenant_id):
        contact = make_contact(LA, now=NIGHT)
        waiting = decide([intent(contact, shop.plain_id)], now=NIGHT)[0]
        queued = decide([intent(contact, shop.plain_id)], now=now)[0]
        assert (waiting.status, queued.status) == ("scheduled", "queued")
    assert text_in(shop, "STOP", sid="SM1").status_code == 204
    assert statuses(shop) == {"unsubscribed"}
    with tenant_scope(shop.tenant_id):
        for made in (waiting, queued):
            row = message(made.message_id)
            assert (row.status, row.reason) == ("canceled", "unsubscribed")
        told = Event.objects.get(name="SMS Unsubscribed")
        assert told.contact_id == contact
        assert Event.objects.filter(name="SMS Failed").count() == 2
        assert not Event.objects.filter(name="SMS Replied").exists()
    # The carrier has confirmed the keyword itself.
    assert answers(shop) == []


def test_the_same_text_twice_counts_once(shop: Shop, now: datetime) -> None:
    with tenant_scope(shop.tenant_id):
        make_contact(LA, now=now)
    for _ in range(2):
        assert text_in(shop, "what sizes do you have?", sid="SM1").status_code == 204
    with tenant_scope(shop.tenant_id):
        assert InboundMessage.objects.count() == 1
        assert Event.objects.filter(name="SMS Replied").count() == 1


@pytest.mark.parametrize(
    ("body", "form", "kind", "answered"),
    [
        ("STOP", {}, "opt_out", []),
        ("stop", {"OptOutType": "STOP"}, "opt_out", []),
        ("please stop texting me", {}, "opt_out", ["answer_stopped"]),
        ("opt out", {}, "opt_out", ["answer_stopped"]),
        ("wrong number", {}, "wrong_number", ["answer_stopped"]),
        ("HELP", {}, "help", []),
        ("help me please", {}, "help", ["answer_help"]),
        ("HELP", {"To": "72975"}, "help", ["answer_help"]),
        ("STOP", {"To": "72975"}, "opt_out", ["answer_stopped"]),
        ("who is this", {}, "review", []),
        ("Is it in stock?", {}, "none", []),
    ],
)
def test_each_kind_is_answered_as_it_must_be(
    shop: Shop, now: datetime, body: str, form: dict[str, Any], kind: str, answered: list[str]
) -> None:
    with tenant_scope(shop.tenant_id):
        make_contact(LA, now=now)
    text_in(shop, body, sid="SM1", form=form)
    with tenant_scope(shop.tenant_id):
        assert InboundMessage.objects.get().kind == kind
    assert answers(shop) == answered
    assert ("unsubscribed" in statuses(shop)) is (kind in {"opt_out", "wrong_number"})


def test_a_second_stop_in_words_is_confirmed_only_once(shop: Shop, now: datetime) -> None:
    with tenant_scope(shop.tenant_id):
        make_contact(LA, now=now)
    for sid in ("SM1", "SM2"):
        text_in(shop, "please stop texting me", sid=sid)
    assert answers(shop) == ["answer_stopped"]


def test_two_machines_that_ask_each_other_for_help_come_to_rest(shop: Shop, now: datetime) -> None:
    for turn in range(5):
        text_in(shop, "help me", sid=f"SM{turn}")
    assert answers(shop) == ["answer_help"]


def test_start_takes_a_typed_stop_back(shop: Shop, now: datetime) -> None:
    with tenant_scope(shop.tenant_id):
        make_contact(LA, now=now)
    text_in(shop, "STOP", sid="SM1")
    text_in(shop, "START", sid="SM2")
    assert statuses(shop) == {"subscribed"}
    assert answers(shop) == []


def test_start_from_a_stranger_only_asks_and_yes_confirms(shop: Shop, now: datetime) -> None:
    text_in(shop, "START", sid="SM1")
    assert statuses(shop) == {"pending"}
    text_in(shop, "yes", sid="SM2")
    assert statuses(shop) == {"subscribed"}
    assert answers(shop) == ["answer_confirm", "answer_welcome"]
    with tenant_scope(shop.tenant_id):
        labels = {story.step_key: story.label for story in list_messages(limit=9).stories}
    assert labels == {
        "answer_confirm": "Question to confirm",
        "answer_welcome": "Welcome text",
    }


def test_yes_without_a_question_is_an_ordinary_reply(shop: Shop, now: datetime) -> None:
    with tenant_scope(shop.tenant_id):
        make_contact(LA, now=now, subscribed=False)
    text_in(shop, "YES", sid="SM1")
    assert statuses(shop) == set()
    with tenant_scope(shop.tenant_id):
        assert Event.objects.get(name="SMS Replied").properties["body"] == "YES"


def test_a_doubtful_reply_pauses_marketing_only(shop: Shop, now: datetime) -> None:
    with tenant_scope(shop.tenant_id):
        contact = make_contact(LA, now=now)
    text_in(shop, "who is this", sid="SM1")
    with tenant_scope(shop.tenant_id):
        made = decide(
            [
                intent(contact, shop.plain_id),
                intent(contact, None, message_type="transactional", body="Your order left."),
            ],
            now=now,
        )
    assert [d.reason for d in made] == ["paused_for_review", ""]


def test_a_reply_names_the_text_it_answers(shop: Shop, now: datetime) -> None:
    with tenant_scope(shop.tenant_id):
        contact = make_contact(LA, now=now)
        key = decide([intent(contact, shop.plain_id)], now=now)[0].message_id
        Message.objects.filter(id=key).update(status="sent", sent_at=now)
    text_in(shop, "SIZE", sid="SM1")
    with tenant_scope(shop.tenant_id):
        heard = InboundMessage.objects.get()
        told = Event.objects.get(name="SMS Replied").properties
    assert heard.answered_message_id == key
    assert (told["message_id"], told["body"]) == (str(key), "SIZE")
    assert told["inbound_id"] == str(heard.id)


def test_pictures_and_strange_senders_are_kept(shop: Shop, now: datetime) -> None:
    form = {"NumMedia": "1", "MediaUrl0": "https://m.example/1", "MediaContentType0": "image/png"}
    text_in(shop, "", sid="SM1", form=form)
    text_in(shop, "STOP", sid="SM2", phone="72975")
    with tenant_scope(shop.tenant_id):
        rows = InboundMessage.objects.order_by("id")
        assert rows[0].media == [{"url": "https://m.example/1", "type": "image/png"}]
        assert rows[0].contact_id is not None
        assert rows[1].contact_id is None
    assert statuses(shop) == set()


def test_a_stop_to_one_brand_is_none_to_another(world: World, now: datetime) -> None:
    shop, other = make_shop(world.shop, now=now), make_shop(world.other, now=now)
    for one in (shop, other):
        with tenant_scope(one.tenant_id):
            make_contact(LA, now=now)
    text_in(shop, "STOP", sid="SM1")
    assert statuses(shop) == {"unsubscribed"}
    assert statuses(other) == {"subscribed"}


def test_forged_or_incomplete_texts_are_refused(shop: Shop, now: datetime) -> None:
    assert text_in(shop, "STOP", sid="SM1", token="not-ours").status_code == 403
    assert text_in(shop, "STOP", sid="").json()["errors"][0]["field"] == "MessageSid"
    with tenant_scope(shop.tenant_id):
        assert not InboundMessage.objects.exists()
    assert statuses(shop) == set()
