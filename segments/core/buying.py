"""Attributes that are worked out from what contacts buy, hold and wait for. Pure.

    {"attribute": "buying.order_count", "op": "gte", "value": 2}
    {"attribute": "buying.days_since_last_order", "op": "gt", "value": 60}
    {"attribute": "appointment.state", "op": "is", "value": "scheduled"}

They are asked like any other attribute. Objects answer with the one that texts show too: the open
one whose date comes first, else the one told of last.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from commerce.core.objects import KINDS, MEANINGS
from events.core import names

_ORDERS = frozenset(
    {names.ORDER_COMPLETED, names.ORDER_UPDATED, names.ORDER_REFUNDED, names.ORDER_CANCELLED}
)
_LOOKS = frozenset({names.PRODUCT_VIEWED, names.PRODUCT_ADDED})
_CARTS = frozenset(
    {
        names.PRODUCT_ADDED,
        names.PRODUCT_REMOVED,
        names.CART_VIEWED,
        "Cart Updated",
        names.CHECKOUT_STARTED,
        names.ORDER_COMPLETED,
    }
)
_DECIMALS = (
    "CASE WHEN {of} IN ('BIF','CLP','DJF','GNF','ISK','JPY','KMF','KRW','PYG','RWF','UGX','UYI',"
    "'VND','VUV','XAF','XOF','XPF') THEN 1.0 WHEN {of} IN ('BHD','IQD','JOD','KWD','LYD','OMR',"
    "'TND') THEN 1000.0 ELSE 100.0 END"
)


def _money(column: str) -> str:
    return f"round({column} / {_DECIMALS.format(of='s.currency')}, 3)::float8"


def _age(column: str) -> str:
    return f"floor(extract(epoch FROM %(now)s::timestamptz - {column}) / 86400)::int"


def _ahead(column: str) -> str:
    return f"ceil(extract(epoch FROM {column} - %(now)s::timestamptz) / 86400)::int"


@dataclass(frozen=True, slots=True)
class Worked:
    """One worked-out attribute: `value` as SQL on its source's row `s`, `missing` without a row.

    `clock`: the column whose distance in days it is, and the sign: 1 counts up, -1 down.
    """

    source: str
    value: str
    events: frozenset[str]
    missing: str = "NULL"
    clock: tuple[str, int] | None = None


def _row(table: str, rest: str = "") -> str:
    return (
        f"(SELECT * FROM {table} r WHERE r.tenant_id = %(tenant)s AND r.contact_id = c.id{rest}) s"
    )


_SUMMARY = _row("commerce_buyingsummary")
_ACCOUNT = _row("commerce_loyaltyaccount")
_CART = _row("commerce_cart", " AND r.state = 'open' ORDER BY r.updated_at DESC LIMIT 1")
_both = _ORDERS | _LOOKS
_WORKED: dict[str, Worked] = {
    "buying.order_count": Worked(_SUMMARY, "s.order_count", _ORDERS, "0"),
    "buying.lifetime_value": Worked(_SUMMARY, _money("s.net_minor"), _ORDERS, "0"),
    "buying.average_order": Worked(_SUMMARY, _money("s.average_minor"), _ORDERS),
    "buying.first_order_at": Worked(_SUMMARY, "s.first_order_at", _ORDERS),
    "buying.last_order_at": Worked(_SUMMARY, "s.last_order_at", _ORDERS),
    "buying.days_since_last_order": Worked(
        _SUMMARY, _age("s.last_order_at"), _ORDERS, clock=("s.last_order_at", 1)
    ),
    "buying.last_category": Worked(_SUMMARY, "nullif(s.last_category, '')", _ORDERS),
    "buying.categories": Worked(_SUMMARY, "s.categories", _ORDERS),
    "buying.preferred_category": Worked(_SUMMARY, "nullif(s.preferred_category, '')", _both),
    "buying.preferred_confidence": Worked(_SUMMARY, "s.preferred_confidence", _both),
    "buying.last_viewed_product": Worked(_SUMMARY, "nullif(s.last_viewed_key, '')", _both),
    "buying.most_viewed_product": Worked(_SUMMARY, "nullif(s.most_viewed_key, '')", _both),
    "buying.reorder_at": Worked(_SUMMARY, "s.reorder_at", _ORDERS),
    "buying.days_until_reorder": Worked(
        _SUMMARY, _ahead("s.reorder_at"), _ORDERS, clock=("s.reorder_at", -1)
    ),
    "buying.reorder_product": Worked(_SUMMARY, "nullif(s.reorder_key, '')", _ORDERS),
    "loyalty.points": Worked(_ACCOUNT, "s.points", frozenset({names.LOYALTY_BALANCE_CHANGED})),
    "loyalty.balance": Worked(
        _ACCOUNT, _money("s.balance_minor"), frozenset({names.LOYALTY_BALANCE_CHANGED})
    ),
    "loyalty.tier": Worked(
        _ACCOUNT, "nullif(s.tier, '')", frozenset({names.LOYALTY_BALANCE_CHANGED})
    ),
    "cart.value": Worked(_CART, _money("s.value_minor"), _CARTS),
    "cart.checkout_started_at": Worked(_CART, "s.checkout_at", _CARTS),
}
for _kind in KINDS:
    _object = _row(
        "commerce_customobject",
        f" AND r.kind = '{_kind}' ORDER BY r.is_open DESC,"
        " CASE WHEN r.is_open THEN r.due_at END NULLS LAST, r.updated_at DESC, r.key LIMIT 1",
    )
    _told = frozenset(name for name, meaning in MEANINGS.items() if meaning.kind == _kind)
    _WORKED |= {
        f"{_kind}.state": Worked(_object, "s.state", _told),
        f"{_kind}.is_open": Worked(_object, "s.is_open", _told),
        f"{_kind}.due_at": Worked(_object, "s.due_at", _told),
        f"{_kind}.days_until_due": Worked(
            _object, _ahead("s.due_at"), _told, clock=("s.due_at", -1)
        ),
    }
WORKED: Mapping[str, Worked] = _WORKED
# What people call them.
WORKED_NAMES: Mapping[str, str] = {
    "buying.order_count": "number of orders",
    "buying.lifetime_value": "lifetime value",
    "buying.average_order": "average order",
    "buying.first_order_at": "first order",
    "buying.last_order_at": "last order",
    "buying.days_since_last_order": "number of days since the last order",
    "buying.last_category": "last category bought",
    "buying.categories": "categories bought",
    "buying.preferred_category": "preferred category",
    "buying.preferred_confidence": "confidence in the preferred category",
    "buying.last_viewed_product": "last viewed product",
    "buying.most_viewed_product": "most viewed product",
    "buying.reorder_at": "expected reorder",
    "buying.days_until_reorder": "number of days until the expected reorder",
    "buying.reorder_product": "product to reorder",
    "loyalty.points": "loyalty points",
    "loyalty.balance": "loyalty balance",
    "loyalty.tier": "loyalty tier",
    "cart.value": "cart value",
    "cart.checkout_started_at": "start of checkout",
    **{
        f"{kind}.{name}": words.format(kind=kind)
        for kind in KINDS
        for name, words in (
            ("state", "{kind} state"),
            ("is_open", "{kind} being open"),
            ("due_at", "{kind} date"),
            ("days_until_due", "number of days until the {kind} date"),
        )
    },
}


def find_worked(attribute: str) -> Worked | None:
    """The worked-out attribute of this name, if it is one."""
    return WORKED.get(attribute)


def value_sql(one: Worked) -> str:
    """Its JSON value for the contact `c`; SQL NULL when there is none. Needs `tenant` and `now`."""
    missing = "NULL" if one.missing == "NULL" else f"to_jsonb({one.missing})"
    return f"COALESCE((SELECT to_jsonb({one.value}) FROM {one.source}), {missing}::jsonb)"


def due_sql(one: Worked, whole_days: float) -> str | None:
    """The next moment at which its number of days becomes another one than `whole_days` splits,
    for the contact `c`; None when time does not change it.

    A number that counts up passes n at column + n days and n + 1 a day later; one that counts down
    mirrors that. The first such moment after `now` is the next time to look.
    """
    if one.clock is None:
        return None
    column, sign = one.clock
    base = int(whole_days)
    moments = ", ".join(
        f"({column} + interval '{sign * (base + step)} days')" for step in (-1, 0, 1)
    )
    return (
        f"(SELECT min(at) FROM {one.source}, unnest(ARRAY[{moments}]) AS moments(at)"
        " WHERE at > %(now)s::timestamptz)"
    )


def numbers_in(value: Any) -> list[float]:
    """The numbers that a condition's value compares with."""
    found = value if isinstance(value, list) else [value]
    return [
        float(each)
        for each in found
        if isinstance(each, int | float) and not isinstance(each, bool) and abs(each) < 40_000
    ]
