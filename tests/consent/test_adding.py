"""Contacts by hand, through the verb: outcomes, consent and its proof, sets, the dry run."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from consent.core.pasting import Proof, read_rows
from consent.domain.adding import Added, add_contacts
from consent.domain.facts import facts_for
from consent.domain.opt_outs import OptOut, record_opt_outs
from consent.domain.queries import consent_history
from consent.domain.suppressions import NewSuppression, suppress
from consent.models import ConsentRecord
from events.models import Event
from people.domain.queries import contacts_by_id, list_contacts
from people.domain.resolving import IdentityRef, resolve_contacts
from people.models import Contact
from tenancy.models import AuditEntry
from tenancy.scope import tenant_scope
from tests.support.world import World

PROOF = "Checkout form,Text me offers,2026-05-01"


def paste(world: World, text: str, *, dry_run: bool = False, now: datetime | None = None) -> Added:
    now = now or world.now
    read = read_rows(text, country="US", timezone="America/Los_Angeles", now=now)
    return add_contacts(read, dry_run=dry_run, actor=world.shop.owner, now=now)


def status(contact_id: UUID | None, now: datetime) -> str:
    assert contact_id is not None
    contact = contacts_by_id([contact_id])[contact_id]
    return facts_for([contact], now=now)[contact_id].status


def test_created_updated_unchanged_rejected(world: World) -> None:
    with tenant_scope(world.shop.tenant.id):
        first = paste(world, f"3105550142,Maya,{PROOF}\n2125550199,Ruth\n12,Bad")
        assert [(row.outcome, row.consent, row.code) for row in first.rows] == [
            ("created", "subscribed", ""),
            ("created", "", ""),
            ("rejected", "", "invalid_phone"),
        ]
        again = paste(world, f"3105550142,Maya,{PROOF}\n2125550199,Ruth Ann")
        assert [(row.outcome, row.consent) for row in again.rows] == [
            ("unchanged", "unchanged"),
            ("updated", ""),
        ]
        assert first.rows[0].contact_id == again.rows[0].contact_id
        assert Contact.objects.count() == 2
        assert status(first.rows[0].contact_id, world.now) == "subscribed"
        assert status(first.rows[1].contact_id, world.now) == "never_subscribed"


def test_the_proof_is_kept_and_told(world: World) -> None:
    with tenant_scope(world.shop.tenant.id):
        paste(world, f"3105550142,Maya,{PROOF}")
        (record,) = consent_history("+13105550142", with_personal=True)
        assert record.kind == "opt_in"
        assert record.source == "import"
        assert record.disclosure == "Text me offers"
        assert record.personal["agreed_at"] == "Checkout form"
        assert record.personal["entered_by"] == "user:owner@juniper.example"
        assert record.occurred_at.date().isoformat() == "2026-05-01"
        names = sorted(Event.objects.values_list("name", flat=True))
        assert names == ["Contact Changed", "SMS Subscribed"]
        entry = AuditEntry.objects.get(action="contacts.added")
        assert entry.data["created"] == 1
        assert "3105550142" not in str(entry.data)


@pytest.mark.parametrize(
    ("cells", "missing"),
    [
        ("Checkout form,,2026-05-01", "no wording"),
        (",Text me offers,2026-05-01", "no source"),
        ("Checkout form,Text me offers,", "no date"),
    ],
)
def test_half_a_proof_proves_nothing(world: World, cells: str, missing: str) -> None:
    with tenant_scope(world.shop.tenant.id):
        (row,) = paste(world, f"3105550142,Maya,{cells}").rows
        assert (row.outcome, row.consent) == ("created", "unproven")
        assert missing in row.detail
        assert status(row.contact_id, world.now) == "never_subscribed"
        assert not ConsentRecord.objects.exists()


@pytest.mark.parametrize("source", ["keyword", "agent", "web_form"])
def test_an_opt_out_is_never_lifted(world: World, source: str) -> None:
    with tenant_scope(world.shop.tenant.id):
        (row,) = paste(world, f"3105550142,Maya,{PROOF}").rows
        stop = OptOut("+13105550142", row.contact_id, source, {"body": "STOP"}, world.now)
        record_opt_outs([stop], now=world.now)
        later = world.now + timedelta(days=30)
        (again,) = paste(
            world, "3105550142,Maya,Checkout form,Text me offers,2026-12-01", now=later
        ).rows
        assert again.consent == "stop_stands"
        assert "only they can" in again.detail
        assert status(row.contact_id, later) == "unsubscribed"


def test_a_suppressed_number_says_so(world: World) -> None:
    with tenant_scope(world.shop.tenant.id):
        suppress([NewSuppression("+13105550142", "landline", world.now)], now=world.now)
        (row,) = paste(world, f"3105550142,Maya,{PROOF}").rows
        assert row.detail == "subscribed; suppressed (landline)"


def test_somebody_elses_identifier_refuses_the_row_and_changes_nothing(world: World) -> None:
    with tenant_scope(world.shop.tenant.id):
        refs = [
            IdentityRef(phone="+13105550142", email="maya@example.com"),
            IdentityRef(phone="+12125550199", external_id="ruth"),
        ]
        maya, ruth = resolve_contacts(refs, now=world.now)
        before = list(Contact.objects.order_by("id").values())
        found = paste(
            world,
            "phone,name,email,id\n"
            "4155550177,Eve,maya@example.com,\n"  # her address, another number
            "3105550142,Maya,,ruth\n"  # two people's identifiers
            "4155550188,Good,good@example.com,",
        )
        assert [(row.outcome, row.code) for row in found.rows] == [
            ("rejected", "taken"),
            ("rejected", "taken"),
            ("created", ""),
        ]
        (both,) = paste(world, "phone,email\n2125550199,maya@example.com").rows
        assert (both.outcome, both.code) == ("rejected", "taken")
        good = found.rows[2].contact_id
        assert list(Contact.objects.exclude(id=good).order_by("id").values()) == before
        assert {maya, ruth, good} == set(Contact.objects.values_list("id", flat=True))


def test_a_number_for_a_contact_known_by_address(world: World) -> None:
    with tenant_scope(world.shop.tenant.id):
        (known,) = resolve_contacts([IdentityRef(email="maya@example.com")], now=world.now)
        (row,) = paste(world, "phone,email\n3105550142,maya@example.com").rows
        assert (row.outcome, row.contact_id) == ("updated", known)
        assert Contact.objects.get(id=known).phone == "+13105550142"


def test_a_dry_run_says_the_same_and_writes_nothing(world: World) -> None:
    text = f"3105550142,Maya,{PROOF}\n2125550199,Ruth\n12,Bad\n3105550142,Twice"
    with tenant_scope(world.shop.tenant.id):
        dry = paste(world, text, dry_run=True)
        assert not Contact.objects.exists()
        assert not Event.objects.exists()
        assert not ConsentRecord.objects.exists()
        assert not AuditEntry.objects.exists()
        assert list_contacts(search="maya").contacts == []
        real = paste(world, text)
        assert [(r.line, r.outcome, r.code, r.detail) for r in dry.rows] == [
            (r.line, r.outcome, r.code, r.detail) for r in real.rows
        ]
        assert dry.counts == real.counts


def test_a_thousand_rows_cost_the_queries_of_two(world: World) -> None:
    def text(start: int, count: int) -> str:
        return "\n".join(
            f"+1310555{number:04},N{number},{PROOF}" for number in range(start, start + count)
        )

    with tenant_scope(world.shop.tenant.id):
        paste(world, text(0, 1))
        with CaptureQueriesContext(connection) as few:
            paste(world, text(100, 2))
        with CaptureQueriesContext(connection) as many:
            done = paste(world, text(1000, 1000))
        assert done.counts["created"] == done.counts["subscribed"] == 1000
        # The ledger writes its rows a thousand a statement: three numbers' consents are two more.
        assert len(many) <= len(few) + 6, (len(few), len(many))


def test_the_proof_of_the_form_fills_rows(world: World) -> None:
    with tenant_scope(world.shop.tenant.id):
        general = Proof("Paper form", "Yes to texts", world.now - timedelta(days=9))
        read = read_rows("3105550142", country="US", timezone="UTC", now=world.now, general=general)
        (row,) = add_contacts(read, now=world.now).rows
        assert row.consent == "subscribed"
