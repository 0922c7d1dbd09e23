"""The catalogue in pages: a list to search, and one product with its history."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from api.problems import NotFound
from commerce.core.telling import change_words
from commerce.domain.showing import (
    HISTORY,
    LOOKED_AT,
    access_product,
    count_waiting,
    first_waiting,
    list_categories,
    list_products,
    read_history,
)
from events.core.names import BACK_IN_STOCK_REQUESTED
from events.domain.usage import Usage, list_usages
from people.domain.facts import ContactFacts
from people.domain.queries import contacts_by_id, workspace_defaults
from tenancy.ids import InvalidId, parse_id, show_id
from tenancy.web import workspace_view
from web.paging import PAGE_SIZE, read_cursor, write_cursor
from web.templatetags.ui import money

STOCKS = {"": "Any stock", "in": "In stock", "out": "Out of stock", "unknown": "Stock not known"}
CHANGES_SHOWN = 30
WAITING_SHOWN = 10


@require_GET
@workspace_view()
def product_list(request: Any) -> HttpResponse:
    """25 a page, by words, category and stock."""
    words = request.GET.get("q", "").strip()[:100]
    category = request.GET.get("category", "")[:200].replace("\x00", "")
    stock = request.GET.get("stock", "")
    stock = stock if stock in STOCKS else ""
    after = _after(request.GET.get("after", ""))
    found = list_products(
        words=words, category=category, stock=stock, after=after, limit=PAGE_SIZE + 1
    )
    shown = found[:PAGE_SIZE]
    waiting = count_waiting(product.id for product in shown)
    last = shown[-1] if len(found) > PAGE_SIZE else None
    context = {
        "rows": [
            {
                "product": product,
                "ref": show_id("prod", product.id),
                "waiting": waiting.get(product.id, 0),
            }
            for product in shown
        ],
        "words": words,
        "category": category,
        "categories": list_categories(),
        "stock": stock,
        "stocks": STOCKS.items(),
        "is_narrowed": bool(words or category or stock),
        "next": write_cursor(last.updated_at.isoformat(), str(last.id)) if last else "",
        "is_first": after is None,
    }
    return render(request, "commerce/products.html", context)


@require_GET
@workspace_view()
def product_page(request: Any, product: str) -> HttpResponse:
    """What is known of it, what changed, who waits, and which flows hear of it."""
    try:
        found = access_product(parse_id("prod", product))
    except InvalidId:
        raise NotFound("This product") from None
    currency = workspace_defaults().currency
    waiting = first_waiting(found.id, limit=WAITING_SHOWN)
    contacts = contacts_by_id(one.contact_id for one in waiting)
    context = {
        "product": found,
        "title": found.name or found.key,
        "changes": [
            {
                "change": change,
                "words": change_words(
                    change.name, change.properties, currency=currency, show=money
                ),
            }
            for change in read_history(found.key, limit=CHANGES_SHOWN)
        ],
        "looked_at": LOOKED_AT,
        "waiting": [
            {
                "ref": show_id("con", one.contact_id),
                "name": _name(contacts.get(one.contact_id)),
                "at": one.requested_at,
            }
            for one in waiting
        ],
        "waiting_count": count_waiting([found.id]).get(found.id, 0),
        "flows": _flows(),
    }
    return render(request, "commerce/product.html", context)


def _name(contact: ContactFacts | None) -> str:
    return (contact and (contact.name or contact.external_id)) or "No name"


def _flows() -> list[Usage]:
    """Flows that start from a change of a product, or from somebody asking for it."""
    usages = list_usages()
    names = (*HISTORY, BACK_IN_STOCK_REQUESTED)
    return [
        usage
        for name in names
        for usage in usages.get(name, [])
        if usage.kind == "flow" and usage.role == "starts"
    ]


def _after(text: str) -> tuple[datetime, UUID] | None:
    parts = read_cursor(text, 2)
    try:
        return (datetime.fromisoformat(parts[0]), UUID(parts[1])) if parts else None
    except ValueError:
        return None
