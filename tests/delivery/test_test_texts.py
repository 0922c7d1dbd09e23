"""Test texts: only to a member's own phone, by its holder's own text, through the same gate."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from api.problems import Problem
from delivery.domain.deciding import decide
from delivery.domain.test_texts import (
    CODE_FOR,
    MOST_AN_HOUR,
    forget_number,
    newest_test_text,
    open_code,
    own_number,
    send_test_text,
)
from delivery.models import InboundMessage, Message, MessageContent
from events.models import Event
from people.models import Contact
from templates_engine.domain.templates import save_and_approve, save_draft
from tenancy.clock import wall_now
from tenancy.models import AuditEntry
from tenancy.scope import tenant_scope
from tests.delivery.hooks import text_in
from tests.delivery.making import LA, NEW_YORK, Shop, intent, make_contact, make_shop
from tests.support.world import World

pytestmark = pytest.mark.django_db
NIGHT = datetime(2026, 11, 17, 8, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _now_is_the_tests(monkeypatch: pytest.MonkeyPatch, now: datetime) -> None:
    monkeypatch.setattr("delivery.api.webhooks.business_now", lambda: now)


def confirm(shop: Shop, *, sid: str = "SM1", phone: str = LA, body: str = "{say}") -> str:
    """Opens a code for the shop's owner and texts it from a phone."""
    with tenant_scope(shop.tenant_id):
        say = open_code(shop.brand.owner.id, wall=wall_now()).say
    text_in(shop, body.format(say=say), sid=sid, phone=phone)
    return say


def number_of(shop: Shop, person: Any = None) -> str:
    with tenant_scope(shop.tenant_id):
        return own_number((person or shop.brand.owner).id, wall=wall_now()).phone


def test_nothing_goes_before_the_holder_has_agreed(shop: Shop, now: datetime) -> None:
    with tenant_scope(shop.tenant_id):
        make_contact(LA, now=now)
        with pytest.raises(Problem) as refused:
            send_test_text(shop.brand.owner, now=now, wall=wall_now())
        assert refused.value.code == "no_own_number"
        assert not Message.objects.exists()


def test_a_text_from_the_phone_confirms_it_and_is_answered_once(shop: Shop, now: datetime) -> None:
    say = confirm(shop, body="  {say}. ")
    assert number_of(shop) == LA
    with tenant_scope(shop.tenant_id):
        assert InboundMessage.objects.get().kind == "test_number"
        assert not Event.objects.filter(name="SMS Replied").exists()
        told = Message.objects.get()
        assert (told.step_key, told.message_type) == ("answer_tests", "compliance")
        entry = AuditEntry.objects.get(action="test_number.confirmed")
        assert entry.target == f"...{LA[-4:]}"
        assert entry.data["user_id"] == str(shop.brand.owner.id)
    # The code served once: the same words from another phone are an ordinary reply.
    text_in(shop, say, sid="SM2", phone=NEW_YORK)
    assert number_of(shop) == LA
    with tenant_scope(shop.tenant_id):
        assert InboundMessage.objects.get(sid="SM2").kind == "none"


def test_the_text_goes_through_the_gate_with_its_evidence(shop: Shop, now: datetime) -> None:
    confirm(shop)
    with tenant_scope(shop.tenant_id):
        made = send_test_text(shop.brand.owner, now=now, wall=wall_now())
        assert (made.status, made.reason) == ("queued", "")
        row = Message.objects.get(id=made.message_id)
        assert (row.message_type, row.source_kind, row.phone) == ("transactional", "test_text", LA)
        content = MessageContent.objects.get(id=row.id)
        consent = next(check for check in content.checks if check["name"] == "consent")
        heard = InboundMessage.objects.get(sid="SM1")
        assert consent["detail"]["inbound_id"] == str(heard.id)
        assert "Olga Owner" in content.body
        assert content.body.startswith("Juniper & Oak:")
        found = newest_test_text(row.contact_id)
        assert found is not None
        assert found.id == row.id


