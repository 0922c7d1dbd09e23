"""Fifty threads, real PostgreSQL: a cap of one gives one, a chain stays a chain."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connection

from consent.core.caps import check
from consent.core.message_types import check_consent
from consent.domain.contact_points import find_tokens
from consent.domain.facts import facts_for
from consent.domain.opt_ins import OptIn, record_opt_ins
from consent.domain.opt_outs import OptOut, record_opt_outs
from consent.domain.sealing import seal_ledger
from consent.domain.settings import set_frequency_cap
from consent.domain.slots import CapTaken, NewSlot, reserve_slots
from consent.domain.verifying import verify_chain
from consent.models import CapSlot, ConsentRecord, ConsentSeal
from people.domain.queries import contacts_by_id, lock_contacts
from tenancy.ids import new_id
from tenancy.scope import tenant_scope
from tests.consent.conftest import PHONES, People

THREADS = 50


def run_at_once(work: Callable[[int], str]) -> Counter[str]:
    """Runs `work` in fifty threads that start together; each has a connection of its own."""
    gate = threading.Barrier(THREADS)
    results: list[str] = []

    def one(number: int) -> None:
        try:
            gate.wait(timeout=60)
            results.append(work(number))
        except Exception as error:
            results.append(type(error).__name__)
        finally:
            connection.close()

    threads = [threading.Thread(target=one, args=(number,)) for number in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=120)
    return Counter(results)


@pytest.mark.slow
def test_fifty_decisions_for_one_contact_with_cap_one_reserve_one(
    committed_people: People,
) -> None:
    people, phone = committed_people, PHONES[0]
    with tenant_scope(people.shop_id):
        set_frequency_cap(limits=[{"seconds": 86400, "max": 1}], min_gap_seconds=0, now=people.now)

    def decide(number: int) -> str:
        with tenant_scope(people.shop_id):
            lock_contacts([people.ids[phone]])
            contact = contacts_by_id([people.ids[phone]])[people.ids[phone]]
            facts = facts_for([contact], now=people.now)[contact.id]
            verdict = check(
                facts.caps, facts.slots, at=people.now, source_key=f"flow-{number}", run_id=None
            )
            if not verdict.ok:
                return verdict.rule
            slot = NewSlot(new_id(), contact.id, phone, f"flow-{number}", None, people.now)
            reserve_slots([slot], now=people.now)
            return "reserved"

    assert run_at_once(decide) == {"reserved": 1, "per_day": THREADS - 1}
    with tenant_scope(people.shop_id):
        assert CapSlot.objects.count() == 1


@pytest.mark.slow
@pytest.mark.parametrize("share_contact", [True, False])
def test_even_callers_without_any_lock_cannot_exceed_the_cap(
    committed_people: People, share_contact: bool
) -> None:
    """Also when the number belongs to a different contact each time."""
    people, phone = committed_people, PHONES[0]
    with tenant_scope(people.shop_id):
        set_frequency_cap(limits=[{"seconds": 86400, "max": 1}], min_gap_seconds=0, now=people.now)

    def reserve(number: int) -> str:
        contact_id = people.ids[phone] if share_contact else new_id()
        try:
            with tenant_scope(people.shop_id):
                slot = NewSlot(new_id(), contact_id, phone, "cart", None, people.now)
                reserve_slots([slot], now=people.now)
                return "reserved"
        except CapTaken:
            return "refused"

    assert run_at_once(reserve) == {"reserved": 1, "refused": THREADS - 1}


@pytest.mark.slow
def test_fifty_acts_on_one_number_make_one_chain(committed_people: People) -> None:
    people, phone = committed_people, PHONES[0]

    def act(number: int) -> str:
        at = people.now + timedelta(minutes=number)
        with tenant_scope(people.shop_id):
            lock_contacts([people.ids[phone]])
            if number % 10 == 9:
                seal_ledger(now=at)
            elif number % 2:
                record_opt_outs([OptOut(phone, None, "keyword", {"body": "STOP"}, at)], now=at)
            else:
                record_opt_ins([OptIn(phone, "keyword", at)], now=at)
        return "done"

    assert run_at_once(act) == {"done": THREADS}
    with tenant_scope(people.shop_id):
        seal_ledger(now=people.now + timedelta(days=1))
        report = verify_chain()
        assert report.ok, report.faults
        token = find_tokens([phone])[phone]
        positions = ConsentRecord.objects.filter(phone_token=token).values_list(
            "position", flat=True
        )
        assert sorted(positions) == list(range(1, len(positions) + 1))


@pytest.mark.slow
def test_provider_and_person_say_stop_at_once_and_it_is_one_record(
    committed_people: People,
) -> None:
    people, phone = committed_people, PHONES[0]
    with tenant_scope(people.shop_id):
        record_opt_ins([OptIn(phone, "keyword", people.now)], now=people.now)

    def stop(number: int) -> str:
        source = "provider" if number % 2 else "keyword"
        with tenant_scope(people.shop_id):
            lock_contacts([people.ids[phone]])
            record_opt_outs([OptOut(phone, None, source, {}, people.now)], now=people.now)
            contact = contacts_by_id([people.ids[phone]])[people.ids[phone]]
            statuses = facts_for([contact], now=people.now)[contact.id].statuses
            return check_consent("marketing", statuses).reason

    assert run_at_once(stop) == {"unsubscribed": THREADS}
    with tenant_scope(people.shop_id):
        assert ConsentRecord.objects.filter(kind="opt_out").count() == 1


@pytest.mark.slow
def test_a_seal_waits_for_the_writers_at_work(committed_people: People) -> None:
    """Otherwise a record could commit behind the seal that claims to cover it."""
    people, phone = committed_people, PHONES[0]
    written, may_commit, sealed = threading.Event(), threading.Event(), threading.Event()

    with tenant_scope(people.shop_id):
        record_opt_ins([OptIn(PHONES[1], "keyword", people.now)], now=people.now)

    def write() -> None:
        with tenant_scope(people.shop_id):
            record_opt_ins([OptIn(phone, "keyword", people.now)], now=people.now)
            written.set()
            may_commit.wait(timeout=60)
        connection.close()

    def seal() -> None:
        with tenant_scope(people.shop_id):
            seal_ledger(now=people.now)
        sealed.set()
        connection.close()

    threads = [threading.Thread(target=write), threading.Thread(target=seal)]
    threads[0].start()
    assert written.wait(timeout=60)
    threads[1].start()
    assert not sealed.wait(timeout=1)
    may_commit.set()
    for thread in threads:
        thread.join(timeout=60)
    with tenant_scope(people.shop_id):
        assert ConsentSeal.objects.get().record_count == 2
        assert verify_chain().ok
