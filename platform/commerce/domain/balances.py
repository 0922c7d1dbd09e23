"""Reward balances as events tell of them, each with the one before it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.db import connection

from commerce.core.money import decimals_of, read_currency, to_minor
from commerce.core.reading import read_count, read_url
from events.core.names import LOYALTY_BALANCE_CHANGED
from events.domain.rows import EventRow
from tenancy.ids import new_ids
from tenancy.scope import current_tenant_id

_COLUMNS = (
    "contact_id, balance_minor, previous_minor, points, previous_points, currency, redeem_url,"
    " balance_at, event_id"
)
_AMOUNTS = ("balance", "reward_balance", "reward_amount")
_BEFORE = ("previous_balance", "previous_reward_balance")
_POINTS = ("points", "points_balance")
_UNTOUCHED = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(slots=True)
class _Account:
    contact_id: UUID
    balance_minor: int
    previous_minor: int | None
    points: int | None
    previous_points: int | None
    currency: str
    redeem_url: str
    balance_at: datetime
    event_id: UUID | None


def project_balances(events: Sequence[EventRow], *, currency: str) -> dict[UUID, dict[str, Any]]:
    """Keeps the newest balance per contact; returns {"previous_balance"} per event."""
    ours = [e for e in events if e.name == LOYALTY_BALANCE_CHANGED and e.contact_id]
    if not ours:
        return {}
    accounts = _lock_accounts({e.contact_id for e in ours if e.contact_id}, currency)
    before: dict[UUID, dict[str, Any]] = {}
    changed: set[UUID] = set()
    for event in ours:
        assert event.contact_id is not None  # noqa: S101 (filtered above)
        account = accounts[event.contact_id]
        if account.event_id == event.id:
            before[event.id] = _shown(account)
        elif _apply(account, event, currency):
            before[event.id] = _shown(account)
            changed.add(event.contact_id)
    _write_accounts([accounts[each] for each in sorted(changed)])
    return before


def _apply(account: _Account, event: EventRow, default: str) -> bool:
    if event.occurred_at < account.balance_at:
        return False
    data = event.properties
    currency = read_currency(data.get("currency"), default)
    amounts = [to_minor(data.get(name), currency) for name in _AMOUNTS]
    balance = next((amount for amount in amounts if amount is not None), None)
    points = read_count(data, _POINTS)
    if balance is None and points is None:
        return False
    is_first = account.event_id is None
    told = [to_minor(data.get(name), currency) for name in _BEFORE]
    account.previous_minor = next(
        (amount for amount in told if amount is not None),
        None if is_first or account.currency != currency else account.balance_minor,
    )
    account.previous_points = None if is_first else account.points
    account.balance_minor = balance if balance is not None else account.balance_minor
    account.points = points if points is not None else account.points
    account.currency = currency
    account.redeem_url = read_url(data, ("redeem_url", "redeem_link")) or account.redeem_url
    account.balance_at = event.occurred_at
    account.event_id = event.id
    return True


def _shown(account: _Account) -> dict[str, Any]:
    """In the units of the event: 9.5 for 950 cents."""
    if account.previous_minor is None:
        return {"previous_balance": None, "previous_points": account.previous_points}
    amount = account.previous_minor / 10 ** decimals_of(account.currency)
    return {"previous_balance": amount, "previous_points": account.previous_points}


def _lock_accounts(contact_ids: set[UUID], currency: str) -> dict[UUID, _Account]:
    wanted, tenant_id = sorted(contact_ids), current_tenant_id()
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO commerce_loyaltyaccount
                (id, tenant_id, contact_id, balance_minor, currency, redeem_url, balance_at)
            SELECT id, %s, contact_id, 0, %s, '', %s
            FROM unnest(%s::uuid[], %s::uuid[]) AS made(id, contact_id)
            ON CONFLICT (tenant_id, contact_id) DO NOTHING
            """,
            [tenant_id, currency, _UNTOUCHED, new_ids(len(wanted)), wanted],
        )
        cursor.execute(
            f"SELECT {_COLUMNS} FROM commerce_loyaltyaccount"
            " WHERE tenant_id = %s AND contact_id = ANY(%s) ORDER BY contact_id FOR UPDATE",
            [tenant_id, wanted],
        )
        return {row[0]: _Account(*row) for row in cursor.fetchall()}


def _write_accounts(accounts: Sequence[_Account]) -> None:
    if not accounts:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE commerce_loyaltyaccount held SET balance_minor = given.balance_minor,
                previous_minor = given.previous_minor, points = given.points,
                previous_points = given.previous_points, currency = given.currency,
                redeem_url = given.redeem_url, balance_at = given.balance_at,
                event_id = given.event_id
            FROM unnest(%s::uuid[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[],
                        %s::text[], %s::text[], %s::timestamptz[], %s::uuid[])
              AS given(contact_id, balance_minor, previous_minor, points, previous_points,
                       currency, redeem_url, balance_at, event_id)
            WHERE held.tenant_id = %s AND held.contact_id = given.contact_id
              AND held.contact_id = ANY(%s)
            """,
            [
                [each.contact_id for each in accounts],
                [each.balance_minor for each in accounts],
                [each.previous_minor for each in accounts],
                [each.points for each in accounts],
                [each.previous_points for each in accounts],
                [each.currency for each in accounts],
                [each.redeem_url for each in accounts],
                [each.balance_at for each in accounts],
                [each.event_id for each in accounts],
                current_tenant_id(),
                [each.contact_id for each in accounts],
            ],
        )
