"""Which flows and campaigns use a segment, for the segments' own pages."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from uuid import UUID

from django.db import connection

from segments.models import Segment
from tenancy.ids import show_id
from tenancy.scope import current_tenant_id
from triggers.core.definition import BadDefinition, SegmentTrigger, decode_definition
from triggers.core.plan import build_plan
from triggers.models import Campaign, Flow, FlowVersion
from web.uses import Use, Uses

STARTS, ASKS = "starts it", "asked in a split"
_HOW = {"audience": "its audience", "excluded": "left out"}


def uses_in_flows(segments: Sequence[Segment], most: int) -> Mapping[UUID, Uses]:
    """Flows whose live version or draft names a segment. Two queries."""
    ids = {segment.slug: segment.id for segment in segments}
    flows = list(Flow.objects.exclude(status=Flow.Status.ARCHIVED).order_by("name", "id"))
    wanted = [v for f in flows for v in (f.live_version_id, f.draft_version_id) if v is not None]
    definitions = dict(FlowVersion.objects.filter(id__in=wanted).values_list("id", "definition"))
    found: dict[UUID, list[Use]] = defaultdict(list)
    for flow in flows:
        how: dict[str, str] = {}
        for version_id in (flow.draft_version_id, flow.live_version_id):
            how |= dict(_named(definitions.get(version_id)))
        for slug in sorted(set(how) & set(ids)):
            said = f"{flow.get_status_display()}, {how[slug]}"
            found[ids[slug]].append(Use("Flow", flow.name, said, "triggers:flow", flow.slug))
    return {key: Uses(len(those), tuple(those[:most])) for key, those in found.items()}


def uses_in_campaigns(segments: Sequence[Segment], most: int) -> Mapping[UUID, Uses]:
    """Campaigns to a segment or without it, the newest first. One query."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT segment_id, total, id, name, status, how FROM (
                SELECT u.segment_id, u.how, c.id, c.name, c.status,
                       count(*) OVER (PARTITION BY u.segment_id) AS total,
                       row_number() OVER (
                           PARTITION BY u.segment_id ORDER BY c.created_at DESC, c.id DESC
                       ) AS place
                FROM triggers_campaign c CROSS JOIN LATERAL (
                    SELECT c.segment_id, 'audience' AS how WHERE c.segment_id = ANY(%(ids)s)
                    UNION ALL
                    SELECT x, 'excluded' FROM unnest(c.excluded) AS x WHERE x = ANY(%(ids)s)
                ) AS u
                WHERE c.tenant_id = %(tenant)s
            ) AS used WHERE place <= %(most)s ORDER BY segment_id, place
            """,
            {
                "tenant": current_tenant_id(),
                "ids": [segment.id for segment in segments],
                "most": most,
            },
        )
        rows = cursor.fetchall()
    found: dict[UUID, Uses] = {}
    for segment_id, total, campaign_id, name, status, how in rows:
        said = f"{Campaign.Status(status).label}, {_HOW[how]}"
        use = Use("Campaign", name, said, "triggers:campaign", show_id("cmp", campaign_id))
        held = found.get(segment_id, Uses(total))
        found[segment_id] = Uses(total, (*held.first, use))
    return found


def _named(raw: Any) -> Iterator[tuple[str, str]]:
    """(slug, how) of the segments that a version names; what starts it comes last and wins."""
    if raw is None:
        return
    try:
        definition = decode_definition(raw)
    except BadDefinition:
        return
    for slug in build_plan(definition).segments:
        yield slug, ASKS
    if isinstance(definition.trigger, SegmentTrigger):
        yield definition.trigger.segment, STARTS
