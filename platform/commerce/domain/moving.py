"""Carts, orders, requests, balances, objects and summaries of contacts that are merged."""

from __future__ import annotations

from commerce.core.affinity import LOOKS_KEPT
from commerce.domain.summaries import make_summaries, refresh_summaries
from commerce.models import (
    BackInStockRequest,
    BuyingSummary,
    Cart,
    CustomObject,
    LoyaltyAccount,
    Order,
)
from people.domain.moving import (
    Moves,
    keep_rows,
    move_rows,
    remake_rows,
    restore_rows,
    return_rows,
)
from people.domain.queries import workspace_defaults


def _asked_by(other: str) -> str:
    """`t` is open, and so is a request of the other contact for the same product."""
    return f"""
        (t.fulfilled_at IS NULL AND EXISTS (
            SELECT 1 FROM commerce_backinstockrequest own
            WHERE own.tenant_id = t.tenant_id AND own.contact_id = pair.{other}
              AND own.product_id = t.product_id AND own.fulfilled_at IS NULL))
    """


# Both ask to hear of the same product: the survivor's request stays, as old as the older of the
# two, and the other one is settled by it.
_TWICE = (
    f"(t.contact_id = pair.merged_id AND {_asked_by('survivor_id')}"
    f" OR t.contact_id = pair.survivor_id AND {_asked_by('merged_id')})"
)
_SETTLE = """
    WITH twice AS (
        UPDATE commerce_backinstockrequest t SET fulfilled_at = %(now)s FROM {pairs}
        WHERE t.tenant_id = %(tenant)s AND t.contact_id = ANY(%(merged)s::uuid[])
          AND t.contact_id = pair.merged_id AND t.fulfilled_at IS NULL
        RETURNING pair.survivor_id, t.product_id, t.requested_at)
    UPDATE commerce_backinstockrequest t SET requested_at = least(t.requested_at, twice.requested_at)
    FROM twice
    WHERE t.tenant_id = %(tenant)s AND t.contact_id = twice.survivor_id
      AND t.product_id = twice.product_id AND t.fulfilled_at IS NULL
"""
_ACCOUNT = (
    "balance_minor, previous_minor, points, previous_points, currency, redeem_url, tier,"
    " balance_at, event_id, facts"
)
_OTHERS = ", ".join(f"other.{name}" for name in _ACCOUNT.split(", "))
# Two balances: the one told of last counts. The shop's own account is one, so they never add up.
_NEWER = """
    t.contact_id = pair.survivor_id AND EXISTS (
        SELECT 1 FROM commerce_loyaltyaccount other WHERE other.tenant_id = t.tenant_id
          AND other.contact_id = pair.merged_id AND other.balance_at > t.balance_at)
"""
_TAKE_NEWER = f"""
    UPDATE commerce_loyaltyaccount t SET ({_ACCOUNT}) = ROW({_OTHERS})
    FROM {{pairs}}, commerce_loyaltyaccount other
    WHERE t.tenant_id = %(tenant)s AND t.contact_id = ANY(%(survivors)s::uuid[])
      AND t.contact_id = pair.survivor_id AND other.tenant_id = t.tenant_id
      AND other.contact_id = pair.merged_id AND other.balance_at > t.balance_at
"""
_ONLY_ONE = """
    NOT EXISTS (SELECT 1 FROM commerce_loyaltyaccount own WHERE own.tenant_id = t.tenant_id
                AND own.contact_id = pair.survivor_id)
"""
# No newer balance was told of since the merge.
_STILL = """
    EXISTS (SELECT 1 FROM commerce_loyaltyaccount other WHERE other.tenant_id = t.tenant_id
            AND other.contact_id = was.merged_id
            AND other.event_id IS NOT DISTINCT FROM t.event_id)
"""


