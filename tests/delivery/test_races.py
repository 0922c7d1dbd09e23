"""Races, with real commits: whatever committed first, wins; a cap is never exceeded."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any
from uuid import UUID

import pytest
from django.db import connection

from consent.domain.settings import set_frequency_cap
from consent.models import CapSlot
from delivery.domain.callbacks import apply_callbacks
from delivery.domain.claiming import claim_queued
from delivery.domain.deciding import decide, redecide_due
from delivery.domain.inbound import InboundSms, receive_inbound
from delivery.domain.submitting import _submit_once, submit_queued
from delivery.gateways.base import OutboundSms, SendReceipt
from delivery.models import Message, SendAttempt
from events.models import Event
from tenancy.clock import wall_now
from tenancy.ids import new_id
from tenancy.scope import tenant_scope
from tests.delivery.hooks import tell_status
from tests.delivery.making import LA, Shop, intent, make_contact, numbers

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]


def at_once(jobs: Sequence[Callable[[], object]], threads: int = 10) -> list[object]:
    """Runs the jobs on so many threads, each with a connection of its own."""
    barrier = threading.Barrier(min(threads, len(jobs)))
    waited = threading.local()

    def run(job: Callable[[], object]) -> object:
        if not getattr(waited, "yes", False):
            waited.yes = True
            barrier.wait(60)
        try:
            return job()
        finally:
            connection.close()

    with ThreadPoolExecutor(min(threads, len(jobs))) as pool:
        return [future.result(60) for future in [pool.submit(run, job) for job in jobs]]


def test_fifty_decisions_for_one_contact_with_cap_one_send_once(
    committed_shop: Shop, now: datetime
) -> None:
    shop = committed_shop
    with tenant_scope(shop.tenant_id):
        contact = make_contact(LA, now=now)
        set_frequency_cap(limits=[{"seconds": 86400, "max": 1}], min_gap_seconds=0, now=now)

    def one() -> str:
        with tenant_scope(shop.tenant_id):
            wish = intent(contact, shop.plain_id, source_key=str(new_id()))
            return decide([wish], now=now)[0].status

    results = at_once([one] * 50)
    assert set(results) == {"queued", "skipped"}
    assert results.count("queued") == 1
    with tenant_scope(shop.tenant_id):
        assert Message.objects.count() == 50
        assert CapSlot.objects.count() == 1
        reasons = set(Message.objects.filter(status="skipped").values_list("reason", flat=True))
    assert reasons == {"frequency_cap"}


def test_the_same_intent_from_many_workers_is_one_message(
    committed_shop: Shop, now: datetime
) -> None:
    shop = committed_shop
    with tenant_scope(shop.tenant_id):
        contacts = [make_contact(phone, now=now) for phone in numbers(10)]
    wishes = [intent(c, shop.plain_id, dedupe_key=f"run:{c.hex}") for c in contacts]

    def all_shuffled() -> None:
        mine = list(wishes)
        random.shuffle(mine)
        with tenant_scope(shop.tenant_id):
            decide(mine, now=now)

    at_once([all_shuffled] * 8, threads=8)
    with tenant_scope(shop.tenant_id):
        assert Message.objects.count() == 10
        assert set(Message.objects.values_list("status", flat=True)) == {"queued"}


def test_stop_against_a_queued_text_two_hundred_times(
    committed_shop: Shop, now: datetime, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    """Each time the text is either canceled and never POSTed, or was claimed before the STOP."""
    shop = committed_shop
    posted: set[UUID] = set()

    class Recorder:
        def submit(self, sms: OutboundSms) -> SendReceipt:
            posted.add(sms.attempt_id)
            return SendReceipt("accepted", sid=f"SM{new_id().hex}", status="queued")

    monkeypatch.setattr("delivery.domain.submitting.gateway_for", lambda row: Recorder())
    phones = numbers(200)
    with tenant_scope(shop.tenant_id):
        contacts = [make_contact(phone, now=now) for phone in phones]
        made = decide([intent(c, shop.plain_id) for c in contacts], now=now)
        assert {d.status for d in made} == {"queued"}

    settings.KAIROS_SUBMIT_THREADS = 2
    stops_left = threading.Semaphore(0)

    def stop_some(mine: Sequence[str]) -> Callable[[], object]:
        def run() -> object:
            for phone in mine:
                with tenant_scope(shop.tenant_id):
                    sms = InboundSms(f"SM{phone}", phone, "+12025550100", "STOP")
                    receive_inbound(shop.gateway, sms, now=now)
            stops_left.release()
            return None

        return run

    def submit() -> object:
        while _submit_once(shop.tenant_id, now=now, wall=wall_now()) or not stops_left.acquire(
            blocking=False
        ):
            pass
        return None

    shuffled = random.sample(phones, len(phones))
    at_once([stop_some(shuffled[part::3]) for part in range(3)] + [submit] * 3, threads=6)
    _submit_once(shop.tenant_id, now=now, wall=wall_now())
    with tenant_scope(shop.tenant_id):
        rows = list(Message.objects.all())
        attempts = set(SendAttempt.objects.values_list("id", flat=True))
        # The claim is the point of no return: what it committed was POSTed, nothing else was.
        assert attempts == posted
        for row in rows:
            if row.status == "canceled":
                assert row.reason == "unsubscribed"
                assert row.attempt_id is None
            else:
                assert row.status == "sent"
                assert row.attempt_id in posted
        canceled = sum(row.status == "canceled" for row in rows)
    assert len(rows) == 200
    assert 0 < canceled < 200, "the race was no race"


def test_a_stop_that_committed_first_wins_even_uncanceled(
    committed_shop: Shop, now: datetime
) -> None:
    """While the STOP's transaction is open the claim leaves its contact alone; after it, too."""
    shop = committed_shop
    with tenant_scope(shop.tenant_id):
        contact = make_contact(LA, now=now)
        decide([intent(contact, shop.plain_id)], now=now)
    holds, may_end = threading.Event(), threading.Event()

    def stop() -> None:
        with tenant_scope(shop.tenant_id):
            receive_inbound(shop.gateway, InboundSms("SM1", LA, "+12025550100", "STOP"), now=now)
            holds.set()
            may_end.wait(60)
        connection.close()

    worker = threading.Thread(target=stop)
    worker.start()
    assert holds.wait(60)
    with tenant_scope(shop.tenant_id):
        assert claim_queued(16, now=now, wall=wall_now()).texts == []
    may_end.set()
    worker.join(60)
    with tenant_scope(shop.tenant_id):
        assert claim_queued(16, now=now, wall=wall_now()).texts == []
        assert Message.objects.get().status == "canceled"


