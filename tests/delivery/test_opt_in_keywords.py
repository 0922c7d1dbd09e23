"""JOIN and the workspace's own keywords, over the webhook; and through the carrier itself."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from api.problems import Invalid, NotFound
from consent.core.classifier import classify
from consent.domain.keywords import add_keyword, own_keywords, remove_keyword
from consent.domain.queries import consent_history
from consent.domain.verifying import verify_chain
from consent.models import Consent, ConsentRecord
from delivery.models import InboundMessage, Message
from events.models import Event
from people.models import Contact
from tenancy.models import AuditEntry
from tenancy.scope import tenant_scope
from tests.delivery.hooks import text_in
from tests.delivery.making import LA, Shop, make_contact, make_shop
from tests.support.world import World
from triggers.domain.flows import archive_flow, create_flow, publish_flow

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _now_is_the_tests(monkeypatch: pytest.MonkeyPatch, now: datetime) -> None:
    monkeypatch.setattr("delivery.api.webhooks.business_now", lambda: now)


def statuses(shop: Shop) -> set[str]:
    with tenant_scope(shop.tenant_id):
        return set(Consent.objects.values_list("status", flat=True))


def answers(shop: Shop) -> list[str]:
    with tenant_scope(shop.tenant_id):
        rows = Message.objects.filter(message_type="compliance").order_by("id")
        return list(rows.values_list("step_key", flat=True))


@pytest.mark.parametrize(
    "body", ["JOIN", "join", "Join!", "join please", "J O I N", "VIP", "vip pls"]
)
def test_a_stranger_who_texts_a_keyword_is_a_subscribed_contact(
    shop: Shop, now: datetime, body: str
) -> None:
    with tenant_scope(shop.tenant_id):
        add_keyword("VIP", actor=shop.brand.owner, now=now)
    assert text_in(shop, body, sid="SM1").status_code == 204
    assert statuses(shop) == {"subscribed"}
    assert answers(shop) == ["answer_welcome"]
    with tenant_scope(shop.tenant_id):
        contact = Contact.objects.get()
        assert contact.phone == LA
        (record,) = consent_history(LA, with_personal=True)
        assert (record.kind, record.source, record.legal_basis) == ("opt_in", "keyword", "pewc")
        assert record.personal["body"] == body
        assert Event.objects.get(name="SMS Subscribed").contact_id == contact.id
        assert not Event.objects.filter(name="SMS Replied").exists()
        assert verify_chain().ok


def test_a_repeated_join_is_harmless(shop: Shop) -> None:
    for turn in range(4):
        text_in(shop, "JOIN", sid=f"SM{turn}")
    text_in(shop, "JOIN", sid="SM0")  # the carrier repeats itself
    assert answers(shop) == ["answer_welcome"]
    with tenant_scope(shop.tenant_id):
        assert ConsentRecord.objects.count() == 1
        assert Event.objects.filter(name="SMS Subscribed").count() == 1
        assert InboundMessage.objects.count() == 4


def test_a_keyword_after_stop_is_the_persons_own_way_back(shop: Shop, now: datetime) -> None:
    with tenant_scope(shop.tenant_id):
        add_keyword("VIP", now=now)
        make_contact(LA, now=now)
    for sid, body, status in (("SM1", "STOP", "unsubscribed"), ("SM2", "VIP", "subscribed")):
        text_in(shop, body, sid=sid)
        assert statuses(shop) == {status}
    with tenant_scope(shop.tenant_id):
        assert [row.kind for row in consent_history(LA)] == ["opt_in", "opt_out", "re_opt_in"]


def test_a_keyword_of_one_workspace_is_a_word_in_another(
    shop: Shop, world: World, now: datetime
) -> None:
    other = make_shop(world.other, now=now)
    with tenant_scope(shop.tenant_id):
        add_keyword("VIP", now=now)
    text_in(other, "VIP", sid="SM1")
    assert (statuses(shop), statuses(other)) == (set(), set())
    with tenant_scope(other.tenant_id):
        assert InboundMessage.objects.get().kind == "none"


def test_a_removed_keyword_means_nothing_and_takes_nobody_with_it(
    shop: Shop, now: datetime
) -> None:
    with tenant_scope(shop.tenant_id):
        add_keyword("vip", actor=shop.brand.owner, now=now)
        add_keyword("VIP!", actor=shop.brand.owner, now=now)  # the same word
        assert own_keywords() == {"vip"}
    text_in(shop, "VIP", sid="SM1")
    with tenant_scope(shop.tenant_id):
        remove_keyword("Vip", actor=shop.brand.owner, now=now)
        with pytest.raises(NotFound):
            remove_keyword("VIP", now=now)
        log = AuditEntry.objects.filter(action__startswith="opt_in_keyword").order_by("id")
        assert list(log.values_list("action", "target")) == [
            ("opt_in_keyword.added", "VIP"),
            ("opt_in_keyword.removed", "VIP"),
        ]
    assert statuses(shop) == {"subscribed"}
    text_in(shop, "VIP", sid="SM2", phone="+13105550188")
    with tenant_scope(shop.tenant_id):
        assert InboundMessage.objects.get(sid="SM2").kind == "none"


@pytest.mark.parametrize(
    ("word", "code"),
    [
        ("", "invalid_format"),
        ("two words", "invalid_format"),
        ("x", "invalid_format"),
        ("1234", "invalid_format"),
        ("x" * 21, "invalid_format"),
        ("<b>vip</b>", "invalid_format"),
        ("v\x00ip", "invalid_format"),
        ("JOIN", "already_opt_in"),
        ("subscribe", "already_opt_in"),
        ("STOP", "reserved_keyword"),
        ("S.T.O.P", "reserved_keyword"),
        ("stooop", "reserved_keyword"),
        ("stip", "reserved_keyword"),
        ("arrêt", "reserved_keyword"),
        ("стоп", "reserved_keyword"),
        ("Cancel", "reserved_keyword"),
        ("help", "reserved_keyword"),
        ("INFO", "reserved_keyword"),
        ("yes", "reserved_keyword"),
        ("please", "reserved_keyword"),
    ],
)
def test_words_that_mean_something_else_are_refused(
    shop: Shop, now: datetime, word: str, code: str
) -> None:
    with tenant_scope(shop.tenant_id):
        with pytest.raises(Invalid) as caught:
            add_keyword(word, now=now)
        assert [(error.field, error.code) for error in caught.value.errors] == [("word", code)]
        assert own_keywords() == set()


def flow(*, keyword: str) -> dict[str, Any]:
    return {
        "trigger": {"type": "event", "event": "Support Question Asked"},
        "steps": [
            {
                "key": "text",
                "type": "message",
                "template": "plain",
                "replies": {keyword: "reply-size"},
            }
        ],
    }


def test_a_word_that_a_flow_listens_for_is_taken_and_the_other_way_round(
    shop: Shop, now: datetime
) -> None:
    with tenant_scope(shop.tenant_id):
        sizes = create_flow("Sizes", definition=flow(keyword="SIZE"), now=now)
        for word in ("SIZE", "sizes"):  # a flow forgives one typo, so it would hear both
            with pytest.raises(Invalid) as caught:
                add_keyword(word, now=now)
            assert caught.value.errors[0].code == "keyword_taken"
            assert "Sizes" in caught.value.errors[0].detail
        archive_flow(sizes, now=now)
        add_keyword("SIZE", now=now)
        late = create_flow("Late", definition=flow(keyword="Size"), now=now)
        with pytest.raises(Exception, match="not_publishable") as refused:
            publish_flow(late, now=now)
        codes = {error.code for error in refused.value.errors}  # type: ignore[attr-defined]
        assert codes >= {"keyword_taken"}


def test_at_most_twenty(shop: Shop, now: datetime) -> None:
    with tenant_scope(shop.tenant_id):
        for number in range(20):
            add_keyword(f"club{number}", now=now)
        with pytest.raises(Invalid) as caught:
            add_keyword("club20", now=now)
        assert caught.value.errors[0].code == "too_many"


def test_own_words_never_beat_a_stop() -> None:
    own = frozenset({"stop", "vip"})
    assert classify("STOP", own_keywords=own).kind == "opt_out"
    assert classify("vip stop", own_keywords=own).kind != "opt_in"
    assert classify("vip", own_keywords=own).opt_in_source == "keyword"
    assert classify("vip").kind == "none"
