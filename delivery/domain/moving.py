"""Texts, links, replies and conversations of contacts that are merged.

Texts that wait move as they are: the gate looks at them again before they go, and one that was
written to a number which is not the survivor's does not.
"""

from __future__ import annotations

from delivery.models import (
    Answer,
    Click,
    Conversation,
    InboundMessage,
    Message,
    TestNumber,
    TrackedLink,
)
from people.domain.moving import (
    Moves,
    keep_rows,
    move_rows,
    remake_rows,
    restore_rows,
    return_rows,
)

_TABLES = (Message, TrackedLink, Click, InboundMessage, Answer, TestNumber)
_BOTH_TALK = """
    t.contact_id IN (pair.survivor_id, pair.merged_id) AND 2 = (
        SELECT count(*) FROM delivery_conversation b WHERE b.tenant_id = t.tenant_id
          AND b.contact_id IN (pair.survivor_id, pair.merged_id))
"""
# What waits for an answer in either of them still waits in the one that stays.
_JOIN = """
    UPDATE delivery_conversation t SET
        state = CASE WHEN 'open' IN (t.state, other.state) THEN 'open'
                     WHEN other.active_at > t.active_at THEN other.state ELSE t.state END,
        waiting_since = least(t.waiting_since, other.waiting_since),
        last_inbound_at = greatest(t.last_inbound_at, other.last_inbound_at),
        last_outbound_at = greatest(t.last_outbound_at, other.last_outbound_at),
        active_at = greatest(t.active_at, other.active_at),
        settled_at = least(greatest(t.settled_at, other.settled_at),
            least(t.waiting_since, other.waiting_since) - interval '1 microsecond'),
        seen_at = CASE WHEN other.last_inbound_at > t.last_inbound_at THEN other.seen_at
                       ELSE t.seen_at END,
        answered_by_id = CASE WHEN other.last_outbound_at > t.last_outbound_at
            OR t.last_outbound_at IS NULL THEN other.answered_by_id ELSE t.answered_by_id END,
        answered_by = CASE WHEN other.last_outbound_at > t.last_outbound_at
            OR t.last_outbound_at IS NULL THEN other.answered_by ELSE t.answered_by END
    FROM {pairs}, delivery_conversation other
    WHERE t.tenant_id = %(tenant)s AND t.contact_id = ANY(%(survivors)s::uuid[])
      AND t.contact_id = pair.survivor_id
      AND other.tenant_id = t.tenant_id AND other.contact_id = pair.merged_id
"""
_REMOVE = """
    DELETE FROM delivery_conversation t USING {pairs}, delivery_conversation own
    WHERE t.tenant_id = %(tenant)s AND t.contact_id = ANY(%(merged)s::uuid[])
      AND t.contact_id = pair.merged_id
      AND own.tenant_id = t.tenant_id AND own.contact_id = pair.survivor_id
"""
# Nothing was said since: the survivor's conversation is what the merge made of it.
_STILL = """
    t.contact_id = was.survivor_id AND t.active_at <= (
        SELECT g.at FROM people_contactmerge g
        WHERE g.tenant_id = t.tenant_id AND g.id = was.merge_id)
"""


def follow(moves: Moves) -> None:
    for model in _TABLES:
        move_rows(model, moves)
    keep_rows(Conversation, moves, _BOTH_TALK)
    moves.run(_JOIN)
    moves.run(_REMOVE)
    move_rows(Conversation, moves)


def go_back(moves: Moves) -> None:
    return_rows(Conversation, moves)
    restore_rows(Conversation, moves, only=_STILL)
    remake_rows(Conversation, moves)
    for model in _TABLES:
        return_rows(model, moves)
