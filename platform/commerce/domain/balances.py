"""Reward balances as events tell of them, each with the one before it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import orjson
from django.db import connection

from commerce.core.balances import UNTOUCHED, Account, apply_balance, before_of, read_balance
from commerce.core.money import decimals_of
from events.core.names import LOYALTY_BALANCE_CHANGED
from events.domain.rows import EventRow
from tenancy.ids import new_ids
from tenancy.scope import current_tenant_id

_COLUMNS = (
    "contact_id",
    "balance_minor",
    "previous_minor",
    "points",
    "previous_points",
    "currency",
    "redeem_url",
    "tier",
    "balance_at",
    "event_id",
    "facts",
)
_TYPES = {
    "contact_id": "uuid",
    "balance_minor": "bigint",
    "previous_minor": "bigint",
    "points": "bigint",
    "previous_points": "bigint",
    "balance_at": "timestamptz",
    "event_id": "uuid",
}
_ARRAYS = ", ".join(f"%s::{_TYPES.get(name, 'text')}[]" for name in _COLUMNS)


def project_balances(events: Sequence[EventRow], *, currency: str) -> dict[UUID, dict[str, Any]]:
    """Keeps the newest balance per contact; returns {"previous_balance"} per event that was the
    newest when it came."""
    ours = [e for e in events if e.name == LOYALTY_BALANCE_CHANGED and e.contact_id]
    if not ours:
        return {}
    accounts = _lock_accounts({e.contact_id for e in ours if e.contact_id}, currency)
    before: dict[UUID, dict[str, Any]] = {}
    changed: set[UUID] = set()
    for event in ours:
        assert event.contact_id is not None  # noqa: S101 (filtered above)
        account = accounts[event.contact_id]
        told = read_balance(event.properties, event.id, event.occurred_at, default=currency)
        if told is None:
            continue
        if apply_balance(account, told):
            changed.add(event.contact_id)
        stood = before_of(account, event.id) if account.event_id == event.id else None
        if stood is not None:
            before[event.id] = _shown(stood)
    _write_accounts([accounts[each] for each in sorted(changed)])
    return before


def _shown(stood: dict[str, Any]) -> dict[str, Any]:
    """In the units of the event: 9.5 for 950 cents."""
    minor, points = stood["previous_minor"], stood["previous_points"]
    amount = None if minor is None else minor / 10 ** decimals_of(stood["currency"])
    return {"previous_balance": amount, "previous_points": points}


def _lock_accounts(contact_ids: set[UUID], currency: str) -> dict[UUID, Account]:
    wanted, tenant_id = sorted(contact_ids), current_tenant_id()
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO commerce_loyaltyaccount
                (id, tenant_id, contact_id, balance_minor, currency, redeem_url, tier, balance_at,
                 facts)
            SELECT id, %s, contact_id, 0, %s, '', '', %s, '[]'
            FROM unnest(%s::uuid[], %s::uuid[]) AS made(id, contact_id)
            ON CONFLICT (tenant_id, contact_id) DO NOTHING
            """,
            [tenant_id, currency, UNTOUCHED, new_ids(len(wanted)), wanted],
        )
        cursor.execute(
            f"SELECT {', '.join(_COLUMNS)} FROM commerce_loyaltyaccount"
            " WHERE tenant_id = %s AND contact_id = ANY(%s) ORDER BY contact_id FOR UPDATE",
            [tenant_id, wanted],
        )
        return {row[0]: _account_of(row) for row in cursor.fetchall()}


def _account_of(row: Sequence[Any]) -> Account:
    values = dict(zip(_COLUMNS, row, strict=True))
    if isinstance(values["facts"], str):
        values["facts"] = orjson.loads(values["facts"])
    return Account(**values)


def _write_accounts(accounts: Sequence[Account]) -> None:
    if not accounts:
        return
    settings = ", ".join(
        f"{name} = given.{name}{'::jsonb' if name == 'facts' else ''}" for name in _COLUMNS[1:]
    )
    arrays = [[getattr(each, name) for each in accounts] for name in _COLUMNS[:-1]]
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            UPDATE commerce_loyaltyaccount held SET {settings}
            FROM unnest({_ARRAYS}) AS given({", ".join(_COLUMNS)})
            WHERE held.tenant_id = %s AND held.contact_id = given.contact_id
              AND held.contact_id = ANY(%s)
            """,
            [
                *arrays,
                [orjson.dumps(each.facts).decode() for each in accounts],
                current_tenant_id(),
                [each.contact_id for each in accounts],
            ],
        )
