"""Which replies wait for a person, and who took them off the list."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID, uuid4

import pytest

from api.problems import Invalid
from delivery.core.intents import Decision
from delivery.domain.conversations import close_conversation, reopen_conversation, see_conversation
from delivery.domain.inbound import InboundSms, receive_inbound
from delivery.domain.talking import answer_contact, last_reply
from delivery.domain.threads import count_open, list_conversations, thread_of
from delivery.models import Answer, Conversation, Gateway, InboundMessage, Message
from tenancy.ids import new_id
from tenancy.scope import tenant_scope
from tests.delivery.making import LA, NEW_YORK, Shop, make_contact, make_shop, message
from tests.support.carrier import NUMBER
from tests.support.world import World

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)


def hear(body: str, *, now: datetime, phone: str = LA) -> UUID:
    sms = InboundSms(sid=f"SM{new_id().hex}", from_phone=phone, to_phone=NUMBER, body=body)
    inbound = receive_inbound(Gateway.objects.get(), sms, now=now)
    assert inbound is not None
    return inbound


def answer(
    shop: Shop, contact: UUID, *, now: datetime, text: str = "Yes, two left.", **more: object
) -> Decision:
    given = {"token": str(uuid4()), "member": shop.brand.owner, **more}
    return answer_contact(contact, text=text, now=now, **given)  # type: ignore[arg-type]


def states() -> list[str]:
    return list(Conversation.objects.order_by("active_at").values_list("state", flat=True))


@pytest.mark.parametrize(
    "body", ["STOP", "HELP", "START", "please stop texting me", "wrong number"]
)
def test_keywords_open_no_conversation(shop: Shop, now: datetime, body: str) -> None:
    with tenant_scope(shop.tenant_id):
        make_contact(LA, now=now)
        hear(body, now=now)
        assert states() == []


def test_yes_to_our_own_question_opens_none_and_otherwise_does(shop: Shop, now: datetime) -> None:
    with tenant_scope(shop.tenant_id):
        hear("START", now=now)  # a stranger: we ask back
        hear("yes", now=now + MINUTE)
        assert states() == []
        hear("yes", now=now + 2 * MINUTE)
        assert states() == ["open"]


@pytest.mark.parametrize("body", ["Is it in stock?", "who is this"])
def test_anything_else_opens_one_and_it_waits_since_the_first(
    shop: Shop, now: datetime, body: str
) -> None:
    with tenant_scope(shop.tenant_id):
        contact = make_contact(LA, now=now)
        hear(body, now=now)
        hear("hello??", now=now + 5 * MINUTE)
        row = Conversation.objects.get()
        assert (row.contact_id, row.state, row.waiting_since) == (contact, "open", now)
        assert row.last_inbound_at == now + 5 * MINUTE
        assert count_open().open == count_open().unread == 1


def test_an_answer_goes_through_the_gate_and_names_who_gave_it(shop: Shop, now: datetime) -> None:
    with tenant_scope(shop.tenant_id):
        contact = make_contact(LA, now=now)
        inbound = hear("Is it in stock?", now=now)
        decision = answer(shop, contact, now=now + MINUTE)
        assert decision.status == "queued"
        row = message(decision.message_id)
        assert (row.message_type, row.source_kind) == ("conversational", "answer")
        assert row.in_reply_to == inbound
        given = Answer.objects.get()
        assert (given.member_name, given.message_id) == ("Olga Owner", row.id)
        held = Conversation.objects.get()
        assert (held.state, held.waiting_since, held.answered_by) == (
            "answered",
            None,
            "Olga Owner",
        )
        assert held.last_outbound_at == now + MINUTE
        heard, told = thread_of(contact)
        assert heard.body == "Is it in stock?"  # type: ignore[union-attr]
        assert told.member == "Olga Owner"  # type: ignore[union-attr]
        assert told.story.body.endswith("Yes, two left.")  # type: ignore[union-attr]


def test_one_form_sends_one_text(shop: Shop, now: datetime) -> None:
    token = str(uuid4())
    with tenant_scope(shop.tenant_id):
        contact = make_contact(LA, now=now)
        hear("Is it in stock?", now=now)
        first = answer(shop, contact, now=now, token=token)
        second = answer(shop, contact, now=now, token=token)
        assert (first.status, second.reason) == ("queued", "duplicate")
        assert Message.objects.count() == Answer.objects.count() == 1


def test_a_reply_the_member_had_not_seen_still_waits(shop: Shop, now: datetime) -> None:
    with tenant_scope(shop.tenant_id):
        contact = make_contact(LA, now=now)
        seen = hear("Is it in stock?", now=now)
        hear("And in blue?", now=now + MINUTE)
        answer(shop, contact, now=now + 2 * MINUTE, seen_id=seen)
        row = Conversation.objects.get()
        assert (row.state, row.waiting_since) == ("open", now + MINUTE)
        answer(shop, contact, now=now + 3 * MINUTE)
        assert states() == ["answered"]


def test_stop_closes_the_conversation_and_refuses_the_answer(shop: Shop, now: datetime) -> None:
    with tenant_scope(shop.tenant_id):
        contact = make_contact(LA, now=now)
        hear("Where is my order?", now=now)
        hear("STOP", now=now + MINUTE)
        assert states() == ["closed"]
        decision = answer(shop, contact, now=now + 2 * MINUTE)
        assert (decision.status, decision.reason) == ("skipped", "unsubscribed")
        assert states() == ["closed"]
        assert message(decision.message_id).status == "skipped"


def test_a_refused_answer_leaves_the_conversation_open(shop: Shop, now: datetime) -> None:
    with tenant_scope(shop.tenant_id):
        contact = make_contact(LA, now=now)
        hear("Where is my order?", now=now)
        shop.brand.tenant.__class__.objects.filter(id=shop.tenant_id).update(is_active=False)
        decision = answer(shop, contact, now=now)
        assert (decision.status, decision.reason) == ("skipped", "workspace_inactive")
        assert states() == ["open"]


def test_only_within_ten_minutes_an_answer_ignores_quiet_hours(shop: Shop, now: datetime) -> None:
    night = now.replace(hour=6)  # ten in the evening in Los Angeles
    with tenant_scope(shop.tenant_id):
        contact = make_contact(LA, now=night)
        hear("Is it in stock?", now=night)
        quick = answer(shop, contact, now=night + 10 * MINUTE)
        late = answer(shop, contact, now=night + 11 * MINUTE)
        assert quick.status == "queued"
        assert (late.status, late.reason) == ("scheduled", "quiet_hours")
        assert late.due_at is not None
        assert late.due_at > night + timedelta(hours=8)
        assert states() == ["answered"]


def test_who_asked_is_answered_without_an_opt_in_for_a_day(shop: Shop, now: datetime) -> None:
    with tenant_scope(shop.tenant_id):
        contact = make_contact(LA, now=now, subscribed=False)
        hear("Do you ship to Canada?", now=now - timedelta(hours=25))
        old = answer(shop, contact, now=now)
        assert (old.status, old.reason) == ("skipped", "never_subscribed")
        hear("Hello?", now=now)
        assert answer(shop, contact, now=now + timedelta(hours=1)).status == "queued"


@pytest.mark.parametrize(
    ("text", "code"), [("", "required"), (" \n\x00 ", "required"), ("x" * 1601, "too_long")]
)
def test_bad_answers_are_refused_and_change_nothing(
    shop: Shop, now: datetime, text: str, code: str
) -> None:
    with tenant_scope(shop.tenant_id):
        contact = make_contact(LA, now=now)
        hear("Is it in stock?", now=now)
        with pytest.raises(Invalid) as caught:
            answer(shop, contact, now=now, text=text)
        assert [(e.field, e.code) for e in caught.value.errors] == [("body", code)]
        with pytest.raises(Invalid):
            answer(shop, contact, now=now, token="made-up")
        assert not Message.objects.exists()
        assert states() == ["open"]


def test_nobody_is_answered_who_never_wrote(shop: Shop, now: datetime) -> None:
    with tenant_scope(shop.tenant_id):
        contact = make_contact(LA, now=now)
        with pytest.raises(Invalid) as caught:
            answer(shop, contact, now=now)
        assert caught.value.errors[0].code == "nothing_to_answer"


def test_a_closed_one_opens_again_with_the_next_reply(shop: Shop, now: datetime) -> None:
    with tenant_scope(shop.tenant_id):
        contact = make_contact(LA, now=now)
        hear("Thanks!", now=now)
        assert close_conversation(contact, now=now + MINUTE)
        assert states() == ["closed"]
        assert reopen_conversation(contact, now=now + MINUTE)
        assert Conversation.objects.get().waiting_since == now
        close_conversation(contact, now=now + 2 * MINUTE)
        hear("One more thing", now=now + 3 * MINUTE)
        row = Conversation.objects.get()
        assert (row.state, row.waiting_since) == ("open", now + 3 * MINUTE)


def test_the_list_puts_the_longest_wait_first_and_pages(shop: Shop, now: datetime) -> None:
    with tenant_scope(shop.tenant_id):
        first, second = make_contact(LA, now=now), make_contact(NEW_YORK, now=now)
        hear("one", now=now, phone=NEW_YORK)
        hear("two", now=now + MINUTE)
        hear("one again", now=now + 2 * MINUTE, phone=NEW_YORK)
        page, after = list_conversations("open", limit=1)
        assert [(line.contact_id, line.words) for line in page] == [(second, "one again")]
        page, after = list_conversations("open", after=after, limit=1)
        assert ([line.contact_id for line in page], after) == ([first], None)
        see_conversation(first, now=now + 3 * MINUTE)
        assert (count_open().open, count_open().unread) == (2, 1)
        answer(shop, second, now=now + 4 * MINUTE)
        assert [line.contact_id for line in list_conversations("")[0]] == [second, first]
        assert [line.answered_by for line in list_conversations("answered")[0]] == ["Olga Owner"]


def test_another_workspace_sees_nothing_of_it(world: World, now: datetime) -> None:
    shop, other = make_shop(world.shop, now=now), make_shop(world.other, now=now)
    for one in (shop, other):
        with tenant_scope(one.tenant_id):
            make_contact(LA, now=now)
    with tenant_scope(shop.tenant_id):
        hear("Is it in stock?", now=now)
    with tenant_scope(other.tenant_id):
        assert count_open().open == 0
        assert not InboundMessage.objects.exists()
        contact = make_contact(LA, now=now, subscribed=False)
        assert last_reply(contact) is None
