"""When a change of stock or price is news by itself. Pure; an edge, never a level."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from uuid import UUID


@dataclass(frozen=True, slots=True)
class PriceDrop:
    """`minor`: by how much, in minor units. `percent`: of the old price, tenths, rounded down, so
    that a condition of "20 percent and more" never holds for 19.99."""

    before_minor: int
    minor: int
    percent: float


def is_restocked(known: int | None, after: int, *, stated: int | None = None) -> bool:
    """Whether a product can be bought again that could not be a moment ago.

    `known`: the stock until now; None is a product seen for the first time, which has not come
    back from anywhere. `stated`: the stock before as the shop tells it. It shows a way out and
    back that was never heard of, except where nothing moved: that is the same news told again.
    """
    if known is None or after <= 0:
        return False
    return known <= 0 or (stated is not None and stated <= 0 and known != after)


def price_drop(known: int | None, after: int, *, stated: int | None = None) -> PriceDrop | None:
    """How far a price fell, all in minor units of one currency; None when it did not.

    `known`: the price until now; None is a product seen for the first time. `stated`: the price
    before as the shop tells it, which wins: an order at a discount may have told us another.
    """
    before = known if stated is None or known is None else stated
    if before is None or after < 0 or before <= after:
        return None
    minor = before - after
    return PriceDrop(before, minor, minor * 1000 // before / 10)


def restock_id(event_id: UUID) -> str:
    """The message id: one restock per event that told of it, however often it is looked at."""
    return f"restocked:{event_id}"


def price_drop_id(key: str, drop: PriceDrop, currency: str, at: datetime) -> str:
    """The message id: the same drop of the same product counts once a day (UTC). Shops repeat
    themselves, and a price that goes to and fro is no news each time."""
    told = f"{key}\n{drop.before_minor}\n{drop.minor}\n{currency}\n{at.astimezone(UTC):%Y-%m-%d}"
    return f"price-dropped:{sha256(told.encode()).hexdigest()[:40]}"
