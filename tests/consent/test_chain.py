"""The ledger proves itself: replay gives the state, tampering shows, erasing does not hurt."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from django.conf import settings
from django.db import Error, connection, transaction

from consent.core.chain import GENESIS
from consent.domain.contact_points import find_tokens
from consent.domain.erasing import erase_evidence
from consent.domain.opt_ins import OptIn, expire_pending, record_opt_ins
from consent.domain.opt_outs import OptOut, record_opt_outs
from consent.domain.reviews import Review, close_review, open_reviews
from consent.domain.sealing import seal_ledger
from consent.domain.suppressions import NewSuppression, lift_suppression, suppress
from consent.domain.verifying import replayed_state, verify_chain
from consent.models import Consent, ConsentEvidence, ConsentRecord
from tenancy.scope import tenant_scope
from tests.consent.conftest import PHONES, People
from tests.support import database


def live_a_little(people: People, *, seed: int = 1, acts: int = 60) -> None:
    """Random acts of all kinds on all numbers, a seal now and then."""
    pick = random.Random(seed)
    now = people.now - timedelta(days=350)
    for _ in range(acts):
        now += timedelta(hours=pick.randint(1, 200))
        phone = pick.choice(PHONES)
        act = pick.randrange(8)
        if act <= 2:
            source = pick.choice(["keyword", "start", "confirmation", "api", "web_form"])
            record_opt_ins([OptIn(phone, source, now, legal_basis="pewc")], now=now)
        elif act <= 4:
            source = pick.choice(["keyword", "provider", "wrong_number", "web_form", "complaint"])
            record_opt_outs([OptOut(phone, None, source, {"body": f"no {now}"}, now)], now=now)
        elif act == 5:
            suppress([NewSuppression(phone, "landline", now)], now=now)
            if pick.random() < 0.5:
                lift_suppression(phone, reason="landline", actor="user:o@x", now=now)
        elif act == 6:
            open_reviews([Review(phone, None, "review:legal", {"body": "lawyer"}, now)], now=now)
            if pick.random() < 0.5:
                close_review(phone, decision="keep", actor="user:o@x", now=now)
        else:
            expire_pending(now=now)
            seal_ledger(now=now)


@pytest.mark.parametrize("seed", range(6))
def test_replaying_the_ledger_reproduces_the_state(shop: People, seed: int) -> None:
    live_a_little(shop, seed=seed)
    report = verify_chain()
    assert report.ok, report.faults
    assert report.records == ConsentRecord.objects.count() > 20
    assert report.seals >= 1
    for token in find_tokens(PHONES).values():
        stored = {
            consent.message_type: (consent.status, consent.since)
            for consent in Consent.objects.filter(phone_token=token)
        }
        replayed = replayed_state(token)
        assert stored == {
            name: (state.status, state.since) for name, state in replayed.types.items()
        }


def test_the_application_cannot_change_or_remove_a_record(shop: People) -> None:
    live_a_little(shop, acts=10)
    for statement in (
        "UPDATE consent_consentrecord SET kind = 'opt_in'",
        "DELETE FROM consent_consentrecord",
        "UPDATE consent_consentseal SET seal_hash = ''",
        "DELETE FROM consent_consentdisclosure",
    ):
        with pytest.raises(Error, match="permission denied"), transaction.atomic():
            connection.cursor().execute(statement)


@contextmanager
def as_owner() -> Iterator[Callable[..., Any]]:
    """What an intruder with the owner's password could do."""
    given = database.owner_url(str(settings.DATABASES["default"]["NAME"]))
    with psycopg.connect(
        dbname=str(given["NAME"]),
        user=str(given["USER"]),
        password=str(given["PASSWORD"]) or None,
        host=str(given["HOST"]) or None,
        port=str(given["PORT"]) or None,
    ) as owner:
        yield owner.execute


TAMPERING = [
    # (statement on one record, fault it must show)
    ("UPDATE consent_consentrecord SET kind = 'opt_in' WHERE {last}", "altered_record"),
    ("UPDATE consent_consentrecord SET source = 'web_form' WHERE {first}", "altered_record"),
    (
        "UPDATE consent_consentrecord SET occurred_at = occurred_at - interval '1 s' WHERE {first}",
        "altered_record",
    ),
    ("UPDATE consent_consentrecord SET digests = '{{}}' WHERE {first}", "altered_record"),
    ("UPDATE consent_consentrecord SET previous_hash = 'x' WHERE {last}", "broken_link"),
    ("UPDATE consent_consentrecord SET row_hash = 'x' WHERE {last}", "altered_record"),
    (
        "UPDATE consent_consentevidence SET personal = jsonb_set(personal, '{{phone}}', '\"+1\"')"
        " WHERE record_id IN (SELECT id FROM consent_consentrecord WHERE {first})",
        "altered_evidence",
    ),
    (
        "UPDATE consent_contactpoint SET chain_length = chain_length - 1 WHERE phone_token = '{token}'",
        "cut_off",
    ),
    (
        "UPDATE consent_consent SET status = 'subscribed' WHERE phone_token = '{token}'",
        "wrong_projection",
    ),
    (
        "DELETE FROM consent_suppression WHERE phone_token = '{token}'",
        "wrong_projection",
    ),
    ("UPDATE consent_consentseal SET seal_hash = 'x' WHERE number = 1", "broken_seal"),
]


