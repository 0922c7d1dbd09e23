"""The hot queries use an index as the application's role: row security hides none of them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection

from delivery.domain import queries
from delivery.domain.callbacks import apply_callbacks
from delivery.domain.canceling import cancel_messages
from delivery.domain.claiming import claim_queued
from delivery.domain.clicks import classify_clicks
from delivery.domain.deciding import decide, redecide_due, sender_room
from delivery.domain.inbound import InboundSms, receive_inbound
from delivery.domain.links import find_target
from delivery.domain.reconciling import reconcile
from tenancy.clock import wall_now
from tenancy.ids import new_id
from tenancy.scope import current_tenant_id_or_none, tenant_scope
from tests.delivery.making import LA, Shop, intent, make_contact

pytestmark = pytest.mark.django_db
# Few rows by their nature, whatever the workspace sends.
SMALL = {"delivery_sender", "delivery_gateway"}


def scanned(work: Callable[[], object]) -> list[str]:
    """Tables of ours that a statement of `work` reads from end to end."""
    seen: list[tuple[str, Any]] = []

    def note(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if "delivery_" in sql and not many and current_tenant_id_or_none() is not None:
            seen.append((sql, params))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(note):
        work()
    found = []
    for sql, params in seen:
        with connection.cursor() as cursor:
            # A planner that may not scan still does when no index serves.
            cursor.execute("SET LOCAL enable_seqscan = off")
            cursor.execute(f"EXPLAIN (FORMAT JSON) {sql}", params)
            plan = cursor.fetchone()[0]
            cursor.execute("SET LOCAL enable_seqscan = on")
        found += list(seq_scans(plan[0]["Plan"]))
    return found


def seq_scans(node: dict[str, Any]) -> list[str]:
    table = node.get("Relation Name", "")
    mine = table.startswith("delivery_") and table not in SMALL
    found = [table] if node["Node Type"] == "Seq Scan" and mine else []
    for child in node.get("Plans", ()):
        found += seq_scans(child)
    return found


def test_no_stage_reads_a_table_from_end_to_end(shop: Shop, now: datetime) -> None:
    night = datetime(2026, 11, 17, 8, 0, tzinfo=UTC)
    later = wall_now() + timedelta(days=2)
    with tenant_scope(shop.tenant_id):
        contact = make_contact(LA, now=night)
        decide([intent(contact, shop.version_id)], now=night)
        found = scanned(lambda: decide([intent(contact, shop.version_id)], now=now))
        found += scanned(lambda: redecide_due(shop.tenant_id, now=now))
        found += scanned(lambda: sender_room(now=now))
        found += scanned(lambda: claim_queued(16, now=now, wall=wall_now()))
        found += scanned(lambda: apply_callbacks(shop.tenant_id, now=now))
        found += scanned(lambda: classify_clicks(shop.tenant_id, now=now))
        found += scanned(lambda: reconcile(shop.tenant_id, wall=later))
        sms = InboundSms("SM1", LA, "+12025550100", "STOP")
        found += scanned(lambda: receive_inbound(shop.gateway, sms, now=now))
        found += scanned(lambda: cancel_messages(run_ids=[new_id()], reason="exited", now=now))
        for read in (queries.clicks_of, queries.links_of, queries.attempts_of):
            found += scanned(lambda read=read: read([new_id()]))  # type: ignore[misc]
        found += scanned(lambda: queries.inbound_of(contact))
        found += scanned(queries.newest_inbound)
        found += scanned(queries.list_senders)
    found += scanned(lambda: find_target("AAAAAAAA"))
    assert found == []