# Who filled a cart stands in its facts, and decides whose it is.
_RENAME = """
    UPDATE commerce_cart t SET facts = replace(t.facts::text, {old}, {new})::jsonb FROM {{pairs}}
    WHERE t.tenant_id = %(tenant)s AND t.contact_id = ANY({ids}) AND {which}
"""
_HEX = "replace(pair.{}_id::text, '-', '')"
_TO_SURVIVOR = _RENAME.format(
    old=_HEX.format("merged"),
    new=_HEX.format("survivor"),
    ids="%(merged)s::uuid[] || %(survivors)s::uuid[]",
    which="t.contact_id IN (pair.merged_id, pair.survivor_id)",
)
# Only what is theirs again; what others filled since is not told apart.
_TO_MERGED = _RENAME.format(
    old=_HEX.format("survivor"),
    new=_HEX.format("merged"),
    ids="%(merged)s::uuid[]",
    which="t.contact_id = pair.merged_id",
)
_BOTH = "t.contact_id IN (pair.merged_id, pair.survivor_id)"
# The newest looks of both, as if one person had looked.
_JOIN_LOOKS = """
    UPDATE commerce_buyingsummary t SET looks = (
        SELECT coalesce(jsonb_agg(look ORDER BY look ->> 'at', look ->> 'id'), '[]')
        FROM (SELECT look FROM jsonb_array_elements(t.looks || other.looks) AS each(look)
              ORDER BY look ->> 'at' DESC, look ->> 'id' DESC LIMIT %(most)s) AS newest)
    FROM {pairs}, commerce_buyingsummary other
    WHERE t.tenant_id = %(tenant)s AND t.contact_id = ANY(%(survivors)s::uuid[])
      AND t.contact_id = pair.survivor_id AND other.tenant_id = t.tenant_id
      AND other.contact_id = pair.merged_id
"""


def follow(moves: Moves) -> None:
    moves.run(_TO_SURVIVOR)
    move_rows(Cart, moves)
    move_rows(Order, moves)
    keep_rows(BackInStockRequest, moves, _TWICE)
    move_rows(BackInStockRequest, moves, only=f"NOT {_asked_by('survivor_id')}")
    moves.run(_SETTLE)
    keep_rows(LoyaltyAccount, moves, _NEWER)
    moves.run(_TAKE_NEWER)
    move_rows(LoyaltyAccount, moves, only=_ONLY_ONE)
    move_rows(CustomObject, moves)
    _join_summaries(moves)


def go_back(moves: Moves) -> None:
    return_rows(CustomObject, moves)
    return_rows(LoyaltyAccount, moves)
    restore_rows(LoyaltyAccount, moves, only=_STILL)
    return_rows(BackInStockRequest, moves)
    # The survivor's own may have been fulfilled meanwhile; then it stays so.
    restore_rows(
        BackInStockRequest, moves, only="(t.contact_id = was.merged_id OR t.fulfilled_at IS NULL)"
    )
    return_rows(Order, moves)
    return_rows(Cart, moves)
    moves.run(_TO_MERGED)
    # The looks as they were; the orders counted anew, with those that came in since.
    restore_rows(BuyingSummary, moves)
    remake_rows(BuyingSummary, moves)
    both = {each for pair in moves.pairs for each in (pair.survivor_id, pair.merged_id)}
    refresh_summaries(both, currency=workspace_defaults().currency)
    BuyingSummary.objects.filter(contact_id__in=both, lifetime={}, looks=[]).delete()


def _join_summaries(moves: Moves) -> None:
    currency = workspace_defaults().currency
    survivors = {pair.survivor_id for pair in moves.pairs}
    make_summaries(survivors, currency=currency)
    keep_rows(BuyingSummary, moves, _BOTH)
    moves.run(_JOIN_LOOKS, most=LOOKS_KEPT)
    moves.run(
        "DELETE FROM commerce_buyingsummary WHERE tenant_id = %(tenant)s"
        " AND contact_id = ANY(%(merged)s::uuid[])"
    )
    refresh_summaries(survivors, currency=currency)
