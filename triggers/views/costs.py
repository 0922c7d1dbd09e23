"""Settings: what one part of a text costs, for estimates."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST

from api.problems import Invalid
from tenancy.web import workspace_view
from triggers.domain.prices import LIST_CURRENCY, LIST_PRICE, MICROS, read_price, set_price


@require_GET
@workspace_view()
def costs(request: Any) -> HttpResponse:
    return _page(request)


@require_POST
@workspace_view("manage_settings")
def save_costs(request: Any) -> HttpResponse:
    try:
        set_price(
            _micros(request.POST.get("price", "")),
            request.POST.get("currency", "").strip().upper(),
            now=request.now,
            actor=request.user,
        )
    except Invalid as problem:
        return _page(request, problem=problem)
    messages.success(request, "Saved. Estimates use this price from now on.")
    return redirect("triggers:costs", slug=request.tenant.slug)


def _page(request: Any, *, problem: Invalid | None = None) -> HttpResponse:
    price = read_price()
    context = {
        "price": request.POST.get("price") if problem else show_price(price.micros),
        "currency": request.POST.get("currency") if problem else price.currency,
        "is_list": price.is_list,
        "list_price": f"{show_price(LIST_PRICE)} {LIST_CURRENCY}",
        "wrong": {error.field: error.detail for error in problem.errors} if problem else {},
        "may_change": request.can("manage_settings"),
    }
    return render(
        request, "triggers/costs.html", context, status=problem.status if problem else 200
    )


def show_price(micros: int) -> str:
    """`0.0083` for 8,300 millionths."""
    return f"{Decimal(micros) / MICROS:f}"


def _micros(text: str) -> int:
    """Millionths; -1 for what is no price, which the verb refuses."""
    try:
        found = Decimal(text.strip()[:20]) * MICROS
    except InvalidOperation:
        return -1
    if not found.is_finite() or found != found.to_integral_value():
        return -1
    return int(found)