def test_many_submitters_post_each_text_once(
    committed_shop: Shop, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = committed_shop
    posted: list[str] = []

    class Recorder:
        def submit(self, sms: OutboundSms) -> SendReceipt:
            time.sleep(0.001)
            posted.append(sms.to)
            return SendReceipt("accepted", sid=f"SM{new_id().hex}", status="queued")

    monkeypatch.setattr("delivery.domain.submitting.gateway_for", lambda row: Recorder())
    phones = numbers(120)
    with tenant_scope(shop.tenant_id):
        contacts = [make_contact(phone, now=now) for phone in phones]
        decide([intent(c, shop.plain_id) for c in contacts], now=now)

    def submit() -> object:
        return submit_queued(shop.tenant_id, now=now, wall=wall_now())

    for _ in range(20):
        at_once([submit] * 5, threads=5)
        if len(posted) >= 120:
            break
    assert sorted(posted) == sorted(phones)
    with tenant_scope(shop.tenant_id):
        assert set(Message.objects.values_list("status", flat=True)) == {"sent"}
        assert Event.objects.filter(name="SMS Sent").count() == 120


def test_two_workers_apply_each_callback_once(committed_shop: Shop, now: datetime) -> None:
    shop = committed_shop
    with tenant_scope(shop.tenant_id):
        contacts = [make_contact(phone, now=now) for phone in numbers(12)]
        decide([intent(c, shop.plain_id) for c in contacts], now=now)
        texts = claim_queued(16, now=now, wall=wall_now()).texts
    assert len(texts) == 12
    for index, text in enumerate(texts):
        for status in ("delivered", "sent"):
            assert tell_status(shop, text.attempt_id, status, sid=f"SM{index}").status_code == 204
    at_once([lambda: apply_callbacks(shop.tenant_id, now=now)] * 6, threads=6)
    with tenant_scope(shop.tenant_id):
        assert set(Message.objects.values_list("status", flat=True)) == {"delivered"}
        assert Event.objects.filter(name="SMS Sent").count() == 12
        assert Event.objects.filter(name="SMS Delivered").count() == 12


def test_deciding_again_and_stopping_at_once_never_deadlock(
    committed_shop: Shop, now: datetime
) -> None:
    from datetime import UTC

    night = datetime(2026, 11, 17, 8, 0, tzinfo=UTC)
    shop = committed_shop
    phones = numbers(40)
    with tenant_scope(shop.tenant_id):
        contacts = [make_contact(phone, now=night) for phone in phones]
        decide([intent(c, shop.plain_id) for c in contacts], now=night)

    def stop(phone: str) -> Callable[[], object]:
        def run() -> object:
            with tenant_scope(shop.tenant_id):
                sms = InboundSms(f"SM{phone}", phone, "+12025550100", "STOP")
                return receive_inbound(shop.gateway, sms, now=now)

        return run

    jobs: list[Callable[[], object]] = [stop(phone) for phone in phones[::2]]
    jobs += [lambda: redecide_due(shop.tenant_id, now=now)] * 6
    random.shuffle(jobs)
    at_once(jobs, threads=8)
    redecide_due(shop.tenant_id, now=now)
    with tenant_scope(shop.tenant_id):
        stopped = set(Message.objects.filter(phone__in=phones[::2]).values_list("status", "reason"))
        left = set(Message.objects.filter(phone__in=phones[1::2]).values_list("status", flat=True))
    assert stopped == {("canceled", "unsubscribed")}
    assert left == {"queued"}
