"""What texts, pages and the API read of contacts' buying and of their objects, for whole sets."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import orjson
from django.db import connection

from commerce.core.money import show_money
from people.domain.queries import workspace_defaults
from tenancy.scope import current_tenant_id

Facts = dict[str, Any]

_SUMMARY = (
    "contact_id",
    "order_count",
    "first_order_at",
    "last_order_at",
    "last_category",
    "categories",
    "preferred_category",
    "preferred_confidence",
    "net_minor",
    "average_minor",
    "currency",
    "lifetime",
    "last_viewed_key",
    "last_viewed_at",
    "most_viewed_key",
    "reorder_at",
    "reorder_key",
    "reorder",
)
_OBJECT = (
    "contact_id",
    "kind",
    "key",
    "state",
    "is_open",
    "due_at",
    "opened_at",
    "updated_at",
    "properties",
)


def buying_of(contact_ids: Iterable[UUID], *, now: datetime) -> dict[UUID, Facts]:
    """What each contact's orders and looks add up to, of those who have any. One query.

    Besides the columns of BuyingSummary: "lifetime_value" and "average_order" as money in the
    workspace's currency, "days_since_last_order", and dates as people read them in the contact's
    zone ("last_order_on", "reorder_on").
    """
    columns = ", ".join(f"s.{name}" for name in _SUMMARY)
    found: dict[UUID, Facts] = {}
    for values, zone in _read(
        f"SELECT {columns}, c.timezone FROM commerce_buyingsummary s"
        " JOIN people_contact c ON c.tenant_id = s.tenant_id AND c.id = s.contact_id"
        " WHERE s.tenant_id = %s AND s.contact_id = ANY(%s)",
        _SUMMARY,
        contact_ids,
    ):
        known = dict(values)
        last = known["last_order_at"]
        known["lifetime_value"] = show_money(known["net_minor"], known["currency"])
        known["average_order"] = show_money(known["average_minor"], known["currency"])
        known["days_since_last_order"] = None if last is None else max(0, (now - last).days)
        known["last_order_on"] = _day(last, zone)
        known["reorder_on"] = _day(known["reorder_at"], zone)
        found[known.pop("contact_id")] = known
    return found


def current_objects_of(contact_ids: Iterable[UUID]) -> dict[UUID, dict[str, Facts]]:
    """By contact and kind the object that matters now: the open one whose date comes first, else
    the one told of last. One query; see `_shown_object` for what is told."""
    columns = ", ".join(f"o.{name}" for name in _OBJECT)
    found: dict[UUID, dict[str, Facts]] = defaultdict(dict)
    for values, zone in _read(
        f"SELECT DISTINCT ON (o.contact_id, o.kind) {columns}, c.timezone"
        " FROM commerce_customobject o"
        " JOIN people_contact c ON c.tenant_id = o.tenant_id AND c.id = o.contact_id"
        " WHERE o.tenant_id = %s AND o.contact_id = ANY(%s)"
        " ORDER BY o.contact_id, o.kind, o.is_open DESC,"
        " CASE WHEN o.is_open THEN o.due_at END NULLS LAST, o.updated_at DESC, o.key",
        _OBJECT,
        contact_ids,
    ):
        found[values["contact_id"]][values["kind"]] = _shown_object(values, zone)
    return dict(found)


def objects_of(contact_id: UUID, *, limit: int) -> list[Facts]:
    """A contact's objects of all kinds, open ones first, then the newest."""
    columns = ", ".join(f"o.{name}" for name in _OBJECT)
    return [
        {"kind": values["kind"], **_shown_object(values, zone)}
        for values, zone in _read(
            f"SELECT {columns}, c.timezone FROM commerce_customobject o"
            " JOIN people_contact c ON c.tenant_id = o.tenant_id AND c.id = o.contact_id"
            " WHERE o.tenant_id = %s AND o.contact_id = ANY(%s)"
            f" ORDER BY o.is_open DESC, o.updated_at DESC, o.kind, o.key LIMIT {int(limit)}",
            _OBJECT,
            [contact_id],
        )
    ]


def accessories_for(categories: Iterable[str]) -> dict[str, Facts]:
    """By category what goes with it: {"category"} and the best selling product of the first
    complementary category that has one in stock ({"key", "name", "url", "price", ...}). One query.
    """
    wanted = sorted({category for category in categories if category})
    if not wanted:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT DISTINCT ON (pair.category) pair.category, pair.complement, p.key, p.name,
                   p.price_minor, p.currency, p.url, p.image_url
            FROM commerce_complement pair
            LEFT JOIN LATERAL (
                SELECT * FROM commerce_product one
                WHERE one.tenant_id = pair.tenant_id AND one.category = pair.complement
                  AND one.name <> '' AND coalesce(one.stock, 1) > 0
                ORDER BY one.units_sold DESC, one.key LIMIT 1) AS p ON true
            WHERE pair.tenant_id = %s AND pair.category = ANY(%s)
            ORDER BY pair.category, p.key IS NULL, pair.position
            """,
            [current_tenant_id(), wanted],
        )
        return {
            row[0]: {"category": row[1], **_shown_product(row[2:])} for row in cursor.fetchall()
        }


def best_seller() -> Facts | None:
    """The product in stock that sold most in the 90 days before the last count."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT key, name, price_minor, currency, url, image_url FROM commerce_product"
            " WHERE tenant_id = %s AND units_sold > 0 AND name <> '' AND coalesce(stock, 1) > 0"
            " ORDER BY units_sold DESC, key LIMIT 1",
            [current_tenant_id()],
        )
        row = cursor.fetchone()
        return _shown_product(row) if row else None


def _shown_product(row: Sequence[Any]) -> Facts:
    key, name, price, currency, url, image = row
    if key is None:
        return {}
    return {
        "key": key,
        "name": name,
        "price": show_money(price, currency),
        "url": url,
        "image_url": image,
    }


def _shown_object(values: Mapping[str, Any], zone: str) -> Facts:
    """What the shop told of it, and "key", "state", "is_open", "due_at", "opened_at",
    "updated_at"; "due_on" and "due_text" are its date in the contact's zone, without and with the
    time."""
    due = values["due_at"]
    own = {name: values[name] for name in _OBJECT if name not in {"contact_id", "kind"}}
    told = own.pop("properties")
    return {
        **told,
        **own,
        "due_on": _day(due, zone),
        "due_text": f"{_day(due, zone)} at {due.astimezone(ZoneInfo(zone)):%H:%M}" if due else None,
    }


def _day(at: datetime | None, zone: str) -> str | None:
    if at is None:
        return None
    local = at.astimezone(ZoneInfo(zone))
    return f"{local:%a}, {local:%b} {local.day}"


def _read(
    query: str, names: Sequence[str], contact_ids: Iterable[UUID]
) -> Iterable[tuple[Facts, str]]:
    wanted = sorted(set(contact_ids))
    if not wanted:
        return []
    fallback = workspace_defaults().timezone
    with connection.cursor() as cursor:
        cursor.execute(query, [current_tenant_id(), wanted])
        rows = cursor.fetchall()
    return [(_plain(names, row), row[-1] or fallback) for row in rows]


def _plain(names: Sequence[str], row: Sequence[Any]) -> Facts:
    values = dict(zip(names, row[:-1], strict=True))
    for name in ("categories", "lifetime", "reorder", "properties"):
        if isinstance(values.get(name), str):
            values[name] = orjson.loads(values[name])
    return values
