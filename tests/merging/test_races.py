"""Events keep coming in while two contacts are merged: none is lost, none is left behind."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime

from django.db import connection

from commerce.models import Cart
from events.domain.merging import follow_recent, merge_contacts
from events.domain.recording import NewEvent, append_events
from events.models import Event
from people.models import Contact, Identifier
from tenancy.retrying import repeat_collisions
from tenancy.scope import tenant_scope
from tests.events.edges import post, track
from tests.merging.conftest import Pair, make_pair
from tests.support.world import World
from triggers.models import FlowRun

MUG = {"product_id": "mug", "name": "Ridge mug", "price": 24}


def run_at_once(*work: Callable[[], None]) -> list[BaseException]:
    """Each in a thread with a connection of its own; what went wrong."""
    gate, wrong = threading.Barrier(len(work)), []

    def one(job: Callable[[], None]) -> None:
        try:
            gate.wait(timeout=60)
            job()
        except BaseException as error:
            wrong.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=one, args=(job,)) for job in work]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=120)
    return wrong


def test_events_that_come_in_meanwhile_are_the_survivors(
    committed_world: World, now: datetime
) -> None:
    pair = make_pair(committed_world, now)
    pair.add("mimi", external_id="mimi")
    key = committed_world.shop.write_key

    def send(number: int) -> Callable[[], None]:
        def job() -> None:
            for index in range(8):
                properties = {**MUG, "n": f"{number}-{index}"}
                call = track("Product Added", user="mimi", properties=properties)
                traits = {"type": "identify", "userId": "mimi", "traits": {f"t{number}": index}}
                status, answer = post("/v1/batch", {"batch": [call, traits]}, key=key)
                assert (status, answer.get("accepted")) == (200, 2), answer

        return job

    def merge() -> None:
        repeat_collisions(lambda: _merge_in_scope(pair))

    wrong = run_at_once(merge, *(send(number) for number in range(4)))
    assert wrong == []
    pair.work()
    with tenant_scope(pair.brand.tenant.id):
        follow_recent(now=pair.now)
        added = Event.objects.filter(name="Product Added")
        assert added.count() == 32
        assert set(added.values_list("contact_id", flat=True)) == {pair.maya}
        assert {f"t{n}": 7 for n in range(4)}.items() <= Contact.objects.get(
            id=pair.maya
        ).attributes.items()
        assert set(Identifier.objects.values_list("contact_id", flat=True)) == {pair.maya}
        assert set(Cart.objects.values_list("contact_id", flat=True)) == {pair.maya}


def _merge_in_scope(pair: Pair) -> None:
    with tenant_scope(pair.brand.tenant.id):
        merge_contacts(pair.maya, pair.mimi, now=pair.now)


def test_two_merges_of_the_same_two_contacts_are_one(committed_world: World, now: datetime) -> None:
    pair = make_pair(committed_world, now)

    def there() -> None:
        _merge_in_scope(pair)

    def back() -> None:
        with tenant_scope(pair.brand.tenant.id):
            merge_contacts(pair.mimi, pair.maya, now=pair.now)

    wrong = run_at_once(there, back)
    assert [getattr(error, "code", "") for error in wrong] == ["contact_merged"]
    with tenant_scope(pair.brand.tenant.id):
        assert Contact.objects.filter(merged_into_id=None).count() == 1


def test_an_event_written_for_the_old_id_is_reacted_to_as_the_survivors(pair: Pair) -> None:
    """As if its request had looked the contact up just before the merge."""
    pair.merge()
    pair.track("mimi", "Checkout Started", cart_id="late", products=[MUG])
    pair.work()
    with tenant_scope(pair.brand.tenant.id):
        late = Event.objects.get(name="Checkout Started")
        assert (late.contact_id, late.source_contact_id) == (pair.maya, pair.mimi)
        assert Cart.objects.get().contact_id == pair.maya
        assert FlowRun.objects.get().contact_id == pair.maya


def test_an_event_that_nobody_reacts_to_follows_too_and_returns(pair: Pair) -> None:
    merge = pair.merge()
    pair.work()
    with tenant_scope(pair.brand.tenant.id):
        append_events([NewEvent("Tea Poured", pair.mimi, {}, pair.now)], now=pair.now)
        assert Event.objects.get(name="Tea Poured").contact_id == pair.mimi
        assert follow_recent(now=pair.now) == 1
        assert Event.objects.get(name="Tea Poured").contact_id == pair.maya
    pair.unmerge(merge)
    with tenant_scope(pair.brand.tenant.id):
        assert Event.objects.get(name="Tea Poured").contact_id == pair.mimi
