"""Runs, entry decisions and threshold levels of contacts that are merged.

A run of the merged contact in a flow where the survivor has the same run ends; the survivor's goes
on. All others move and go on with the survivor.
"""

from __future__ import annotations

from consent.models import CapSlot
from delivery.models import Message
from events.domain.merging import move_log, return_log
from people.domain.moving import (
    Moves,
    keep_rows,
    move_rows,
    remake_rows,
    restore_rows,
    return_rows,
)
from triggers.models import DateDue, EntryDecision, FlowRun, RunStep

MERGED = "merged"
_LOG = EntryDecision._meta.db_table
_SAME_RUN = """
    t.contact_id = pair.merged_id AND t.ended_at IS NULL AND EXISTS (
        SELECT 1 FROM triggers_flowrun own WHERE own.tenant_id = t.tenant_id
          AND own.contact_id = pair.survivor_id AND own.flow_id = t.flow_id
          AND own.entry_key = t.entry_key AND own.ended_at IS NULL)
"""
# The runs that were kept a moment ago, and what hangs on them.
_ENDED = """
    SELECT unnest(m.row_ids) FROM people_movedrows m
    WHERE m.tenant_id = %(tenant)s AND m.merge_id = ANY(%(merges)s::uuid[])
      AND m.table_name = 'triggers_flowrun' AND m.before IS NOT NULL
"""
_OPEN_TEXTS = """
    SELECT x.id FROM delivery_message x WHERE x.tenant_id = %(tenant)s
      AND x.status IN ('scheduled', 'queued') AND x.message_type <> 'compliance'
      AND x.source_kind <> 'reply' AND x.run_id = ANY(%(runs)s::uuid[])
"""
# A run whose moment passed, or whose flow is gone, is not brought back to life.
_STILL_AHEAD = """
    (was.due_at IS NULL OR was.due_at > %(now)s) AND EXISTS (
        SELECT 1 FROM triggers_flow f WHERE f.tenant_id = t.tenant_id AND f.id = t.flow_id
          AND f.status <> 'archived')
"""
_RUNS_AGAIN = """
    EXISTS (SELECT 1 FROM triggers_flowrun r WHERE r.tenant_id = t.tenant_id
            AND r.id = t.run_id AND r.ended_at IS NULL)
"""
_TEXT_AGAIN = """
    EXISTS (SELECT 1 FROM delivery_message x WHERE x.tenant_id = t.tenant_id
            AND x.id = t.message_id AND x.status IN ('scheduled', 'queued'))
"""
_SAME_DATE = """
    EXISTS (SELECT 1 FROM triggers_datedue own WHERE own.tenant_id = t.tenant_id
            AND own.contact_id = pair.survivor_id AND own.watch_id = t.watch_id
            AND own.subject = t.subject)
"""
_LEVELS = """
    WITH moved AS (
        UPDATE triggers_thresholdlevel t SET subject = pair.survivor_id::text FROM {pairs}
        WHERE t.tenant_id = %(tenant)s AND t.subject = pair.merged_id::text
          AND NOT EXISTS (
            SELECT 1 FROM triggers_thresholdlevel own WHERE own.tenant_id = t.tenant_id
              AND own.flow_id = t.flow_id AND own.subject = pair.survivor_id::text)
        RETURNING pair.merge_id, t.id)
    INSERT INTO people_movedrows (id, tenant_id, merge_id, table_name, row_ids)
    SELECT gen_random_uuid(), %(tenant)s, merge_id, 'triggers_thresholdlevel', array_agg(id)
    FROM moved GROUP BY merge_id
"""
_LEVELS_BACK = """
    UPDATE triggers_thresholdlevel t SET subject = was.merged_id::text
    FROM (SELECT pair.merged_id, unnest(m.row_ids) AS id
          FROM people_movedrows m JOIN {pairs} ON pair.merge_id = m.merge_id
          WHERE m.tenant_id = %(tenant)s AND m.merge_id = ANY(%(merges)s::uuid[])
            AND m.table_name = 'triggers_thresholdlevel') was
    WHERE t.tenant_id = %(tenant)s AND t.id = was.id
"""


def follow(moves: Moves) -> None:
    _end_same_runs(moves)
    move_rows(FlowRun, moves)
    move_rows(RunStep, moves)
    ways = [(pair.merged_id, pair.survivor_id) for pair in moves.pairs]
    move_log(_LOG, ways, moves.pairs)
    moves.run(_LEVELS)
    # What was told to one of them was told; when it comes next is worked out after the merge.
    move_rows(DateDue, moves, only=f"NOT ({_SAME_DATE})")
    keep_rows(DateDue, moves, "t.contact_id = pair.merged_id")
    moves.run(
        "DELETE FROM triggers_datedue WHERE tenant_id = %(tenant)s"
        " AND contact_id = ANY(%(merged)s::uuid[])"
    )


def go_back(moves: Moves) -> None:
    remake_rows(DateDue, moves)
    return_rows(DateDue, moves)
    moves.run(_LEVELS_BACK)
    for pair in moves.pairs:
        return_log(_LOG, pair.merge_id, pair.survivor_id, pair.merged_id)
    return_rows(RunStep, moves)
    return_rows(FlowRun, moves)
    restore_rows(FlowRun, moves, only=_STILL_AHEAD)
    restore_rows(RunStep, moves, only=_RUNS_AGAIN)
    restore_rows(Message, moves, only=f"was.expires_at > %(now)s AND {_RUNS_AGAIN}")
    restore_rows(CapSlot, moves, only=_TEXT_AGAIN)


def _end_same_runs(moves: Moves) -> None:
    """Ends them together with the texts they wait with. Nothing hears of it: nobody else cared."""
    keep_rows(FlowRun, moves, _SAME_RUN)
    runs = [row[0] for row in moves.run(_ENDED)]
    if not runs:
        return
    mine = "t.contact_id = pair.merged_id AND"
    keep_rows(
        RunStep, moves, f"{mine} t.left_at IS NULL AND t.run_id = ANY(%(runs)s::uuid[])", runs=runs
    )
    texts = [row[0] for row in moves.run(_OPEN_TEXTS, runs=runs)]
    keep_rows(Message, moves, f"{mine} t.id = ANY(%(texts)s::uuid[])", texts=texts)
    keep_rows(CapSlot, moves, f"{mine} t.message_id = ANY(%(texts)s::uuid[])", texts=texts)
    moves.run(
        "UPDATE triggers_flowrun SET state = 'exited', due_at = NULL, waiting = '{}',"
        " ended_at = %(now)s, exit_reason = %(reason)s"
        " WHERE tenant_id = %(tenant)s AND id = ANY(%(runs)s::uuid[])",
        runs=runs,
        reason=MERGED,
    )
    moves.run(
        "UPDATE triggers_runstep SET left_at = greatest(%(now)s, entered_at), outcome = 'exited'"
        " WHERE tenant_id = %(tenant)s AND run_id = ANY(%(runs)s::uuid[]) AND left_at IS NULL",
        runs=runs,
    )
    moves.run(
        "UPDATE delivery_message SET status = 'canceled', reason = %(reason)s, final_at = %(now)s,"
        " due_at = NULL WHERE tenant_id = %(tenant)s AND id = ANY(%(texts)s::uuid[])",
        texts=texts,
        reason=MERGED,
    )
    moves.run(
        "UPDATE consent_capslot SET state = 'released', released_at = %(now)s,"
        " release_reason = %(reason)s, counts_brand = false, counts_legal = false"
        " WHERE tenant_id = %(tenant)s AND message_id = ANY(%(texts)s::uuid[])",
        texts=texts,
        reason=MERGED,
    )
