"""Decide: one transaction, ordered checks, a row for every intent."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from consent.domain.opt_outs import OptOut, record_opt_outs
from consent.models import CapSlot
from delivery.core.intents import CHECK_NAMES
from delivery.domain import sources
from delivery.domain.deciding import decide, redecide_due
from delivery.models import Message, MessageContent, TrackedLink
from events.models import Event
from tenancy.ids import new_id
from tenancy.scope import tenant_scope
from tests.delivery.making import (
    LA,
    NEW_YORK,
    Shop,
    intent,
    make_contact,
    make_shop,
    message,
    numbers,
    subscribe,
)
from tests.support.world import World

pytestmark = pytest.mark.django_db
NIGHT = datetime(2026, 11, 17, 8, 0, tzinfo=UTC)  # midnight in Los Angeles


def test_a_text_that_may_go_is_queued_with_words_and_evidence(shop: Shop, now: datetime) -> None:
    with tenant_scope(shop.tenant_id):
        contact = make_contact(LA, now=now)
        made = decide([intent(contact, shop.version_id)], now=now)[0]
        row = message(made.message_id)
        content = MessageContent.objects.get(id=made.message_id)
        link = TrackedLink.objects.get(message_id=made.message_id)
        slot = CapSlot.objects.get(message_id=made.message_id)
    assert (made.status, made.reason) == ("queued", "")
    assert made.text.startswith("Juniper & Oak: Hi there, your cart is waiting: http")
    assert made.text.endswith("Reply STOP to opt out")
    assert f"/t/{link.token}" in made.text
    assert content.body == made.text
    assert [check.name for check in made.checks] == list(CHECK_NAMES)
    assert all(check.ok and check.text for check in made.checks)
    assert [check["name"] for check in content.checks] == list(CHECK_NAMES)
    assert (row.status, row.num_segments, row.sender_id) == ("queued", 1, shop.sender.id)
    assert slot.state == "reserved"
    clock = next(check for check in made.checks if check.name == "quiet_hours")
    assert clock.detail["local_times"] == {"America/Los_Angeles": "2026-11-17 10:00"}


def test_a_dry_run_says_the_same_and_writes_nothing(shop: Shop, now: datetime) -> None:
    with tenant_scope(shop.tenant_id):
        contact = make_contact(LA, now=now)
        made = decide([intent(contact, shop.version_id)], now=now, dry_run=True)[0]
        assert made.status == "queued"
        assert made.text
        assert not Message.objects.exists()
        assert not TrackedLink.objects.exists()
        assert not CapSlot.objects.exists()


def test_the_same_key_makes_one_message(shop: Shop, now: datetime) -> None:
    with tenant_scope(shop.tenant_id):
        contact = make_contact(LA, now=now)
        wish = intent(contact, shop.plain_id)
        first, twin = decide([wish, wish], now=now)
        again = decide([wish], now=now)[0]
        assert Message.objects.count() == 1
    assert first.reason == ""
    assert (twin.reason, twin.message_id) == ("duplicate", first.message_id)
    assert (again.reason, again.message_id, again.status) == (
        "duplicate",
        first.message_id,
        "queued",
    )


def test_without_consent_nothing_goes_and_the_timeline_says_so(shop: Shop, now: datetime) -> None:
    with tenant_scope(shop.tenant_id):
        contact = make_contact(LA, now=now, subscribed=False)
        made = decide([intent(contact, shop.plain_id)], now=now)[0]
        told = Event.objects.get(name="SMS Skipped")
    assert (made.status, made.reason) == ("skipped", "never_subscribed")
    assert [check.name for check in made.checks] == ["workspace", "contact", "consent"]
    assert told.properties["reason"] == "never_subscribed"
    assert told.contact_id == contact


def test_after_a_stop_the_reason_is_unsubscribed(shop: Shop, now: datetime) -> None:
    with tenant_scope(shop.tenant_id):
        contact = make_contact(LA, now=now)
        record_opt_outs([OptOut(LA, contact, "keyword", {"body": "STOP"}, now)], now=now)
        for kind in ("marketing", "transactional", "conversational"):
            made = decide([intent(contact, None, message_type=kind, body="x")], now=now)[0]
            assert (made.status, made.reason) == ("skipped", "unsubscribed"), kind
        answer = intent(contact, None, message_type="compliance", body="You are out.")
        assert decide([answer], now=now)[0].status == "queued"


def test_at_night_it_waits_for_the_window_and_is_decided_anew(shop: Shop, now: datetime) -> None:
    with tenant_scope(shop.tenant_id):
        contact = make_contact(LA, now=NIGHT)
        made = decide([intent(contact, shop.plain_id)], now=NIGHT)[0]
        assert (made.status, made.reason) == ("scheduled", "quiet_hours")
        assert made.due_at is not None
        opens = datetime(2026, 11, 17, 17, 0, tzinfo=UTC)
        assert opens <= made.due_at < opens + timedelta(minutes=20)
        assert not CapSlot.objects.exists()
    assert redecide_due(shop.tenant_id, now=made.due_at - timedelta(seconds=1)) == 0
    assert redecide_due(shop.tenant_id, now=made.due_at) == 1
    with tenant_scope(shop.tenant_id):
        assert message(made.message_id).status == "queued"
        assert CapSlot.objects.count() == 1


def test_what_would_wait_too_long_expires(shop: Shop, now: datetime) -> None:
    with tenant_scope(shop.tenant_id):
        contact = make_contact(LA, now=NIGHT)
        short = intent(contact, shop.plain_id, ttl=timedelta(hours=2))
        skip = intent(contact, shop.plain_id, window="skip")
        assert [d.reason for d in decide([short, skip], now=NIGHT)] == ["expired", "quiet_hours"]
        # The window opens in nine hours: jitter must not cost a text its last minutes.
        tight = intent(contact, shop.plain_id, ttl=timedelta(hours=9, seconds=1))
        made = decide([tight], now=NIGHT)[0]
        assert (made.status, made.due_at) == ("scheduled", NIGHT + timedelta(hours=9))


def test_the_last_two_minutes_of_a_window_are_closed(shop: Shop) -> None:
    end = datetime(2026, 11, 18, 4, 0, tzinfo=UTC)  # 20:00 in Los Angeles
    with tenant_scope(shop.tenant_id):
        contact = make_contact(LA, now=end - timedelta(hours=1))
        before = decide([intent(contact, shop.plain_id)], now=end - timedelta(seconds=120))[0]
        after = decide([intent(contact, shop.plain_id)], now=end - timedelta(seconds=119))[0]
    assert before.status == "queued"
    assert (after.status, after.reason) == ("scheduled", "quiet_hours")


def test_a_higher_priority_of_the_same_set_takes_the_slot(shop: Shop, now: datetime) -> None:
    with tenant_scope(shop.tenant_id):
        contact = make_contact(LA, now=now)
        low = intent(contact, shop.plain_id, source_key="flow-a", priority=50)
        high = intent(contact, shop.plain_id, source_key="flow-b", priority=80)
        made = decide([low, high], now=now)
    assert [(d.status, d.reason) for d in made] == [("skipped", "frequency_cap"), ("queued", "")]


def test_a_waiting_more_important_text_holds_its_slot(shop: Shop, now: datetime) -> None:
    with tenant_scope(shop.tenant_id):
        contact = make_contact(LA, now=now)
        almost = datetime(2026, 11, 17, 16, 30, tzinfo=UTC)  # 08:30, the window opens at 9
        high = intent(contact, shop.plain_id, source_key="flow-b", priority=80)
        held = decide([high], now=almost)[0]
        assert held.status == "scheduled"
        low = intent(contact, shop.plain_id, source_key="flow-a", priority=50, on_cap="wait")
        opens = datetime(2026, 11, 17, 17, 0, tzinfo=UTC)
        made = decide([low], now=opens)[0]
    assert made.reason == "higher_priority"


def test_at_a_cap_a_text_may_wait(shop: Shop, now: datetime) -> None:
    with tenant_scope(shop.tenant_id):
        contact = make_contact(LA, now=now)
        decide([intent(contact, shop.plain_id, source_key="flow-a")], now=now)
        made = decide(
            [intent(contact, shop.plain_id, source_key="flow-b", on_cap="wait")], now=now
        )[0]
    assert (made.status, made.reason) == ("scheduled", "frequency_cap")
    assert made.due_at == now + timedelta(hours=12)


def test_the_opt_out_line_comes_first_and_again_after_a_month(shop: Shop, now: datetime) -> None:
    from consent.domain.contact_points import record_stop_notices

    with tenant_scope(shop.tenant_id):
        contact = make_contact(LA, now=now)
        first = decide([intent(contact, shop.plain_id)], now=now, dry_run=True)[0]
        record_stop_notices([LA], at=now)
        soon = now + timedelta(days=29)
        second = decide([intent(contact, shop.plain_id)], now=soon, dry_run=True)[0]
        later = now + timedelta(days=31)
        third = decide([intent(contact, shop.plain_id)], now=later, dry_run=True)[0]
    assert "STOP" in first.text
    assert "STOP" not in second.text
    assert "STOP" in third.text


def test_the_type_stands_on_the_template(shop: Shop, now: datetime) -> None:
    with tenant_scope(shop.tenant_id):
        contact = make_contact(LA, now=now, subscribed=False)
        wish = intent(contact, shop.plain_id, message_type="compliance")
        assert decide([wish], now=now)[0].reason == "never_subscribed"


def test_an_unknown_template_and_contact_are_explained(shop: Shop, now: datetime) -> None:
    with tenant_scope(shop.tenant_id):
        contact = make_contact(LA, now=now)
        made = decide([intent(contact, new_id()), intent(new_id(), shop.plain_id)], now=now)
        assert Message.objects.count() == 2
    assert [(d.status, d.reason) for d in made] == [
        ("skipped", "render_failed"),
        ("skipped", "contact_missing"),
    ]


def test_a_source_that_ended_stops_its_text(
    shop: Shop, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended = {"live": True}

    def load(intents, *, now):  # type: ignore[no-untyped-def]
        state = sources.SourceState(live=ended["live"], reason="exited", detail={"why": "ordered"})
        return {one.dedupe_key: state for one in intents}

    monkeypatch.setitem(sources._LOADERS, "system", load)
    with tenant_scope(shop.tenant_id):
        contact = make_contact(LA, now=NIGHT)
        made = decide([intent(contact, shop.plain_id)], now=NIGHT)[0]
        assert made.status == "scheduled"
    ended["live"] = False
    assert made.due_at is not None
    redecide_due(shop.tenant_id, now=made.due_at)
    with tenant_scope(shop.tenant_id):
        row = message(made.message_id)
        content = MessageContent.objects.get(id=made.message_id)
    assert (row.status, row.reason) == ("skipped", "exited")
    assert content.checks[-1]["detail"] == {"why": "ordered"}


def test_a_busy_sender_is_not_overrun(world: World, now: datetime) -> None:
    shop = make_shop(world.shop, now=now, rate=0.05)  # three parts a minute
    with tenant_scope(shop.tenant_id):
        contacts = [make_contact(phone, now=now) for phone in numbers(5)]
        made = decide([intent(c, shop.plain_id) for c in contacts], now=now)
        assert sorted(d.reason for d in made) == ["", "", "", "sender_busy", "sender_busy"]
        assert sum(d.status == "scheduled" for d in made) == 2
    # Still no room: waiting texts are left alone instead of being turned over and over.
    assert redecide_due(shop.tenant_id, now=now + timedelta(hours=1)) == 0


def test_a_changed_number_ends_what_waits_for_the_old_one(shop: Shop, now: datetime) -> None:
    from people.models import Contact

    with tenant_scope(shop.tenant_id):
        contact = make_contact(LA, now=NIGHT)
        made = decide([intent(contact, shop.plain_id)], now=NIGHT)[0]
        Contact.objects.filter(id=contact).update(phone="+13105550199")
        subscribe("+13105550199", contact, now=NIGHT)
    assert made.due_at is not None
    redecide_due(shop.tenant_id, now=made.due_at)
    with tenant_scope(shop.tenant_id):
        assert message(made.message_id).reason == "number_changed"


def test_a_replys_answer_is_free_of_the_night_for_ten_minutes(shop: Shop, now: datetime) -> None:
    from delivery.domain.replies import reply_intent
    from delivery.models import InboundMessage

    with tenant_scope(shop.tenant_id):
        contact = make_contact(LA, now=NIGHT, subscribed=False)
        heard = InboundMessage.objects.create(
            gateway=shop.gateway, sid="SM1", contact_id=contact, from_phone=LA,
            to_phone="+12025550100", body="size", received_at=NIGHT,
        )  # fmt: skip
        answer = reply_intent(heard.id, contact_id=contact, template_version_id=shop.reply_id)
        soon = decide([answer], now=NIGHT + timedelta(minutes=10), dry_run=True)[0]
        late = replace(answer, ttl=timedelta(hours=1))
        later = decide([late], now=NIGHT + timedelta(minutes=11), dry_run=True)[0]
    assert soon.status == "queued"
    assert (later.status, later.reason) == ("skipped", "never_subscribed")


def test_links_of_two_workspaces_never_meet(world: World, now: datetime) -> None:
    """A token that is taken, by whomever, makes way for another one."""
    from delivery.domain import writing

    fixed = iter(["AAAAAAAA", "AAAAAAAA", "BBBBBBBB"])
    shop, other = make_shop(world.shop, now=now), make_shop(world.other, now=now)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(writing, "link_token", lambda *args: next(fixed))
        with tenant_scope(shop.tenant_id):
            decide([intent(make_contact(LA, now=now), shop.version_id)], now=now)
        with tenant_scope(other.tenant_id):
            made = decide([intent(make_contact(LA, now=now), other.version_id)], now=now)[0]
            assert TrackedLink.objects.get(message_id=made.message_id).token == "BBBBBBBB"
            assert "/t/BBBBBBBB" in MessageContent.objects.get(id=made.message_id).body
            assert Message.objects.count() == 1


@pytest.mark.parametrize("dry_run", [True, False])
def test_queries_do_not_grow_with_the_set(shop: Shop, now: datetime, dry_run: bool) -> None:
    with tenant_scope(shop.tenant_id):
        contacts = [make_contact(phone, now=now) for phone in numbers(41)]
        decide([intent(contacts[0], shop.version_id)], now=now)  # warms what is kept per process
        counts = []
        for part in (contacts[1:3], contacts[3:41]):
            wishes = [intent(c, shop.version_id) for c in part]
            with CaptureQueriesContext(
                connection,
            ) as queries:
                decide(wishes, now=now, dry_run=dry_run)
            counts.append(len(queries))
    assert counts[0] == counts[1]
    assert counts[0] <= 45


def test_new_york_and_los_angeles_have_their_own_mornings(shop: Shop) -> None:
    moment = datetime(2026, 11, 17, 14, 30, tzinfo=UTC)  # 9:30 in New York, 6:30 in Los Angeles
    with tenant_scope(shop.tenant_id):
        contacts = [make_contact(phone, now=moment) for phone in (NEW_YORK, LA)]
        made = decide([intent(c, shop.plain_id) for c in contacts], now=moment)
    assert [d.status for d in made] == ["queued", "scheduled"]


def test_every_message_type_meets_every_check(shop: Shop, now: datetime) -> None:
    """subscribed? suppressed? night? cap? by message type."""
    from consent.domain.suppressions import NewSuppression, suppress

    expected = {
        "marketing": ("never_subscribed", "suppressed", "quiet_hours", "frequency_cap"),
        "transactional": ("never_subscribed", "suppressed", "quiet_hours", ""),
        "compliance": ("", "", "", ""),
    }
    people = iter(numbers(40))
    for kind, (without, dead, night, capped) in expected.items():
        with tenant_scope(shop.tenant_id):

            def say(contact: UUID, at: datetime = now, kind: str = kind) -> str:
                wish = intent(contact, None, message_type=kind, body="x", source_key=str(new_id()))
                return decide([wish], now=at)[0].reason

            assert say(make_contact(next(people), now=now, subscribed=False)) == without
            phone = next(people)
            contact = make_contact(phone, now=now)
            suppress([NewSuppression(phone, "landline", now)], now=now)
            assert say(contact) == dead
            assert say(make_contact(next(people), now=NIGHT), NIGHT) == night
            contact = make_contact(next(people), now=now)
            assert say(contact) == ""
            assert say(contact) == capped


def test_a_flow_text_nobody_answers_for_does_not_go(
    shop: Shop, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sources, "_LOADERS", {})
    with tenant_scope(shop.tenant_id):
        contact = make_contact(LA, now=now)
        made = decide([intent(contact, shop.plain_id, source_kind="flow")], now=now)[0]
    assert made.reason == "exited"


def test_an_order_calls_for_its_own_texts(shop: Shop, now: datetime) -> None:
    with tenant_scope(shop.tenant_id):
        contact = make_contact(LA, now=now, subscribed=False)
        ordered = {"event": {"order_id": "R1001"}}
        made = decide(
            [
                intent(contact, None, message_type="transactional", body="x", context=ordered),
                intent(contact, None, message_type="transactional", body="x"),
                intent(contact, None, message_type="marketing", body="x", context=ordered),
            ],
            now=now,
        )
    assert [d.reason for d in made] == ["", "never_subscribed", "never_subscribed"]
