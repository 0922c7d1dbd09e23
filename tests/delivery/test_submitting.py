"""Submit: the real SDK against the carrier simulator, one POST per text, every answer written."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from consent.models import CapSlot, Consent, Suppression
from delivery.domain import sources
from delivery.domain.canceling import cancel_messages
from delivery.domain.claiming import claim_queued
from delivery.domain.deciding import decide, redecide_due
from delivery.domain.gateways import pause_sender, resume_sender
from delivery.domain.submitting import submit_queued, validity_seconds
from delivery.gateways.base import OutboundSms, SendReceipt
from delivery.models import Gateway, Message, MessageContent, SendAttempt, Sender
from events.models import Event
from people.core.lines import line_source
from people.models import Contact
from tenancy.clock import wall_now
from tenancy.scope import tenant_scope
from tests.delivery.making import LA, Shop, intent, make_contact, make_shop, message, numbers
from tests.support.carrier import NUMBER, CarrierProcess
from tests.support.world import World

pytestmark = pytest.mark.django_db


def queue(shop: Shop, now: datetime, *phones: str, version: UUID | None = None) -> list[UUID]:
    with tenant_scope(shop.tenant_id):
        contacts = [make_contact(phone, now=now) for phone in phones]
        made = decide([intent(c, version or shop.plain_id) for c in contacts], now=now)
        assert {d.status for d in made} == {"queued"}
        return [d.message_id for d in made]


def submit(shop: Shop, now: datetime) -> int:
    return submit_queued(shop.tenant_id, now=now, wall=wall_now())


def row(shop: Shop, message_id: UUID) -> Message:
    with tenant_scope(shop.tenant_id):
        return message(message_id)


def test_a_text_leaves_once_and_is_told(shop: Shop, line: CarrierProcess, now: datetime) -> None:
    (key,) = queue(shop, now, LA, version=shop.version_id)
    assert submit(shop, now) == 1
    assert submit(shop, now) == 0
    (sent,) = line.messages(to=LA)
    with tenant_scope(shop.tenant_id):
        held = message(key)
        attempt = SendAttempt.objects.get(message_id=key)
        body = MessageContent.objects.get(id=key).body
        told = Event.objects.get(name="SMS Sent")
        slot = CapSlot.objects.get(message_id=key)
        from consent.models import ContactPoint

        assert ContactPoint.objects.get().last_stop_notice_at is not None
    assert (held.status, held.sid, held.attempt_id) == ("sent", sent["sid"], attempt.id)
    assert held.sent_at is not None
    assert sent["body"] == body
    assert (attempt.state, attempt.sid, attempt.next_check_at) == ("accepted", sent["sid"], None)
    assert told.properties["message_id"] == str(key)
    assert told.properties["template"] == "cart-1"
    assert (told.properties["num_segments"], told.properties["link_count"]) == (1, 1)
    assert slot.state == "counted"


def test_the_gateway_is_told_to_drop_what_the_window_would_not_allow(
    shop: Shop, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[OutboundSms] = []

    class Recorder:
        def submit(self, sms: OutboundSms) -> SendReceipt:
            asked.append(sms)
            return SendReceipt("accepted", sid="SM" + "1" * 32, status="queued", num_segments=1)

    monkeypatch.setattr("delivery.domain.submitting.gateway_for", lambda row: Recorder())
    evening = datetime(2026, 11, 18, 3, 50, tzinfo=UTC)  # 19:50, the window ends at 20:00
    queue(shop, evening, LA)
    submit(shop, evening)
    (sms,) = asked
    assert sms.validity_period is not None
    assert 530 <= sms.validity_period <= 540
    assert (sms.to, sms.from_number, sms.messaging_service_sid) == (LA, NUMBER, None)
    assert f"/{shop.gateway.id}/status/{sms.attempt_id}#" in sms.status_callback
    assert validity_seconds(None, evening) is None
    assert validity_seconds(evening + timedelta(hours=40), evening) == 36_000


def test_what_changed_since_the_decision_stops_the_text(
    shop: Shop, line: CarrierProcess, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    from consent.domain.opt_outs import OptOut, record_opt_outs
    from tenancy.models import Tenant

    live = {"on": True}

    def load(intents, *, now):  # type: ignore[no-untyped-def]
        state = sources.SourceState(live=live["on"], reason="exited")
        return {one.dedupe_key: state for one in intents}

    monkeypatch.setitem(sources._LOADERS, "system", load)
    stopped, left = queue(shop, now, *numbers(2))
    with tenant_scope(shop.tenant_id):
        # The STOP without its canceling: the claim finds it by itself.
        record_opt_outs([OptOut(numbers(1)[0], None, "web_form", {}, now)], now=now)
    live["on"] = True
    with tenant_scope(shop.tenant_id):
        Tenant.objects.filter(id=shop.tenant_id).update(is_active=True)
    assert submit(shop, now) == 2
    assert (row(shop, stopped).status, row(shop, stopped).reason) == ("canceled", "unsubscribed")
    assert row(shop, left).status == "sent"
    (gone,) = queue(shop, now, "+13105550188")
    live["on"] = False
    submit(shop, now)
    assert (row(shop, gone).status, row(shop, gone).reason) == ("canceled", "exited")
    with tenant_scope(shop.tenant_id):
        checks = MessageContent.objects.get(id=gone).checks
        told = Event.objects.filter(name="SMS Failed").order_by("id")
        assert [one.properties["reason"] for one in told] == ["unsubscribed", "exited"]
        assert not CapSlot.objects.get(message_id=gone).counts_brand
    assert checks[-1]["name"] == "flow"
    assert checks[-1]["ok"] is False
    assert len(line.messages()) == 1


def test_a_window_that_closed_meanwhile_sends_it_back_to_wait(
    shop: Shop, line: CarrierProcess, now: datetime
) -> None:
    evening = datetime(2026, 11, 18, 3, 55, tzinfo=UTC)
    (key,) = queue(shop, evening, LA)
    assert submit(shop, evening + timedelta(minutes=4)) == 1
    held = row(shop, key)
    assert (held.status, held.reason) == ("scheduled", "quiet_hours")
    assert line.messages() == []
    assert held.due_at is not None
    assert redecide_due(shop.tenant_id, now=held.due_at) == 1
    submit(shop, held.due_at)
    assert row(shop, key).status == "sent"
    with tenant_scope(shop.tenant_id):
        assert CapSlot.objects.get(message_id=key).state == "counted"


def test_the_rate_of_a_sender_is_kept_in_parts_per_second(
    world: World, line: CarrierProcess, now: datetime
) -> None:
    shop = make_shop(world.shop, now=now, rate=2.0)
    queue(shop, now, *numbers(5))
    start = wall_now()
    with tenant_scope(shop.tenant_id):
        assert len(claim_queued(16, now=now, wall=start).texts) == 2
        assert claim_queued(16, now=now, wall=start + timedelta(milliseconds=400)).texts == []
        assert len(claim_queued(16, now=now, wall=start + timedelta(milliseconds=500)).texts) == 1
        assert len(claim_queued(16, now=now, wall=start + timedelta(seconds=9)).texts) == 2
        assert Sender.objects.get().next_free_at == start + timedelta(seconds=10)


def test_a_text_longer_than_a_second_goes_alone(
    world: World, line: CarrierProcess, now: datetime
) -> None:
    shop = make_shop(world.shop, now=now, rate=1.0)
    with tenant_scope(shop.tenant_id):
        from templates_engine.domain.templates import save_and_approve

        long = save_and_approve("long", body="word " * 60, now=now).id
    queue(shop, now, LA, version=long)
    start = wall_now()
    with tenant_scope(shop.tenant_id):
        assert len(claim_queued(16, now=now, wall=start).texts) == 1
        assert Sender.objects.get().next_free_at == start + timedelta(seconds=3)


@pytest.mark.parametrize(
    ("code", "status", "reason"),
    [
        (21610, "failed", "opted_out_at_carrier"),
        (21211, "failed", "number_unusable"),
        (21614, "failed", "number_unusable"),
        (21617, "failed", "content_refused"),
        (99999, "failed", "gateway_refused"),
        (21606, "queued", ""),
        (20003, "queued", ""),
        (21611, "queued", ""),
        (21408, "failed", "country_off"),
    ],
)
def test_each_refusal_has_its_consequence(
    shop: Shop, line: CarrierProcess, now: datetime, code: int, status: str, reason: str
) -> None:
    (key,) = queue(shop, now, LA)
    with tenant_scope(shop.tenant_id):
        contact = message(key).contact_id
        assert contact is not None
        later = decide(
            [intent(contact, None, message_type="transactional", body="Your order")],
            now=datetime(2026, 11, 17, 8, 0, tzinfo=UTC),
        )[0]
        assert later.status == "scheduled"
    line.rules({"do": "error", "to": LA, "status": 400, "code": code, "times": 1})
    submit_once(shop, now)
    held = row(shop, key)
    assert (held.status, held.reason) == (status, reason)
    with tenant_scope(shop.tenant_id):
        attempt = SendAttempt.objects.get(message_id=key)
        sender, gateway = Sender.objects.get(), Gateway.objects.get()
        waiting = message(later.message_id)
        slot = CapSlot.objects.get(message_id=key)
        opted_out = Consent.objects.filter(status="unsubscribed").exists()
        suppressed = list(Suppression.objects.values_list("reason", flat=True))
        [(line_type, told)] = Contact.objects.filter(id=contact).values_list("phone_type", "told")
    assert attempt.error_code == code
    if code == 21610:
        assert opted_out
        assert (waiting.status, waiting.reason) == ("canceled", "unsubscribed")
    elif code in {21211, 21614}:
        assert suppressed == ["landline" if code == 21614 else "invalid"]
        assert (line_type == "fixed_line") is (code == 21614)
        assert line_source(told) == ("carrier" if code == 21614 else "numbering_plan")
        assert (waiting.status, waiting.reason) == ("canceled", "suppressed")
    else:
        assert waiting.status == "scheduled"
    if status == "failed":
        assert (slot.counts_brand, slot.counts_legal) == (False, False)
    assert (sender.state, sender.paused_reason) == {
        21606: ("paused", "sender_config"),
        21611: ("paused", "backpressure"),
    }.get(code, ("active", ""))
    assert gateway.stopped_reason == ("credential" if code == 20003 else "")
    assert gateway.blocked_regions == (["US"] if code == 21408 else [])


def submit_once(shop: Shop, now: datetime) -> None:
    from delivery.domain.submitting import _submit_once

    _submit_once(shop.tenant_id, now=now, wall=wall_now())


def test_a_paused_sender_holds_texts_until_someone_resumes_it(
    shop: Shop, line: CarrierProcess, now: datetime
) -> None:
    (key,) = queue(shop, now, LA)
    with tenant_scope(shop.tenant_id):
        pause_sender(shop.sender.id, now=now)
    submit(shop, now)
    held = row(shop, key)
    assert (held.status, held.reason) == ("scheduled", "sender_paused")
    with tenant_scope(shop.tenant_id):
        resume_sender(shop.sender.id, now=now)
    assert held.due_at is not None
    redecide_due(shop.tenant_id, now=held.due_at)
    submit(shop, held.due_at)
    assert row(shop, key).status == "sent"


def test_too_many_requests_is_no_failure(shop: Shop, line: CarrierProcess, now: datetime) -> None:
    (key,) = queue(shop, now, LA)
    line.rules({"do": "throttle", "to": LA, "retry_after": 3, "times": 1})
    before = wall_now()
    submit_once(shop, now)
    held = row(shop, key)
    assert (held.status, held.attempt_id) == ("queued", None)
    with tenant_scope(shop.tenant_id):
        sender = Sender.objects.get()
        assert SendAttempt.objects.get().state == "throttled"
    assert sender.next_free_at is not None
    assert sender.next_free_at >= before + timedelta(seconds=3)
    submit_queued(shop.tenant_id, now=now, wall=wall_now() + timedelta(seconds=4))
    assert row(shop, key).status == "sent"
    assert len(line.messages(to=LA)) == 1


def test_a_gateway_out_of_reach_is_tried_again_ever_slower(
    shop: Shop, now: datetime, settings: object
) -> None:
    settings.KAIROS_TWILIO_BASE_URL = "http://127.0.0.1:9"  # type: ignore[attr-defined]
    (key,) = queue(shop, now, LA)
    waits = []
    wall = wall_now()
    for _ in range(4):
        from delivery.domain.submitting import _submit_once

        _submit_once(shop.tenant_id, now=now, wall=wall)
        assert row(shop, key).status == "queued"
        with tenant_scope(shop.tenant_id):
            free = Sender.objects.get().next_free_at
        assert free is not None
        waits.append((free - wall).total_seconds())
        wall = free + timedelta(seconds=1)
    assert waits[-1] > waits[0]
    assert max(waits) <= 31


def test_nothing_of_another_workspace_is_touched(
    world: World, line: CarrierProcess, now: datetime
) -> None:
    shop, other = make_shop(world.shop, now=now), make_shop(world.other, now=now)
    (mine,) = queue(shop, now, LA)
    (theirs,) = queue(other, now, LA)
    assert submit(shop, now) == 1
    assert row(other, theirs).status == "queued"
    with tenant_scope(shop.tenant_id):
        assert cancel_messages(message_ids=[theirs], phones=[LA], reason="canceled", now=now) == 0
    assert row(other, theirs).status == "queued"
    assert row(shop, mine).status == "sent"


def test_queries_of_a_claim_do_not_grow_with_it(
    shop: Shop, line: CarrierProcess, now: datetime
) -> None:
    queue(shop, now, *numbers(15))
    counts = []
    for size in (2, 12):
        with CaptureQueriesContext(connection) as queries, tenant_scope(shop.tenant_id):
            assert len(claim_queued(size, now=now, wall=wall_now()).texts) == size
        counts.append(len(queries))
    assert counts[0] == counts[1]
    assert counts[0] <= 30


def test_a_broken_text_does_not_stop_those_behind_it(
    shop: Shop, line: CarrierProcess, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = queue(shop, now, *numbers(4))
    with tenant_scope(shop.tenant_id):
        broken = str(message(keys[1]).contact_id)

    def load(intents, *, now):  # type: ignore[no-untyped-def]
        if any(str(one.contact_id) == broken for one in intents):
            raise ValueError("a rule nobody can read")
        return {one.dedupe_key: sources.SourceState() for one in intents}

    monkeypatch.setitem(sources._LOADERS, "system", load)
    for _ in range(3):
        submit(shop, now)
    assert [row(shop, key).status for key in keys] == ["sent", "canceled", "sent", "sent"]
    assert row(shop, keys[1]).reason == "render_failed"
