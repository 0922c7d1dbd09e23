"""Carts, orders, requests and balances of contacts that are merged."""

from __future__ import annotations

from commerce.models import BackInStockRequest, Cart, LoyaltyAccount, Order
from people.domain.moving import Moves, keep_rows, move_rows, restore_rows, return_rows


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
    "balance_minor, previous_minor, points, previous_points, currency, redeem_url, balance_at,"
    " event_id"
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


def follow(moves: Moves) -> None:
    move_rows(Cart, moves)
    move_rows(Order, moves)
    keep_rows(BackInStockRequest, moves, _TWICE)
    move_rows(BackInStockRequest, moves, only=f"NOT {_asked_by('survivor_id')}")
    moves.run(_SETTLE)
    keep_rows(LoyaltyAccount, moves, _NEWER)
    moves.run(_TAKE_NEWER)
    move_rows(LoyaltyAccount, moves, only=_ONLY_ONE)


def go_back(moves: Moves) -> None:
    return_rows(LoyaltyAccount, moves)
    restore_rows(LoyaltyAccount, moves, only=_STILL)
    return_rows(BackInStockRequest, moves)
    # The survivor's own may have been fulfilled meanwhile; then it stays so.
    restore_rows(
        BackInStockRequest, moves, only="(t.contact_id = was.merged_id OR t.fulfilled_at IS NULL)"
    )
    return_rows(Order, moves)
    return_rows(Cart, moves)
