"""After a doubt: look first, never send twice."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from consent.models import CapSlot
from delivery.domain.claiming import claim_queued
from delivery.domain.deciding import decide
from delivery.domain.reconciling import reconcile
from delivery.domain.submitting import _submit_once, submit_queued
from delivery.models import Message, SendAttempt
from tenancy.clock import wall_now
from tenancy.scope import tenant_scope
from tests.delivery.making import LA, Shop, intent, make_contact, message
from tests.support.carrier import CarrierProcess

pytestmark = pytest.mark.django_db
LOOK = timedelta(seconds=121)


def queue(shop: Shop, now: datetime, phone: str = LA) -> UUID:
    with tenant_scope(shop.tenant_id):
        contact = make_contact(phone, now=now)
        return decide([intent(contact, shop.plain_id)], now=now)[0].message_id


def row(shop: Shop, key: UUID) -> Message:
    with tenant_scope(shop.tenant_id):
        return message(key)


def attempt(shop: Shop) -> SendAttempt:
    with tenant_scope(shop.tenant_id):
        return SendAttempt.objects.latest("started_at")  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    "rule",
    [
        {"do": "drop", "after_accept": True},
        {"do": "server_error", "status": 503, "after_accept": True},
        {"do": "truncate"},
        {"do": "no_sid"},
    ],
)
def test_a_text_that_arrived_is_found_and_not_repeated(
    shop: Shop, line: CarrierProcess, now: datetime, rule: dict[str, Any]
) -> None:
    key = queue(shop, now)
    line.rules({**rule, "to": LA, "times": 1})
    _submit_once(shop.tenant_id, now=now, wall=wall_now())
    assert row(shop, key).status == "sending"
    assert attempt(shop).state == "ambiguous"
    assert submit_queued(shop.tenant_id, now=now, wall=wall_now() + LOOK) == 0
    assert reconcile(shop.tenant_id, wall=wall_now()) == 0  # too early: a callback may come
    assert reconcile(shop.tenant_id, wall=wall_now() + LOOK) == 1
    (sent,) = line.messages(to=LA)
    held = row(shop, key)
    assert (held.status in {"sent", "delivered"}, held.sid) == (True, sent["sid"])
    assert attempt(shop).state == "accepted"


def test_what_never_arrived_is_closed_as_lost_after_two_looks(
    shop: Shop, line: CarrierProcess, now: datetime
) -> None:
    key = queue(shop, now)
    line.rules({"do": "drop", "to": LA, "times": 1})
    _submit_once(shop.tenant_id, now=now, wall=wall_now())
    assert reconcile(shop.tenant_id, wall=wall_now() + LOOK) == 1
    assert row(shop, key).status == "sending"
    assert reconcile(shop.tenant_id, wall=wall_now() + LOOK) == 0
    assert reconcile(shop.tenant_id, wall=wall_now() + 3 * LOOK) == 1
    held = row(shop, key)
    assert (held.status, held.reason) == ("failed", "lost")
    assert line.messages(to=LA) == []
    with tenant_scope(shop.tenant_id):
        # Nobody knows: the law's count keeps it.
        slot = CapSlot.objects.get()
    assert slot.counts_legal


def test_a_worker_that_died_after_its_claim_leaves_nothing_open(
    shop: Shop, line: CarrierProcess, now: datetime
) -> None:
    key = queue(shop, now)
    with tenant_scope(shop.tenant_id):
        assert len(claim_queued(16, now=now, wall=wall_now()).texts) == 1
    assert submit_queued(shop.tenant_id, now=now, wall=wall_now()) == 0
    for look in (1, 3):
        reconcile(shop.tenant_id, wall=wall_now() + look * LOOK)
    assert row(shop, key).reason == "lost"


def test_two_equal_texts_are_told_apart(shop: Shop, line: CarrierProcess, now: datetime) -> None:
    """The text before, known by its sid, is not taken for the one that is looked for."""
    with tenant_scope(shop.tenant_id):
        contact = make_contact(LA, now=now)

        def say() -> UUID:
            wish = intent(contact, None, message_type="transactional", body="Your order left.")
            return decide([wish], now=now)[0].message_id

        from consent.domain.opt_ins import OptIn, record_opt_ins

        assert record_opt_ins([OptIn(LA, "start", now, contact)], now=now)
        first = say()
    submit_queued(shop.tenant_id, now=now, wall=wall_now())
    with tenant_scope(shop.tenant_id):
        second = say()
    line.rules({"do": "drop", "to": LA, "times": 1})
    _submit_once(shop.tenant_id, now=now, wall=wall_now() + timedelta(seconds=1))
    assert row(shop, second).status == "sending"
    for look in (1, 3):
        reconcile(shop.tenant_id, wall=wall_now() + look * LOOK)
    assert row(shop, first).status in {"sent", "delivered"}
    assert row(shop, second).reason == "lost"


def test_a_look_that_got_no_answer_does_not_count(
    shop: Shop, line: CarrierProcess, now: datetime, settings: Any
) -> None:
    key = queue(shop, now)
    line.rules({"do": "drop", "to": LA, "times": 1})
    _submit_once(shop.tenant_id, now=now, wall=wall_now())
    settings.KAIROS_TWILIO_BASE_URL = "http://127.0.0.1:9"
    for look in (1, 3, 5):
        reconcile(shop.tenant_id, wall=wall_now() + look * LOOK)
    assert row(shop, key).status == "sending"


def test_a_text_without_a_receipt_is_asked_about_twice(
    shop: Shop, line: CarrierProcess, now: datetime
) -> None:
    key = queue(shop, now)
    submit_queued(shop.tenant_id, now=now, wall=wall_now())
    line.wait_idle()
    assert row(shop, key).status == "sent"
    assert reconcile(shop.tenant_id, wall=wall_now() + timedelta(minutes=59)) == 0
    assert reconcile(shop.tenant_id, wall=wall_now() + timedelta(minutes=61)) == 1
    assert row(shop, key).status == "delivered"
