"""Contacts from a file: one outcome for every row, consent with its proof, opt-outs that stand."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from api.problems import Invalid
from consent.domain.facts import facts_for
from consent.domain.opt_outs import OptOut, record_opt_outs
from consent.domain.queries import consent_history
from delivery.domain.deciding import decide
from delivery.models import Message
from events.domain.leaving import erase_contact
from events.models import Event, EventBatch
from imports.core.columns import Target
from imports.domain.rows import OUTCOMES
from imports.models import ImportOutcome
from people.domain.definitions import attribute_rules
from people.domain.exporting import Export, write_contacts
from people.domain.queries import contacts_by_id, contacts_by_phone
from people.domain.resolving import IdentityRef, resolve_contacts
from people.models import Contact
from tenancy.ids import new_id
from tenancy.scope import tenant_scope
from tests.delivery.making import intent, make_contact, make_shop
from tests.imports.making import (
    PROOF,
    begin,
    begin_check,
    bring_in,
    check,
    go_on,
    read,
    rows_of,
    short,
    upload,
    written,
)
from tests.support.world import World, make_brand

HEAD = ["phone", "email", "external_id", "first_name", "consent_status"]


def status(world: World, phone: str) -> str:
    with tenant_scope(world.shop.tenant.id):
        key = contacts_by_phone([phone])[phone]
        return facts_for([contacts_by_id([key])[key]], now=world.now)[key].status


def contacts(world: World) -> dict[str, Contact]:
    with tenant_scope(world.shop.tenant.id):
        return {str(one.phone): one for one in Contact.objects.filter(erased_at=None)}


def test_a_dirty_file_row_by_row(world: World) -> None:
    """The check says exactly what the import then does."""
    with tenant_scope(world.shop.tenant.id):
        resolve_contacts([IdentityRef(phone="+12125550199")], now=world.now)
        resolve_contacts(
            [IdentityRef(email="taken@example.com", phone="+14155550101")], now=world.now
        )
    data = (
        b"Phone,First Name,E-Mail,VIP\n"
        b"3105550142,M\xc3\xa4ya,maya@example.com,yes\n"
        b"2125550199,Ruth,,no\n"
        b"+1 310 555 0142,Maya again,,\n"
        b"3105550143,Ann,MAYA@example.com,\n"
        b"12,Bad,,\n"
        b"3105550144,=HYPERLINK(1),,\n"
        b"3105550145,Nul\x00,,\n"
        b"3105550146,Jos\xff,,\n"
        b"3105550147,One,two@example.com,yes,extra\n"
        b",Nobody,,\n"
        b"3105550148,Vip,,perhaps\n"
        b"3105550149,Taken,taken@example.com,\n"
        b'3105550150,"Open,,\n'
        b"8005550199,Free,,\n"
        b",,,\n"
        b"4155550101,,,\n"
    )
    mapping = {
        0: Target("phone"),
        1: Target("first_name"),
        2: Target("email"),
        3: Target("attribute", "vip", "yes_no"),
    }
    job = check(world.shop, data, world, mapping=mapping)
    checked = rows_of(world.shop, job, "check")
    assert short(checked) == [
        (2, "created", ""),
        (3, "updated", ""),
        (4, "duplicate", "twice"),
        (5, "duplicate", "twice"),
        (6, "rejected", "invalid_phone"),
        (7, "rejected", "formula"),
        (8, "rejected", "nul"),
        (9, "rejected", "not_text"),
        (10, "rejected", "too_many_cells"),
        (11, "rejected", "no_identifier"),
        (12, "rejected", "wrong_type"),
        (13, "rejected", "taken"),
        (14, "rejected", "malformed"),
        (15, "rejected", "no_sms"),
        (17, "unchanged", ""),
    ]
    assert job.row_count == 15
    assert len(contacts(world)) == 2  # a check writes nothing
    begin(world.shop, job, world)
    go_on(world.shop, job, world)
    assert rows_of(world.shop, job) == checked
    found = contacts(world)
    assert set(found) == {"+13105550142", "+12125550199", "+14155550101"}
    assert found["+13105550142"].attributes == {"vip": True}
    assert found["+13105550142"].added_by == "import"
    with tenant_scope(world.other.tenant.id):
        assert Contact.objects.count() == 0


def test_a_proof_subscribes_and_less_does_not(world: World) -> None:
    head = ["phone", "consent status", "consent source", "consent wording", "consent date"]
    rows = [
        ["+13105550142", "yes", "Form", "Text me", "2026-05-31"],
        ["+13105550143", "yes", "Form", "", "2026-05-31"],
        ["+13105550144", "yes", "", "", ""],
        ["+13105550145", "no", "Form", "Text me", "2026-05-31"],
        ["+13105550146", "unsubscribed", "", "", "2026-06-01"],
        ["+13105550147", "maybe", "", "", ""],
        ["+13105550148", "yes", "Form", "Text me", "2036-05-31"],
    ]
    job = bring_in(world.shop, written([head, *rows]), world)
    outcomes = rows_of(world.shop, job)
    assert [each[1] for each in outcomes] == [*["created"] * 5, "rejected", "rejected"]
    assert [each[2] for each in outcomes[5:]] == ["invalid_consent", "in_the_future"]
    assert job.counts["tallies"] == {"subscribed": 1, "unproven": 2, "unsubscribed": 1}
    assert outcomes[1][3] == "consent not proven: no wording"
    assert [status(world, f"+1310555014{n}") for n in (2, 3, 4, 5, 6)] == [
        "subscribed",
        "never_subscribed",
        "never_subscribed",
        "never_subscribed",
        "unsubscribed",
    ]
    with tenant_scope(world.shop.tenant.id):
        (record,) = consent_history("+13105550142", with_personal=True)
        assert (record.source, record.disclosure) == ("import", "Text me")
        assert record.personal["entered_by"] == "user:owner@juniper.example"


def test_the_general_proof_fills_what_a_row_leaves_empty(world: World) -> None:
    bring_in(world.shop, b"phone\n3105550142\n", world, **PROOF)
    assert status(world, "+13105550142") == "subscribed"


def test_an_opt_out_of_a_file_takes_waiting_texts_along_at_once(world: World) -> None:
    phones = ["+13105550142", "+13105550143"]
    texts: dict[str, list[UUID]] = {}
    for brand in (world.shop, world.other):
        made = make_shop(brand, now=world.now)
        with tenant_scope(brand.tenant.id):
            people = [make_contact(phone, now=world.now) for phone in phones]
            wishes = [intent(person, made.plain_id) for person in people]
            decided = decide(wishes, now=world.now)
            assert [each.status for each in decided] == ["queued", "queued"]
            texts[brand.tenant.slug] = [each.message_id for each in decided if each.message_id]
    file = b"phone,consent status,consent date\n3105550142,unsubscribed,2026-06-01\n"
    before = check(world.shop, file, world)
    with tenant_scope(world.shop.tenant.id):
        assert not Message.objects.filter(status="canceled").exists()
    begin(world.shop, before, world)
    go_on(world.shop, before, world)
    with tenant_scope(world.shop.tenant.id):
        rows = [Message.objects.get(id=each) for each in texts["juniper"]]
        assert [(row.status, row.reason) for row in rows] == [
            ("canceled", "unsubscribed"),
            ("queued", ""),
        ]
        # Nobody who is in a file that says so is told by text.
        assert Message.objects.count() == 2
    with tenant_scope(world.other.tenant.id):
        assert set(Message.objects.values_list("status", flat=True)) == {"queued"}


def test_an_opt_out_stands_and_so_does_an_erased_numbers(world: World) -> None:
    shop = world.shop.tenant.id
    with tenant_scope(shop):
        ids = resolve_contacts(
            [IdentityRef(phone=f"+1310555014{n}") for n in (2, 3)], now=world.now
        )
        stops = [
            OptOut(f"+1310555014{n}", key, "keyword", {"body": "STOP"}, world.now)
            for n, key in zip((2, 3), ids, strict=True)
        ]
        record_opt_outs(stops, now=world.now)
        assert ids[1] is not None
        erase_contact(ids[1], now=world.now)
    late = World(world.shop, world.other, world.now + timedelta(days=30))
    job = bring_in(
        world.shop,
        b"phone,opted in\n3105550142,yes\n3105550143,yes\n",
        late,
        **(PROOF | {"consent_date": (world.now + timedelta(days=9)).date().isoformat()}),
    )
    assert job.counts["tallies"] == {"stop_stands": 2}
    assert status(late, "+13105550142") == "unsubscribed"
    assert status(late, "+13105550143") == "unsubscribed"


def test_somebody_erased_after_the_check_is_not_brought_back(world: World) -> None:
    with tenant_scope(world.shop.tenant.id):
        (key,) = resolve_contacts([IdentityRef(phone="+13105550142")], now=world.now)
    job = check(world.shop, b"phone,name\n3105550142,Maya\n3105550143,Ann\n", world)
    with tenant_scope(world.shop.tenant.id):
        assert key is not None
        erase_contact(key, now=world.now)
    begin(world.shop, job, world)
    go_on(world.shop, job, world)
    assert short(rows_of(world.shop, job)) == [(2, "rejected", "erased"), (3, "created", "")]
    assert set(contacts(world)) == {"+13105550143"}


def test_an_import_starts_no_flow_unless_it_is_told_to(world: World) -> None:
    for starts, lane, number in ((False, "backfill", "42"), (True, "bulk", "43")):
        bring_in(world.shop, f"phone\n31055501{number}\n".encode(), world, starts=starts, **PROOF)
        with tenant_scope(world.shop.tenant.id):
            key = contacts_by_phone([f"+131055501{number}"])[f"+131055501{number}"]
            told = Event.objects.filter(contact_id=key)
            names = {event.name for event in told}
            assert names == {"Contact Changed", "SMS Subscribed"}
            assert {event.backfill for event in told} == {not starts}
            batches = {event.batch_id for event in told}
            lanes = EventBatch.objects.filter(id__in=batches).values_list("lane", flat=True)
            assert set(lanes) == {lane}


def test_the_four_column_file_of_a_new_shop(world: World) -> None:
    data = (
        b"\xef\xbb\xbfphone;opt-in status;opt-in source;last purchase date\r\n"
        b"(310) 555-0142;subscribed;Checkout;05/31/2026\r\n"
        b"(310) 555-0143;subscribed;Checkout;06/02/2026\r\n"
    )
    job = bring_in(
        world.shop, data, world, date_order="month_first", consent_wording="Text me",
        consent_date="2026-05-01",
    )  # fmt: skip
    assert job.counts["created"] == 2
    assert contacts(world)["+13105550142"].attributes == {"last_purchase_date": "2026-05-31"}
    assert status(world, "+13105550143") == "subscribed"


def test_an_export_can_be_imported_again(world: World) -> None:
    bring_in(world.shop, b"phone,name,tags\n3105550142,Maya,new|vip\n", world)
    export = Export(world.shop.tenant.id, with_personal=True)
    file = b"".join(write_contacts(export, now=world.now))
    assert b"'+13105550142" in file
    job = bring_in(world.shop, file, world)
    assert short(rows_of(world.shop, job)) == [(2, "unchanged", "")]
    bring_in(world.other, file, world)
    with tenant_scope(world.other.tenant.id):
        assert Contact.objects.get().first_name == "Maya"


CELL = st.one_of(
    st.sampled_from(
        ["", "+13105550142", "3105550143", "(310) 555-0144", "12", "a@b.example", "A@B.example"]
    ),
    st.sampled_from(["u1", "u2", "null", "=1+1", "-5", "yes", "no", "unsubscribed"]),
    st.sampled_from(["\x00", '"', 'x"y', "a,b"]),
    st.text(max_size=5),
)


@given(
    rows=st.lists(st.lists(CELL, min_size=1, max_size=6), min_size=1, max_size=14),
    limit=st.integers(1, 6),
    quoted=st.booleans(),
)
@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_every_row_of_any_file_ends_in_exactly_one_outcome(
    rows: list[list[str]], limit: int, quoted: bool, db: None, now: datetime
) -> None:
    # A workspace of its own for each file.
    brand = make_brand(f"x{new_id().hex[-12:]}", name="Juniper & Oak", now=now)
    world = World(brand, brand, now)
    head = ",".join(HEAD).encode() + b"\n"
    body = (
        written(rows)
        if quoted
        else "\n".join(",".join(row) for row in rows).encode("utf-8", "replace")
    )
    mapping = {index: Target(name) for index, name in enumerate(HEAD)}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("imports.domain.files.is_header", lambda *_, **__: True)
        try:
            job = upload(world.shop, head + body, world)
        except Invalid:
            return  # no row can be read, and it is said so
    job = begin_check(world.shop, job, world, mapping=mapping, **PROOF)
    go_on(world.shop, job, world, limit=limit)
    job = read(world.shop, job.id)
    checked = rows_of(world.shop, job, "check")
    lines = [each[0] for each in checked]
    assert len(lines) == len(set(lines)) == job.row_count
    assert {each[1] for each in checked} <= set(OUTCOMES)
    assert sum(job.checked[name] for name in OUTCOMES) == job.row_count
    if not sum(job.checked[name] for name in OUTCOMES[:3]):
        return
    begin(world.shop, job, world)
    go_on(world.shop, job, world, limit=limit + 1)
    assert rows_of(world.shop, job) == checked
    with tenant_scope(world.shop.tenant.id):
        made = sum(each[1] == "created" for each in checked)
        assert Contact.objects.filter(added_by="import").count() == made


def test_a_set_of_rows_costs_the_same_queries_however_many_there_are(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Read once in a few seconds: not by the first set alone, nor by a slow one twice.
    monkeypatch.setattr("people.domain.definitions._SECONDS", 3600.0)
    with tenant_scope(world.shop.tenant.id):
        attribute_rules()
    counted = []
    for start, size in ((1000, 20), (2000, 200)):
        rows = [["phone", "name", "opted in"]]
        rows += [[f"+1310555{start + n}", f"N{n}", "yes"] for n in range(size)]
        both = []
        job = begin_check(world.shop, upload(world.shop, written(rows), world), world, **PROOF)
        for stage in ("check", "run"):
            with CaptureQueriesContext(connection) as seen:
                go_on(world.shop, job, world)
            both.append(len(seen))
            with tenant_scope(world.shop.tenant.id):
                assert ImportOutcome.objects.filter(of=job, stage=stage).count() == 1
            if stage == "check":
                begin(world.shop, job, world)
        counted.append(both)
    assert counted[0] == counted[1]
