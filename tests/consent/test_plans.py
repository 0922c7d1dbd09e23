"""The queries each text pays for use their indexes, as the application's role."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from consent.domain.contact_points import lock_points
from consent.domain.facts import facts_for
from consent.domain.opt_ins import OptIn, record_opt_ins
from consent.domain.sealing import seal_ledger
from consent.domain.slots import NewSlot, count_slots, release_slots, reserve_slots
from tenancy.ids import new_id
from tests.consent.conftest import PHONES, People

TABLES = ("consent_consent", "consent_capslot", "consent_suppression", "consent_contactpoint")


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for child in plan.get("Plans", ()):
        yield from _nodes(child)


@pytest.fixture
def crowded(shop: People) -> People:
    """Enough rows that an index pays."""
    many = [f"+1212556{number:04d}" for number in range(600)]
    record_opt_ins([OptIn(phone, "keyword", shop.now) for phone in many], now=shop.now)
    reserve_slots(
        [NewSlot(new_id(), new_id(), phone, "cart", None, shop.now) for phone in many],
        now=shop.now,
    )
    return shop


def test_hot_queries_scan_no_table(crowded: People) -> None:
    contact = crowded.facts(PHONES[0])
    slot = NewSlot(new_id(), contact.id, PHONES[0], "cart", None, crowded.now)
    with CaptureQueriesContext(connection) as captured:
        facts_for([contact], now=crowded.now, lock=True)
        reserve_slots([slot], now=crowded.now)
        count_slots([slot.message_id], at=crowded.now)
        release_slots([slot.message_id], reason="x", definitely_not_taken=True)
        record_opt_ins([OptIn(PHONES[0], "keyword", crowded.now)], now=crowded.now)
        lock_points(["k1:nobody"])
        seal_ledger(now=crowded.now)
    scans = []
    statements = [query["sql"] for query in captured.captured_queries]
    assert len(statements) > 15
    with connection.cursor() as cursor:
        # Statistics of a rolled-back test know nothing of its rows; ask what the indexes allow.
        cursor.execute("SET LOCAL enable_seqscan = off")
        for statement in statements:
            if not statement.lstrip().startswith(("SELECT", "UPDATE", "DELETE", "WITH")):
                continue
            cursor.execute(f"EXPLAIN (FORMAT json) {statement}")
            (plan,) = cursor.fetchone()
            plan = json.loads(plan) if isinstance(plan, str) else plan
            scans += [
                (node["Relation Name"], statement)
                for node in _nodes(plan[0]["Plan"])
                if node["Node Type"] == "Seq Scan" and node.get("Relation Name") in TABLES
            ]
    assert scans == []
