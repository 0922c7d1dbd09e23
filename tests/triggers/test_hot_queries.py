"""With many runs stored, the hot reads touch few rows, as the application's role and the router's."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.conf import settings
from django.db import connection

from tenancy.clock import wall_now
from tenancy.ids import new_id
from tenancy.scope import tenant_scope
from tests.support import database
from tests.triggers.conftest import install
from tests.triggers.scene import Scene
from triggers.domain import entering, finding, queries, records, replies
from triggers.models import Flow

CONTACTS, RUNS_EACH = 1500, 10
# More rows than this looked at and thrown away means that no index led there.
FEW = 400
# Few rows by their nature, whatever the workspace sends.
SMALL = {"triggers_flow", "triggers_flowversion", "triggers_fanout", "triggers_watcheddate"}


@pytest.fixture
def crowded(committed_scene: Scene) -> Scene:
    """15,000 runs with two steps each, one in a hundred still on its way; 15,000 dates to come."""
    flow = install(committed_scene, "cart-recovery")
    now = committed_scene.now
    with tenant_scope(committed_scene.id) as tenant, connection.cursor() as cursor:
        given = {"tenant": tenant, "flow": flow.id, "version": flow.live_version_id, "now": now}
        cursor.execute(
            """
            INSERT INTO people_contact (id, tenant_id, phone_type, first_name, last_name, locale,
                timezone, timezone_source, city, region, postal_code, country, attributes,
                created_at, updated_at)
            SELECT gen_random_uuid(), %(tenant)s, '', '', '', '', '', '', '', '', '', '', '{}',
                %(now)s, %(now)s FROM generate_series(1, %(contacts)s)
            """,
            {**given, "contacts": CONTACTS},
        )
        cursor.execute(
            """
            INSERT INTO triggers_flowrun (id, tenant_id, flow_id, version_id, contact_id, entry_key,
                state, step_key, due_at, on_hold, waiting, outcomes, triggered_at, entered_at,
                anchor_at, ended_at, exit_reason, context)
            SELECT gen_random_uuid(), %(tenant)s, %(flow)s, %(version)s, c.id, 'k' || n,
                CASE WHEN running THEN 'active' ELSE 'finished' END, 'wait_1h',
                CASE WHEN running THEN %(now)s + n * interval '1 hour' END, false, '{}', '{}',
                %(now)s - n * interval '1 day', %(now)s - n * interval '1 day', %(now)s,
                CASE WHEN running THEN NULL ELSE %(now)s END, 'completed', '{}'
            FROM people_contact c, generate_series(1, %(each)s) n,
                LATERAL (SELECT hashtext(c.id::text || n) %% 100 = 0 AS running) AS chance
            WHERE c.tenant_id = %(tenant)s
            """,
            {**given, "each": RUNS_EACH},
        )
        cursor.execute(
            """
            INSERT INTO triggers_runstep (id, tenant_id, run_id, flow_id, version_id, contact_id,
                step_key, entered_at, left_at, outcome)
            SELECT gen_random_uuid(), %(tenant)s, r.id, r.flow_id, r.version_id, r.contact_id,
                'text_' || n, r.entered_at, r.entered_at + n * interval '1 hour', 'sent'
            FROM triggers_flowrun r, generate_series(1, 2) n WHERE r.tenant_id = %(tenant)s
            """,
            given,
        )
        cursor.execute(
            """
            INSERT INTO triggers_entrydecision (id, tenant_id, event_id, event_name, flow_id,
                contact_id, entered, reason, detail, at)
            SELECT gen_random_uuid(), %(tenant)s, gen_random_uuid(), 'Checkout Started', r.flow_id,
                r.contact_id, true, 'entered', '{}', r.entered_at
            FROM triggers_flowrun r WHERE r.tenant_id = %(tenant)s
            """,
            given,
        )
        cursor.execute(
            """
            INSERT INTO triggers_watcheddate (id, tenant_id, field, days, at, is_yearly, state,
                created_at)
            SELECT gen_random_uuid(), %(tenant)s, 'buying.reorder_at', n, '09:00', false, 'live',
                %(now)s FROM generate_series(1, 10) n
            """,
            given,
        )
        cursor.execute(
            """
            INSERT INTO triggers_datedue (id, tenant_id, watch_id, contact_id, subject, due_at,
                reached)
            SELECT gen_random_uuid(), %(tenant)s, w.id, c.id, '', %(now)s + w.days * interval '1 d',
                '' FROM people_contact c, triggers_watcheddate w WHERE c.tenant_id = %(tenant)s
            """,
            given,
        )
    with database._connect(str(settings.DATABASES["default"]["NAME"])) as owner:
        owner.execute("ANALYZE")
    return committed_scene


def plans_of(work: Callable[[], object]) -> Iterator[tuple[str, dict[str, Any]]]:
    seen: list[tuple[str, Any]] = []

    def note(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        found = execute(sql, params, many, context)
        if "triggers_" in sql and sql.lstrip(" (\n").upper().startswith("SELECT"):
            with connection.cursor() as cursor:
                cursor.cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {sql}", params)
                seen.append((sql, cursor.cursor.fetchone()[0][0]["Plan"]))
            execute(sql, params, many, context)  # EXPLAIN took the answer's place
        return found

    with connection.execute_wrapper(note):
        work()
    assert seen, "nothing of ours was read"
    yield from seen


def wasted(node: dict[str, Any]) -> Iterator[str]:
    """Nodes that read a table of runs from end to end or threw many rows away."""
    table = node.get("Relation Name", "")
    loops = node.get("Actual Loops", 1)
    if table.startswith("triggers_") and table not in SMALL:
        dropped = node.get("Rows Removed by Filter", 0) * loops
        if node["Node Type"] == "Seq Scan" or dropped > FEW:
            yield f"{node['Node Type']} on {table}, {dropped} rows thrown away"
    for child in node.get("Plans", ()):
        yield from wasted(child)


def test_hot_reads_touch_few_rows(crowded: Scene) -> None:
    now: datetime = crowded.now
    soon = now + timedelta(hours=1)
    with tenant_scope(crowded.id), connection.cursor() as cursor:
        cursor.execute("SELECT contact_id, id FROM triggers_flowrun ORDER BY id LIMIT 3")
        some = cursor.fetchall()
        flow = Flow.objects.get()
        contacts, runs = {row[0] for row in some}, [row[1] for row in some]
        reads: dict[str, Callable[[], object]] = {
            "find_due": lambda: records.find_due(soon, limit=50),
            "due_among": lambda: records.due_among(runs, contacts, soon),
            "running_of": lambda: records.running_of(contacts),
            "runs_by_id": lambda: records.runs_by_id(runs),
            "earlier": lambda: entering._earlier_runs([flow.id], contacts),
            "judged": lambda: entering._judged_before(flow.id, [new_id()]),
            "open texts": lambda: replies._open_texts(contacts, now),
            "notes": lambda: queries.run_notes(next(iter(contacts))),
        }
        found = {
            name: waste
            for name, read in reads.items()
            for _, plan in plans_of(read)
            if (waste := list(wasted(plan)))
        }
    assert found == {}


def test_the_sweep_probes_and_does_not_scan(crowded: Scene) -> None:
    now = crowded.now
    for look in (
        lambda: finding.tenants_with_work(business=now, wall=wall_now()),
        lambda: finding.due_stages(crowded.id, business=now, wall=wall_now()),
    ):
        for _, plan in plans_of(look):
            assert list(wasted(plan)) == []
