"""Rows of an order history as orders: one row an order, or one row an item. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from commerce.core.money import to_minor
from consent.core.pasting import flaw_of
from events.core.incoming import Incoming, set_data, set_message_id, set_name, set_ref
from events.core.names import ORDER_COMPLETED
from imports.core.contact_rows import Reading
from imports.core.records import Record
from imports.core.values import read_number, read_when

MAX_ITEMS = 200
_ITEM = ("product_id", "product_name", "quantity", "price")
_WHO = ("external_id", "phone", "email")


@dataclass(slots=True)
class Order:
    """An order with the rows that tell of it. `code` and `detail`: why it is rejected, whole.
    `is_repeated`: because it is known, or stands in the file before."""

    key: str
    lines: list[int]
    event: Incoming | None = None
    at: datetime | None = None
    code: str = ""
    detail: str = ""
    is_repeated: bool = False

    def reject(self, code: str, detail: str) -> None:
        if not self.code:
            self.code, self.detail = code, detail


def order_key(record: Record, reading: Reading) -> str:
    """The order a row belongs to; "" when it names none or cannot be read."""
    if record.code or len(record.cells) > reading.width:
        return ""
    value = _cells(record, reading).get("order_id", "")
    return value if len(value) <= 200 else ""


def read_orders(records: Sequence[Record], reading: Reading, *, currency: str) -> list[Order]:
    """Rows that follow each other and name the same order are one order. Every row is in one."""
    orders: list[Order] = []
    groups: list[list[Record]] = []
    keys: list[str] = []
    for record in records:
        key = order_key(record, reading)
        if key and groups and keys[-1] == key:
            groups[-1].append(record)
        else:
            groups.append([record])
            keys.append(key)
    for key, group in zip(keys, groups, strict=True):
        order = Order(key, [record.line for record in group])
        _read(order, group, reading, currency)
        orders.append(order)
    return orders


def _read(order: Order, group: list[Record], reading: Reading, currency: str) -> None:
    first = group[0]
    if first.code:
        order.reject(first.code, first.detail)
        return
    if len(first.cells) > reading.width:
        detail = f"This row has {len(first.cells)} cells, not {reading.width}."
        order.reject("too_many_cells", detail)
        return
    rows = [_cells(record, reading) for record in group]
    for row in rows:
        for name, value in row.items():
            flaw = _flaw(name, value)
            if flaw is not None:
                order.reject(*flaw)
    if not order.key:
        order.reject("no_order_id", "This row names no order.")
    # What is said of the whole order stands in its first row that has it.
    said = {
        name: next((row[name] for row in rows if row.get(name)), "")
        for name in (*_WHO, "ordered_at", "total", "currency")
    }
    properties: dict[str, Any] = {"order_id": order.key}
    money = said["currency"].upper() or currency
    if len(money) != 3 or not (money.isascii() and money.isalpha()):
        order.reject("invalid_currency", "The currency is no code of three letters, such as USD.")
    properties["currency"] = money
    if said["total"]:
        if (minor := to_minor(said["total"].lstrip("$€£ "), money)) is None or minor < 0:
            order.reject("invalid_total", "The total is no amount, such as 19.99.")
        properties["total"] = said["total"].lstrip("$€£ ").replace(",", "")
    items = [item for row in rows if (item := _item(row, order)) is not None]
    if len(items) > MAX_ITEMS:
        order.reject("too_many_items", f"An order has at most {MAX_ITEMS} items.")
    if items:
        properties["products"] = items
    if not said["total"] and not items:
        order.reject("no_total", "This order has neither a total nor an item.")
    if not said["total"] and items and not order.code:
        properties["total"] = _sum(items)
    _read_time(order, said["ordered_at"], reading)
    if not order.code:
        _make_event(order, said, properties, reading)


def _read_time(order: Order, text: str, reading: Reading) -> None:
    if not text:
        order.reject("no_time", "This order has no time.")
        return
    try:
        order.at = read_when(text, order=reading.date_order, timezone=reading.timezone)
    except ValueError as error:
        order.reject("invalid_time", str(error))
        return
    if order.at > reading.now:
        order.reject("in_the_future", "This order lies in the future.")


def _make_event(
    order: Order, said: dict[str, str], properties: dict[str, Any], reading: Reading
) -> None:
    event = Incoming("track")
    set_name(event, ORDER_COMPLETED, field_name="event", public=False)
    given = [(name, name, said[name]) for name in _WHO]
    set_ref(event, given, country=reading.country)
    # Whoever imports the file once more says the same once more.
    set_message_id(event, f"import:order:{order.key}", field_name="order_id")
    set_data(event, properties, {"import": {"line": order.lines[0]}})
    assert order.at is not None  # noqa: S101 (see _read_time)
    event.timestamp = order.at.astimezone(UTC).isoformat()
    for error in event.errors:
        order.reject(error.code, error.detail)
    order.event = event


def _item(row: dict[str, str], order: Order) -> dict[str, Any] | None:
    if not row.get("product_id"):
        return None
    item: dict[str, Any] = {"product_id": row["product_id"]}
    if row.get("product_name"):
        item["name"] = row["product_name"]
    if row.get("quantity"):
        try:
            count = read_number(row["quantity"])
        except ValueError:
            count = 0
        if not isinstance(count, int) or not 1 <= count <= 1_000_000:
            order.reject("invalid_quantity", "The quantity is no whole number from 1.")
        item["quantity"] = count
    if row.get("price"):
        price = row["price"].lstrip("$€£ ").replace(",", "")
        if to_minor(price, "USD") is None:
            order.reject("invalid_price", "The price is no amount, such as 19.99.")
        item["price"] = price
    return item


def _sum(items: list[dict[str, Any]]) -> str:
    total = sum(
        (Decimal(item["price"]) * item.get("quantity", 1) for item in items if "price" in item),
        Decimal(0),
    )
    return str(total)


def _flaw(name: str, value: str) -> tuple[str, str] | None:
    said = name.replace("_", " ")
    if "\ufffd" in value:
        return "not_text", f"The {said} has letters that cannot be read in the file's encoding."
    flaw = flaw_of("phone" if name in ("phone", "total", "price") else said, value)
    return (flaw[0], flaw[1].replace("The phone", f"The {said}", 1)) if flaw else None


def _cells(record: Record, reading: Reading) -> dict[str, str]:
    return {
        target.field: record.cells[index].strip(" \t\r\n")
        for index, target in reading.mapping.items()
        if index < len(record.cells)
    }
