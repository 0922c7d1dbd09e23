"""Stock that a shop tells item by item, brought to its products."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from connectors.core.items import Item, Level, Variant
from connectors.models import Connector, ShopVariant
from events.core import names
from events.core.incoming import read_time

MAX_LOCATIONS = 50


def keep_variants(connector_id: UUID, variants: Sequence[Variant], *, now: datetime) -> None:
    """Learns which product an item belongs to, and its stock; an older body changes nothing."""
    rows = [
        ShopVariant(
            connector_id=connector_id,
            item_id=each.item_id[:256],
            product_id=each.product_id[:256],
            variant_id=each.variant_id[:256],
            stock=each.stock,
            told_at=_moment(each.at, now),
        )
        for each in {each.item_id: each for each in variants}.values()
    ]
    held = {
        row.item_id: row.told_at
        for row in ShopVariant.objects.select_for_update()
        .filter(connector_id=connector_id, item_id__in=[row.item_id for row in rows])
        .order_by("item_id")
    }
    newer = [row for row in rows if held.get(row.item_id, row.told_at) <= row.told_at]
    ShopVariant.objects.bulk_create(
        sorted(newer, key=lambda row: row.item_id),
        update_conflicts=True,
        unique_fields=["tenant", "connector", "item_id"],
        update_fields=["product_id", "variant_id", "stock", "told_at"],
    )


def keep_level(connector: Connector, level: Level, *, now: datetime) -> Item | tuple[str, str]:
    """The product's stock after the level, or (code, words) why that cannot be said.

    A level is one place's. Where the shop counts at several, the sum stands in the product's own body
    alone: a sum of the places heard from so far would call things sold out that are not.
    """
    known = ShopVariant.objects.filter(connector_id=connector.id, item_id=level.item_id).first()
    if known is None:
        return (
            "product_unknown",
            "No product's body has named this item yet. Save the product in the shop once, then"
            " replay this.",
        )
    if _count_places(connector, level.location_id) > 1:
        return (
            "several_places",
            "The shop counts at several places; products/update tells the sum.",
        )
    # Together, in one order: two levels of one product see each other's stock.
    rows = list(
        ShopVariant.objects.select_for_update()
        .filter(connector_id=connector.id, product_id=known.product_id)
        .order_by("item_id")
    )
    row = next(each for each in rows if each.item_id == level.item_id)
    at = _moment(level.at, now)
    if at < row.told_at:
        return ("older", "A newer body has told the stock already.")
    row.stock, row.told_at = level.available, at
    row.save(update_fields=["stock", "told_at"])
    stock = sum(each.stock for each in rows if each.stock is not None)
    identity = f"shopify:{connector.id_prefix}level:{level.item_id}:{level.at}"
    properties: dict[str, Any] = {
        "product_id": row.product_id,
        "quantity": stock,
        "variant_id": row.variant_id,
        "variant_quantity": level.available,
    }
    return Item(names.PRODUCT_INVENTORY_CHANGED, identity, level.at or None, properties=properties)


def _count_places(connector: Connector, location_id: str) -> int:
    if location_id not in connector.locations:
        held = Connector.objects.select_for_update().get(id=connector.id)
        if location_id not in held.locations:
            held.locations = [*held.locations, location_id[:64]][:MAX_LOCATIONS]
            held.save(update_fields=["locations"])
        connector.locations = held.locations
    return len(connector.locations)


def _moment(text: str, now: datetime) -> datetime:
    try:
        return read_time(text) or now
    except (ValueError, OverflowError):
        return now
