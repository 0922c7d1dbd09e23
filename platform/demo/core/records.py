"""Reads the shipped data sets: orders with their lines, and page events. Pure; dates untouched."""

from __future__ import annotations

import csv
import gzip
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

DATA = Path(__file__).resolve().parents[1] / "data"
# Postage, samples, fees and the like are no products.
_NOT_SOLD = {"POST", "D", "M", "C2", "DOT", "BANK CHARGES", "PADS", "CRUK", "S", "AMAZONFEE"}


@dataclass(frozen=True, slots=True)
class Line:
    sku: str
    name: str
    quantity: int
    price_minor: int


@dataclass(frozen=True, slots=True)
class Purchase:
    """One invoice; a cancelled one (the shop's "C...") is a refund."""

    number: str
    customer_id: str
    at: datetime
    lines: tuple[Line, ...]

    @property
    def refund(self) -> bool:
        return self.number.startswith("C")

    @property
    def total_minor(self) -> int:
        return sum(line.quantity * line.price_minor for line in self.lines)


@dataclass(frozen=True, slots=True)
class PageEvent:
    user_id: str
    session_id: str
    event: str
    at: datetime
    platform: str


def read_purchases(path: Path = DATA / "online_retail.csv.gz") -> list[Purchase]:
    """All invoices in time order. Naive times are the shop's local clock."""
    lines: dict[str, list[Line]] = defaultdict(list)
    heads: dict[str, tuple[str, datetime]] = {}
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if row["StockCode"] in _NOT_SOLD or not row["Description"].strip():
                continue
            price = round(float(row["UnitPrice"]) * 100)
            if price <= 0:
                continue
            number = row["InvoiceNo"]
            heads[number] = (row["CustomerID"], datetime.fromisoformat(row["InvoiceDate"]))
            lines[number].append(
                Line(row["StockCode"], _title(row["Description"]), abs(int(row["Quantity"])), price)
            )
    found = [
        Purchase(number, customer, at, tuple(lines[number]))
        for number, (customer, at) in heads.items()
    ]
    return sorted(found, key=lambda purchase: (purchase.at, purchase.number))


def read_page_events(path: Path = DATA / "clickstream.csv.gz") -> list[PageEvent]:
    """All page events in time order."""
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        found = [
            PageEvent(
                row["user_id"],
                row["session_id"],
                row["event"],
                datetime.fromisoformat(row["timestamp"]),
                row["platform"],
            )
            for row in csv.DictReader(file)
        ]
    return sorted(found, key=lambda event: (event.at, event.session_id))


def sessions(events: list[PageEvent]) -> Iterator[list[PageEvent]]:
    """Page events of one visit together, visits by their first event."""
    by_session: dict[str, list[PageEvent]] = defaultdict(list)
    for event in events:
        by_session[event.session_id].append(event)
    yield from sorted(by_session.values(), key=lambda visit: visit[0].at)


def _title(text: str) -> str:
    """ALARM CLOCK BAKELIKE PINK -> Alarm Clock Bakelike Pink."""
    words = " ".join(text.split()).split(" ")
    return " ".join(word[:1].upper() + word[1:].lower() for word in words)
