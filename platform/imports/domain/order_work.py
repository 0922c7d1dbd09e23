"""A set of rows into orders of the past: canonical events, marked as history, told once."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from api.problems import FieldError
from commerce.domain.queries import known_orders
from events.domain.ingestion import ACCEPTED, ingest_events
from events.domain.ingestion import DUPLICATE as TOLD_BEFORE
from imports.core.contact_rows import Reading
from imports.core.order_rows import Order, read_orders
from imports.core.records import Record
from imports.domain.options import CREATE, Options
from imports.domain.rows import CREATED, DUPLICATE, REJECTED, Outcome
from imports.domain.twice import find_twice
from imports.models import Import
from people.domain.identifiers import read_owners
from people.domain.queries import workspace_defaults

SOURCE = "import"
_KNOWN = "This order is known already."
_UNSTORABLE = FieldError("", "unstorable", "This order cannot be stored.")


def read_order_rows(job: Import, records: Sequence[Record], reading: Reading) -> list[Order]:
    """The orders with their flaws; which of them stand in the file is kept. Two queries."""
    orders = read_orders(records, reading, currency=workspace_defaults().currency)
    named = [
        (order.lines[0], [("order", order.key)]) for order in orders if order.key and not order.code
    ]
    twice = find_twice(job, named)
    for order in orders:
        if order.lines[0] in twice:
            order.reject("twice", f"The same order stands in line {twice[order.lines[0]][1]}.")
            order.is_repeated = True
    return orders


def save_orders(orders: Sequence[Order], options: Options, *, now: datetime) -> list[Outcome]:
    """Appends the orders as history, which starts no flow; one outcome a row, in order.

    An order that any source told of before is a duplicate. The tally of a row says by what its
    customer was found: the match report.
    """
    known = known_orders({order.key for order in orders if not order.code})
    for order in orders:
        if not order.code and order.key in known:
            _reject_known(order)
    found = _match([order for order in orders if not order.code], options)
    ready = [order for order in orders if not order.code]
    events = [order.event for order in ready if order.event is not None]
    results = ingest_events(events, source=SOURCE, backfill=True, now=now)
    for order, result in zip(ready, results, strict=True):
        if result.status == TOLD_BEFORE:
            _reject_known(order)
        elif result.status != ACCEPTED:
            error = result.errors[0] if result.errors else _UNSTORABLE
            order.reject(error.code, error.detail)
    return [outcome for order in orders for outcome in _outcomes(order, found)]


def _reject_known(order: Order) -> None:
    order.reject("known", _KNOWN)
    order.is_repeated = True


def _match(orders: Sequence[Order], options: Options) -> dict[str, str]:
    """By order id, by which of their identifiers the customer was found. One query."""
    refs = [order.event.ref for order in orders if order.event is not None]
    owners, _ = read_owners(refs)
    found: dict[str, str] = {}
    for order, ref in zip(orders, refs, strict=True):
        by = next((kind for kind, value in ref.pairs() if (kind, value) in owners), "")
        if by:
            found[order.key] = f"by_{by}"
        elif options.unmatched == CREATE:
            found[order.key] = "new_contact"
        else:
            order.reject("no_contact", "No contact has any of this customer's identifiers.")
    return found


def _outcomes(order: Order, found: dict[str, str]) -> list[Outcome]:
    if order.code:
        outcome = DUPLICATE if order.is_repeated else REJECTED
        return [Outcome(line, outcome, order.code, order.detail) for line in order.lines]
    first, *others = order.lines
    said = f"An item of the order in line {first}."
    return [
        Outcome(first, CREATED, tally=found[order.key]),
        *(Outcome(line, CREATED, detail=said, tally="items") for line in others),
    ]