def test_a_marketing_template_stays_marketing_and_its_quiet_hours_bind(
    shop: Shop, now: datetime
) -> None:
    confirm(shop)
    with tenant_scope(shop.tenant_id):
        day = send_test_text(
            shop.brand.owner, template_version_id=shop.plain_id, now=now, wall=wall_now()
        )
        night = send_test_text(
            shop.brand.owner, template_version_id=shop.plain_id, now=NIGHT, wall=wall_now()
        )
        rows = {row.id: row for row in Message.objects.filter(source_kind="test_text")}
    assert (day.status, night.status, night.reason) == ("queued", "skipped", "quiet_hours")
    assert rows[day.message_id].message_type == "marketing"
    assert "Good news today." in day.text


def test_no_cap_counts_it_but_an_hour_has_an_end(shop: Shop, now: datetime) -> None:
    confirm(shop)
    with tenant_scope(shop.tenant_id):
        made = [
            send_test_text(
                shop.brand.owner, template_version_id=shop.plain_id, now=now, wall=wall_now()
            )
            for _ in range(MOST_AN_HOUR)
        ]
        assert {decision.status for decision in made} == {"queued"}
        with pytest.raises(Problem) as refused:
            send_test_text(shop.brand.owner, now=now, wall=wall_now())
        assert refused.value.status == 429
        later = now + timedelta(hours=1)
        assert send_test_text(shop.brand.owner, now=later, wall=wall_now()).status == "queued"


def test_a_draft_may_be_tested(shop: Shop, now: datetime) -> None:
    confirm(shop)
    with tenant_scope(shop.tenant_id):
        draft = save_draft("fresh", body="Not approved yet.", now=now)
        made = send_test_text(
            shop.brand.owner, template_version_id=draft.id, now=now, wall=wall_now()
        )
    assert (made.status, "Not approved yet." in made.text) == ("queued", True)


def test_a_stop_ends_test_texts_too(shop: Shop, now: datetime) -> None:
    confirm(shop)
    with tenant_scope(shop.tenant_id):
        before = send_test_text(shop.brand.owner, now=now, wall=wall_now())
    text_in(shop, "STOP", sid="SM2")
    with tenant_scope(shop.tenant_id):
        assert Message.objects.get(id=before.message_id).status == "canceled"
        after = send_test_text(shop.brand.owner, now=now, wall=wall_now())
    assert (after.status, after.reason) == ("skipped", "unsubscribed")


def test_an_old_code_a_new_number_and_forgetting(shop: Shop, now: datetime) -> None:
    with tenant_scope(shop.tenant_id):
        early = wall_now() - CODE_FOR - timedelta(seconds=1)
        say = open_code(shop.brand.owner.id, wall=early).say
    text_in(shop, say, sid="SM1")
    assert number_of(shop) == ""
    confirm(shop, sid="SM2")
    with tenant_scope(shop.tenant_id):
        # Somebody else's number on the contact is not what was confirmed.
        Contact.objects.filter(phone=LA).update(phone=NEW_YORK)
        assert own_number(shop.brand.owner.id, wall=wall_now()).phone == ""
        with pytest.raises(Problem):
            send_test_text(shop.brand.owner, now=now, wall=wall_now())
        moved = Contact.objects.get(phone=NEW_YORK).id
        [made] = decide([intent(moved, shop.plain_id, source_kind="test_text")], now=now)
        assert (made.status, made.reason) == ("skipped", "never_subscribed")
        Contact.objects.filter(phone=NEW_YORK).update(phone=LA)
    assert number_of(shop) == LA
    with tenant_scope(shop.tenant_id):
        forget_number(shop.brand.owner, now=now)
    assert number_of(shop) == ""


def test_the_gate_asks_the_agreement_itself(shop: Shop, now: datetime) -> None:
    """Whoever builds such an intent by hand gets nowhere without a confirmed number."""
    with tenant_scope(shop.tenant_id):
        contact = make_contact(LA, now=now)
        [made] = decide([intent(contact, shop.plain_id, source_kind="test_text")], now=now)
    assert (made.status, made.reason) == ("skipped", "never_subscribed")


def test_codes_and_numbers_are_each_workspaces_own(world: World, now: datetime) -> None:
    shop, other = make_shop(world.shop, now=now), make_shop(world.other, now=now)
    with tenant_scope(other.tenant_id):
        say = open_code(world.shop.owner.id, wall=wall_now()).say
    text_in(shop, say, sid="SM1")
    assert number_of(shop) == ""
    assert number_of(other, world.shop.owner) == ""
    with tenant_scope(shop.tenant_id):
        save_and_approve("x", body="Hello", now=now)