@pytest.mark.parametrize(("statement", "fault"), TAMPERING)
def test_tampering_shows(committed_people: People, statement: str, fault: str) -> None:
    people = committed_people
    with tenant_scope(people.shop_id):
        at = people.now
        record_opt_ins([OptIn(phone, "keyword", at) for phone in PHONES], now=at)
        later = at + timedelta(days=1)
        record_opt_outs([OptOut(PHONES[0], None, "complaint", {"body": "x"}, later)], now=later)
        seal_ledger(now=later)
        assert verify_chain().ok
        token = find_tokens([PHONES[0]])[PHONES[0]]
    last = f"phone_token = '{token}' AND kind = 'opt_out'"
    first = f"phone_token = '{token}' AND position = 1"
    with as_owner() as execute:
        execute(statement.format(last=last, first=first, token=token))
    with tenant_scope(people.shop_id):
        report = verify_chain()
        assert fault in {found.code for found in report.faults}
        assert not verify_chain(token).ok or fault == "broken_seal"


def test_cutting_off_the_end_shows_even_when_the_head_is_forged(committed_people: People) -> None:
    people = committed_people
    with tenant_scope(people.shop_id):
        record_opt_ins([OptIn(PHONES[0], "keyword", people.now)], now=people.now)
        record_opt_outs([OptOut(PHONES[0], None, "keyword", {}, people.now)], now=people.now)
        seal_ledger(now=people.now)
        token = find_tokens([PHONES[0]])[PHONES[0]]
    with as_owner() as execute:
        execute("DELETE FROM consent_consent WHERE phone_token = %s", [token])
        execute(
            "DELETE FROM consent_consentevidence WHERE record_id IN (SELECT id FROM"
            " consent_consentrecord WHERE phone_token = %s)",
            [token],
        )
        execute("DELETE FROM consent_consentrecord WHERE phone_token = %s", [token])
        execute(
            "UPDATE consent_contactpoint SET chain_length = 0, chain_head = %s"
            " WHERE phone_token = %s",
            [GENESIS, token],
        )
    with tenant_scope(people.shop_id):
        assert [fault.code for fault in verify_chain().faults] == ["broken_seal"]


def test_erasing_leaves_chain_stop_and_proof(shop: People) -> None:
    live_a_little(shop, seed=3)
    record_opt_outs(
        [OptOut(PHONES[0], None, "web_form", {"ip": "203.0.113.9"}, shop.now)], now=shop.now
    )
    assert erase_evidence([PHONES[0]]) > 0
    token = find_tokens([PHONES[0]])[PHONES[0]]
    assert not ConsentEvidence.objects.filter(record__phone_token=token).exists()
    assert verify_chain().ok
    with connection.cursor() as cursor:
        for table in (
            "consent_consentrecord",
            "consent_consentevidence",
            "consent_consent",
            "consent_contactpoint",
            "consent_suppression",
            "consent_capslot",
        ):
            cursor.execute(
                f"SELECT count(*) FROM {table} t WHERE t::text LIKE %s", ["%2125550100%"]
            )
            assert cursor.fetchone() == (0,)
    later = shop.now + timedelta(days=60)
    (again,) = record_opt_ins([OptIn(PHONES[0], "api", later, legal_basis="pewc")], now=later)
    assert again.code == "stop_stands"


def test_a_seal_covers_what_was_written_since_the_last_one(shop: People) -> None:
    assert seal_ledger(now=shop.now) is None
    record_opt_ins([OptIn(phone, "keyword", shop.now) for phone in PHONES], now=shop.now)
    first = seal_ledger(now=shop.now)
    record_opt_outs([OptOut(PHONES[1], None, "keyword", {}, shop.now)], now=shop.now)
    second = seal_ledger(now=shop.now)
    assert first is not None
    assert second is not None
    assert (first.number, first.chain_count, first.record_count) == (1, 3, 3)
    assert (second.number, second.chain_count, second.record_count) == (2, 1, 1)
    assert second.previous_hash == first.seal_hash
    assert seal_ledger(now=shop.now) is None


def test_a_number_keeps_its_stop_when_the_pepper_changes(shop: People, settings: Any) -> None:
    record_opt_outs([OptOut(PHONES[0], None, "keyword", {}, shop.now)], now=shop.now)
    old = find_tokens([PHONES[0]])[PHONES[0]]
    settings.KAIROS_PEPPERS = ["k2:new-pepper", *settings.KAIROS_PEPPERS]
    tokens = find_tokens(PHONES)
    assert tokens[PHONES[0]] == old
    assert tokens[PHONES[1]].startswith("k2:")
    (result,) = record_opt_ins(
        [OptIn(PHONES[0], "api", shop.now, legal_basis="pewc")], now=shop.now
    )
    assert result.code == "stop_stands"
