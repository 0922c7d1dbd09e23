"""Stays in segments of contacts that are merged.

Who belongs where afterwards is looked at when the workers react to the merge; until then the
survivor is wherever one of the two was. Nobody "entered" because of that.
"""

from __future__ import annotations

from people.domain.moving import (
    Moves,
    keep_rows,
    move_rows,
    remake_rows,
    restore_rows,
    return_rows,
)
from segments.models import SegmentDue, SegmentMembership

_IN_BOTH = """
    t.left_at IS NULL AND EXISTS (
        SELECT 1 FROM segments_segmentmembership own WHERE own.tenant_id = t.tenant_id
          AND own.contact_id = pair.survivor_id AND own.segment_id = t.segment_id
          AND own.left_at IS NULL)
"""
_SIZE = """
    UPDATE segments_segment g SET size = g.size + tally.count
    FROM (SELECT segment_id, %(sign)s * count(*) AS count FROM changed GROUP BY segment_id) tally
    WHERE g.tenant_id = %(tenant)s AND g.id = tally.segment_id
"""
# Two stays at once of what is one person now: the merged contact's ends.
_END = f"""
    WITH changed AS (
        UPDATE segments_segmentmembership t SET left_at = %(now)s FROM {{pairs}}
        WHERE t.tenant_id = %(tenant)s AND t.contact_id = ANY(%(merged)s::uuid[])
          AND t.contact_id = pair.merged_id AND t.left_at IS NULL
        RETURNING t.segment_id)
    {_SIZE}
"""
_COUNT_AGAIN = f"""
    WITH changed AS (
        SELECT t.segment_id FROM people_movedrows m JOIN {{pairs}} ON pair.merge_id = m.merge_id,
          unnest(m.row_ids) AS kept(id) JOIN segments_segmentmembership t
            ON t.tenant_id = %(tenant)s AND t.id = kept.id AND t.left_at IS NULL
        WHERE m.tenant_id = %(tenant)s AND m.merge_id = ANY(%(merges)s::uuid[])
          AND m.table_name = 'segments_segmentmembership' AND m.before IS NOT NULL)
    {_SIZE}
"""


def follow(moves: Moves) -> None:
    move_rows(SegmentMembership, moves, only=f"NOT ({_IN_BOTH})")
    keep_rows(SegmentMembership, moves, "t.contact_id = pair.merged_id AND t.left_at IS NULL")
    moves.run(_END, sign=-1)
    keep_rows(SegmentDue, moves, "t.contact_id = pair.merged_id")
    moves.run(
        "DELETE FROM segments_segmentdue WHERE tenant_id = %(tenant)s"
        " AND contact_id = ANY(%(merged)s::uuid[])"
    )


def go_back(moves: Moves) -> None:
    remake_rows(SegmentDue, moves)
    return_rows(SegmentMembership, moves)
    restore_rows(SegmentMembership, moves)
    moves.run(_COUNT_AGAIN, sign=1)
