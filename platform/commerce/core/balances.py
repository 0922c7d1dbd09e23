"""A reward account after everything told of it, in whatever order it was told. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from commerce.core.facts import Fact, fact, read_stamp, remember
from commerce.core.money import read_currency, to_minor
from commerce.core.reading import Data, read_count, read_text, read_url

_AMOUNTS = ("balance", "reward_balance", "reward_amount")
_BEFORE = ("previous_balance", "previous_reward_balance")
_POINTS = ("points", "points_balance")
_TIERS = ("tier", "loyalty_tier", "vip_tier")
UNTOUCHED = datetime(1970, 1, 1, tzinfo=UTC)
_KEPT = 20


@dataclass(slots=True)
class Account:
    """A reward account as stored. `previous_*`: what stood there before the newest telling."""

    contact_id: UUID
    balance_minor: int = 0
    previous_minor: int | None = None
    points: int | None = None
    previous_points: int | None = None
    currency: str = ""
    redeem_url: str = ""
    tier: str = ""
    balance_at: datetime = UNTOUCHED
    event_id: UUID | None = None
    facts: list[Fact] = field(default_factory=list)


def read_balance(data: Data, event_id: UUID, at: datetime, *, default: str) -> Fact | None:
    """What one event tells; None when it names neither an amount, points nor a tier."""
    currency = read_currency(data.get("currency"), default)
    points, tier = read_count(data, _POINTS), read_text(data, _TIERS, 100)
    balance = _first(data, _AMOUNTS, currency)
    if balance is None and points is None and tier is None:
        return None
    return fact(
        event_id,
        at,
        currency=currency,
        balance=balance,
        before=_first(data, _BEFORE, currency),
        points=points,
        tier=tier,
        redeem_url=read_url(data, ("redeem_url", "redeem_link")),
    )


def apply_balance(account: Account, new: Fact) -> bool:
    """False when it says nothing new."""
    kept = remember(account.facts, new, keep=_KEPT)
    if kept is None:
        return False
    account.facts = kept
    stands: dict[str, Any] = {}
    for one in kept:
        stands = stand_after(stands, one)
    for name, value in stands.items():
        setattr(account, name, value)
    return True


def stand_after(stands: dict[str, Any], one: Fact) -> dict[str, Any]:
    """The columns after one more telling, given those before it ({}: none yet)."""
    same = bool(stands) and stands["currency"] == one["currency"]
    before = one.get("before", stands["balance_minor"] if same else None)
    return {
        "balance_minor": one.get("balance", stands.get("balance_minor", 0)),
        "previous_minor": before,
        "points": one.get("points", stands.get("points")),
        "previous_points": stands.get("points"),
        "currency": one["currency"],
        "redeem_url": one.get("redeem_url", stands.get("redeem_url", "")),
        "tier": one.get("tier", stands.get("tier", "")),
        "balance_at": read_stamp(one["at"]),
        "event_id": UUID(one["id"]),
    }


def before_of(account: Account, event_id: UUID) -> dict[str, Any] | None:
    """The columns as they were right after that telling; None when it is not kept."""
    stands: dict[str, Any] = {}
    for one in account.facts:
        stands = stand_after(stands, one)
        if one["id"] == event_id.hex:
            return stands
    return None


def _first(data: Data, names: tuple[str, ...], currency: str) -> int | None:
    amounts = [to_minor(data.get(name), currency) for name in names]
    return next((amount for amount in amounts if amount is not None), None)
