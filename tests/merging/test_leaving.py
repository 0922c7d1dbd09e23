"""Erased is gone everywhere; what stays is that the number opted out."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection

from commerce.models import Order
from connectors.domain.connectors import create_connector
from connectors.models import ReceivedBody
from consent.domain.facts import facts_for
from consent.domain.opt_ins import OptIn, record_opt_ins
from consent.domain.verifying import verify_chain
from events.domain.leaving import erase_contact, export_contact
from events.models import Event, UnstoredItem
from people.domain.queries import contacts_by_id, list_contacts, lock_contacts
from people.domain.resolving import IdentityRef, resolve_contacts
from people.models import Contact
from tenancy.scope import tenant_scope
from tests.merging.conftest import PHONES, Pair
from tests.merging.rows import all_rows, changed
from tests.merging.test_merging import live_a_little
from triggers.models import FlowRun

# What nobody may find any more, wherever they look.
MARKS = ("2125550102", "2125550103", "mimi@x.example", "Mimi", "Lopez", "Secretville", "asks mimi",
         "ext-mimi", "a-device", "o-mimi", "d-mimi", "mimi+zoe")  # fmt: skip


def text_columns() -> list[tuple[str, str]]:
    """Every column of every table that can hold words, from the catalogue itself."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT c.relname, a.attname FROM pg_attribute a
            JOIN pg_class c ON c.oid = a.attrelid JOIN pg_type t ON t.oid = a.atttypid
            WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
              AND NOT c.relispartition AND a.attnum > 0 AND NOT a.attisdropped
              AND t.typcategory IN ('S', 'U', 'A') AND t.typname <> 'uuid'
              AND has_column_privilege('kairos_app', c.oid, a.attnum, 'SELECT')
            """
        )
        return list(cursor.fetchall())


def where_found(pair: Pair) -> set[tuple[str, str, str]]:
    columns = text_columns()
    assert len({table for table, _ in columns}) > 30
    found = set()
    with tenant_scope(pair.brand.tenant.id), connection.cursor() as cursor:
        for table, column in columns:
            cursor.execute(f'SELECT "{column}"::text FROM {table} WHERE "{column}" IS NOT NULL')
            whole = "\n".join(row[0] for row in cursor.fetchall())
            found |= {(table, column, mark) for mark in MARKS if mark in whole}
    return found


@pytest.fixture
def full(pair: Pair) -> Pair:
    """Mimi has left words in every corner; a part of her was another contact once."""
    pair.say("mimi", last_name="Lopez", email="mimi@x.example", city="Secretville", note="Mimi")
    with tenant_scope(pair.brand.tenant.id):
        resolve_contacts(
            [IdentityRef(phone=PHONES["mimi"], external_id="ext-mimi", anonymous_id="a-device")],
            now=pair.now,
        )
    with tenant_scope(pair.brand.tenant.id):
        UnstoredItem.objects.create(
            outcome="rejected",
            source="server",
            at=pair.now,
            place=0,
            body='{"userId": "ext-mimi", "properties": {"city": "Secretville"}}',
        )
        connector, _ = create_connector(kind="webhook", now=pair.now)
        ReceivedBody.objects.create(
            connector=connector,
            delivery_key="1",
            topic="asks mimi",
            body='{"name": "Mimi Lopez", "city": "Secretville", "who": "ext-mimi"}',
            received_at=pair.now,
            state="done",
        )
    live_a_little(pair)
    pair.say("mimi", phone="+12125550103")
    pair.add("zoe", subscribed=False, email="mimi+zoe@x.example")
    pair.say("zoe", last_name="Lopez", city="Secretville")
    pair.merge("mimi", "zoe")
    pair.now += timedelta(minutes=1)
    pair.work()
    return pair


def erase(pair: Pair, name: str = "mimi") -> None:
    with tenant_scope(pair.brand.tenant.id):
        erase_contact(pair.ids[name], now=pair.now)


def test_nothing_of_the_person_is_left_in_any_table(full: Pair) -> None:
    tables = {table for table, _, _ in where_found(full)}
    assert {"events_event", "people_contact", "people_identifier", "delivery_message"} <= tables
    assert {"delivery_messagecontent", "delivery_inboundmessage", "events_unstoreditem"} <= tables
    assert {"consent_consentevidence", "triggers_flowrun", "people_movedrows"} <= tables
    assert "connectors_receivedbody" in tables
    erase(full)
    assert where_found(full) == set()


def test_what_stays_has_no_name(full: Pair) -> None:
    erase(full)
    with tenant_scope(full.brand.tenant.id):
        assert Order.objects.filter(contact_id=full.mimi).values_list("total_minor").get() == (
            4800,
        )
        assert not FlowRun.objects.filter(contact_id=full.mimi, ended_at=None).exists()
        events = Event.objects.filter(contact_id=full.mimi)
        assert events.filter(name="Order Completed").exists()
        assert events.exclude(name="Contact Erased").exclude(properties={}).count() == 0
        assert verify_chain().ok
        assert [each.id for each in list_contacts().contacts] == [full.maya]


def test_only_this_person(both: tuple[Pair, Pair]) -> None:
    pair, other = both
    for each in both:
        live_a_little(each)
    before, maya = all_rows(other.brand), pair.contact("maya")
    erase(pair)
    assert changed(before, all_rows(other.brand)) == {}
    assert pair.contact("maya").__dict__ | {"_state": None} == maya.__dict__ | {"_state": None}


@pytest.mark.parametrize("said", ["STOP", "Hello"])
def test_the_number_stays_opted_out_when_it_comes_back(pair: Pair, said: str) -> None:
    """Whoever was subscribed did not say STOP, but their proof is gone: they may not be texted."""
    pair.hear("mimi", said)
    erase(pair)
    pair.now += timedelta(days=1)
    again = pair.add("mimi", subscribed=False)
    assert again != pair.ids["maya"]
    with tenant_scope(pair.brand.tenant.id):
        lock_contacts([again])
        wish = OptIn(
            phone=PHONES["mimi"], source="import", occurred_at=pair.now, contact_id=again,
            legal_basis="pewc", double_opt_in=False, disclosure="Text me.",
        )  # fmt: skip
        record_opt_ins([wish], now=pair.now)
        contact = contacts_by_id([again])[again]
        assert facts_for([contact], now=pair.now)[again].status == "unsubscribed"


def test_everything_kept_can_be_read(full: Pair) -> None:
    with tenant_scope(full.brand.tenant.id):
        kept: dict[str, Any] = export_contact(full.mimi)
    whole = json.dumps(kept, default=str)
    for mark in MARKS:
        assert mark in whole, mark
    assert {"contact", "identifiers", "events", "orders", "texts", "replies", "consent"} <= set(
        kept
    )
    assert "maya" not in whole.lower()


def test_a_contact_is_erased_once(pair: Pair) -> None:
    from api.problems import NotFound

    erase(pair)
    with pytest.raises(NotFound):
        erase(pair)
    with tenant_scope(pair.brand.tenant.id):
        assert Contact.objects.get(id=pair.mimi).erased_at == pair.now
