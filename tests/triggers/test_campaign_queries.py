"""With many contacts and texts stored, campaigns read what they need by an index, and a funnel takes
the same number of queries whatever the audience."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

import pytest
from django.conf import settings
from django.db import connection
from django.test.utils import CaptureQueriesContext

from consent.domain.contact_points import find_tokens
from people.domain.definitions import attribute_rules
from tenancy.clock import advance_clock, business_now
from tenancy.ids import new_ids
from tenancy.scope import tenant_scope
from tests.support import database
from tests.triggers.campaigning import segment
from tests.triggers.scene import Scene
from triggers.domain.audiences import Audience, members_among, read_page
from triggers.domain.campaign_drafts import Wanted, create_campaign
from triggers.domain.campaign_numbers import numbers_of
from triggers.domain.funnels import measure_funnel

MANY = 20_000
FEW = 1500  # rows thrown away: more means that no index led there
HOT = ("people_contact", "segments_segmentmembership", "delivery_message")


@pytest.fixture
def crowd(committed_scene: Scene) -> Scene:
    advance_clock(committed_scene.now)
    return committed_scene


def fill(scene: Scene, count: int, segment_id: UUID, *, start: int = 0) -> list[UUID]:
    """Subscribed members of a segment, straight into the tables."""
    ids = new_ids(count)
    phones = [f"+1213{start + index:07d}" for index in range(2_000_000, 2_000_000 + count)]
    with tenant_scope(scene.id) as tenant, connection.cursor() as cursor:
        tokens = find_tokens(phones)
        cursor.execute("SELECT record_id FROM consent_consent LIMIT 1")
        given = {
            "tenant": tenant,
            "ids": ids,
            "phones": phones,
            "tokens": [tokens[phone] for phone in phones],
            "now": scene.now,
            "segment": segment_id,
            "record": cursor.fetchone()[0],
        }
        cursor.execute(
            """
            INSERT INTO people_contact (id, tenant_id, phone, phone_type, first_name, last_name,
                locale, timezone, timezone_source, city, region, postal_code, country, attributes,
                created_at, updated_at)
            SELECT id, %(tenant)s, phone, '', '', '', '', '', '', '', '', '', '', '{}', %(now)s,
                %(now)s FROM unnest(%(ids)s::uuid[], %(phones)s::text[]) AS new(id, phone)
            """,
            given,
        )
        cursor.execute(
            """
            INSERT INTO segments_segmentmembership (id, tenant_id, segment_id, contact_id,
                entered_at)
            SELECT gen_random_uuid(), %(tenant)s, %(segment)s, id, %(now)s
            FROM unnest(%(ids)s::uuid[]) AS new(id)
            """,
            given,
        )
        cursor.execute(
            """
            INSERT INTO consent_consent (id, tenant_id, phone_token, message_type, topic, status,
                since, source, had_consent, record_id)
            SELECT gen_random_uuid(), %(tenant)s, token, 'marketing', '', 'subscribed', %(now)s,
                'web_form', true, %(record)s FROM unnest(%(tokens)s::text[]) AS new(token)
            """,
            given,
        )
    return ids


def fill_texts(scene: Scene, contact_ids: list[UUID], campaign_ids: list[UUID]) -> None:
    with tenant_scope(scene.id) as tenant, connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO delivery_message (id, tenant_id, dedupe_key, contact_id, phone,
                message_type, source_kind, source_key, flow_id, step_key, priority, depth, status,
                reason, waited_for, expires_at, created_at, decided_at, sid, carrier_status,
                encoding, num_segments, link_count, tells_stop, fetches)
            SELECT gen_random_uuid(), %(tenant)s, id::text, id, '', 'marketing',
                CASE WHEN n %% 2 = 0 THEN 'campaign' ELSE 'flow' END, '',
                (%(campaigns)s::uuid[])[1 + n %% %(count)s], 'text', 30, 0, 'delivered', '', '',
                %(now)s, %(now)s, %(now)s, '', '', '', 1, 0, false, 0
            FROM unnest(%(ids)s::uuid[]) WITH ORDINALITY AS new(id, n)
            """,
            {
                "tenant": tenant,
                "ids": contact_ids,
                "campaigns": campaign_ids,
                "count": len(campaign_ids),
                "now": scene.now,
            },
        )
    with database._connect(str(settings.DATABASES["default"]["NAME"])) as owner:
        owner.execute("ANALYZE")


def plans_of(work: Callable[[], object]) -> Iterator[dict[str, Any]]:
    seen: list[Any] = []

    def note(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        execute(sql, params, many, context)
        with connection.cursor() as cursor:
            cursor.cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {sql}", params)
            seen.append(cursor.cursor.fetchone()[0][0]["Plan"])
        return execute(sql, params, many, context)

    with connection.execute_wrapper(note):
        work()
    assert seen
    yield from seen


def wasted(node: dict[str, Any]) -> Iterator[str]:
    table = node.get("Relation Name", "")
    dropped = node.get("Rows Removed by Filter", 0) * node.get("Actual Loops", 1)
    if table in HOT and (node["Node Type"] == "Seq Scan" or dropped > FEW):
        yield f"{node['Node Type']} on {table}, {dropped} rows thrown away"
    for child in node.get("Plans", ()):
        yield from wasted(child)


def test_hot_reads_touch_few_rows(crowd: Scene) -> None:
    everybody, small = (segment(crowd, slug, "none", slug) for slug in ("everybody", "small"))
    ids = fill(crowd, MANY, everybody.id)
    fill(crowd, 50, small.id, start=MANY)
    campaigns = new_ids(100)
    fill_texts(crowd, ids, campaigns)
    middle, some = ids[MANY // 2], ids[100:150]
    reads: dict[str, Callable[[], object]] = {
        "page": lambda: read_page(Audience(everybody.id), after=middle, limit=500),
        "excluding": lambda: read_page(
            Audience(everybody.id, (small.id,)), after=middle, limit=500
        ),
        "small": lambda: read_page(Audience(small.id), after=None, limit=500),
        "all": lambda: read_page(Audience(None), after=middle, limit=500),
        "recheck": lambda: members_among([everybody.id, small.id], some),
        "numbers": lambda: numbers_of([campaigns[4]]),
    }
    with tenant_scope(crowd.id):
        found = {
            name: waste
            for name, read in reads.items()
            for plan in plans_of(read)
            if (waste := list(wasted(plan)))
        }
        assert found == {}
        assert numbers_of([campaigns[4]])[campaigns[4]].sent == MANY // 100


def test_a_funnel_takes_as_many_queries_for_a_thousand_as_for_ten(crowd: Scene) -> None:
    counts: list[int] = []
    for slug, size in (("ten", 10), ("thousand", 1000)):
        held = segment(crowd, slug, "none", slug)
        fill(crowd, size, held.id, start=len(counts) * 100_000)
        with tenant_scope(crowd.id):
            wanted = Wanted(slug, audience="segment", segment=slug, body="Hi")
            campaign = create_campaign(wanted, now=business_now())
            attribute_rules()  # kept for seconds, so it may or may not be asked for again
            with CaptureQueriesContext(connection) as queries:
                funnel = measure_funnel(campaign, now=business_now())
        assert (funnel.selected, funnel.will_send) == (size, size)
        counts.append(len(queries))
    assert counts[0] == counts[1]
