"""Home: what went out, what came of it, what was held back on purpose, what needs somebody."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from analytics.domain.attention import find_concerns
from analytics.domain.flow_numbers import numbers_for
from analytics.domain.home import Home, daily, home_numbers
from analytics.domain.next_step import find_next_step, nothing_sent_yet
from analytics.starting import checklist_context
from delivery.core.periods import LABELS, MONTH, WEEK, Period, period_of
from delivery.core.reasons import words
from delivery.domain.history import count_held
from events.models import EventBatch
from tenancy.web import workspace_view
from triggers.models import Flow
from web.charts import Columns, columns
from web.templatetags.ui import MINUS, comma, money, percent

FLOW_TONES = {"live": "good", "paused": "wait", "draft": "off"}


@dataclass(frozen=True, slots=True)
class Figure:
    """One number beside the period before. `tone`: good, bad or flat."""

    label: str
    value: str
    delta: str
    tone: str
    note: str


@require_GET
@workspace_view()
def home(request: Any) -> HttpResponse:
    tenant = request.tenant
    request.session["workspace"] = tenant.slug  # the door leads back here
    period = _period(request)
    checklist = checklist_context(request)
    # A demo's history is on its way: the numbers fill while one looks.
    nothing_sent = settings.KAIROS_MODE != "demo" and nothing_sent_yet()
    held = count_held(since=period.first, until=period.end)
    context = {
        "period": period,
        "nothing_sent": nothing_sent,
        "next_up": find_next_step() if nothing_sent and not checklist else None,
        "held": [(row, words(row.reason)) for row in held],
        "held_total": sum(row.count for row in held),
        "held_most": max((row.count for row in held), default=0),
        "is_new": not EventBatch.objects.exists(),
        "api_base": settings.KAIROS_PUBLIC_BASE_URL,
        "concerns": find_concerns(since=period.first, now=period.end, period=period.key),
        **checklist,
        **({} if nothing_sent else _numbers(request, period)),
    }
    return render(request, "analytics/home.html", context)


def _period(request: Any) -> Period:
    key = request.GET.get("period", WEEK)
    return period_of(
        key if key in LABELS else WEEK, timezone=request.tenant.timezone, now=request.now
    )


def _numbers(request: Any, period: Period) -> dict[str, Any]:
    numbers = home_numbers(period, currency=request.tenant.currency)
    chart, span = _chart(request, period)
    return {
        "periods": LABELS.items(),
        "figures": _figures(numbers),
        "chart": chart,
        "chart_days": span,
        "flows": _flows(period),
    }


def _figures(home: Home) -> list[Figure]:
    now, before = home.current, home.previous

    def figure(label: str, name: str, note: str = "", *, more_is_bad: bool = False) -> Figure:
        value, was = getattr(now, name), getattr(before, name)
        delta, tone = _delta(value, was, more_is_bad=more_is_bad)
        # A share of nothing says nothing.
        said = note if note and value else f"before: {comma(was)}"
        return Figure(label, comma(value), delta, tone, said)

    value, was = now.attributed_revenue_minor, before.attributed_revenue_minor
    delta, tone = _delta(value, was)
    revenue = Figure(
        "Attributed revenue",
        money(value, home.currency),
        delta,
        tone,
        f"before: {money(was, home.currency)}",
    )
    return [
        figure("Sent", "sent"),
        figure("Delivered", "delivered", f"{percent(now.delivered, now.sent)} of sent"),
        figure("Clicks", "clicks", f"{percent(now.clicks, now.delivered)} of delivered"),
        figure(
            "Opt-outs",
            "opt_outs",
            f"{percent(now.opt_outs, now.delivered)} of delivered",
            more_is_bad=True,
        ),
        figure("Orders", "orders", f"{comma(now.attributed_orders)} after a click"),
        revenue,
    ]


def _delta(value: int, was: int, *, more_is_bad: bool = False) -> tuple[str, str]:
    """`+12%` against the period before; nothing to compare with says so."""
    if value == was:
        return ("no change" if was else ""), "flat"
    if not was:
        return "new", "bad" if more_is_bad else "good"
    change = round(100 * (value - was) / was)
    sign = "+" if change >= 0 else MINUS
    return f"{sign}{abs(change)}%", "good" if (value > was) is not more_is_bad else "bad"


def _chart(request: Any, period: Period) -> tuple[Columns, int]:
    """Texts by day: two weeks, or the whole month."""
    days = 30 if period.key == MONTH else 14
    zone = ZoneInfo(period.timezone)
    first = period.end.astimezone(zone).date() - timedelta(days=days - 1)
    found = daily(
        start=datetime.combine(first, time.min, zone),
        end=period.end,
        timezone=period.timezone,
    )
    points = [
        (
            f"{day.start.astimezone(zone):%b} {day.start.astimezone(zone).day}",
            float(min(day.clicks, day.sent)),
            float(max(0, day.sent - day.clicks)),
        )
        for day in found
    ]
    return columns(points), days


def _flows(period: Period) -> list[dict[str, Any]]:
    flows = list(Flow.objects.exclude(status=Flow.Status.ARCHIVED).order_by("-priority", "name"))
    numbers = numbers_for([flow.id for flow in flows], start=period.start, end=period.end)
    return [
        {
            "flow": flow,
            "tone": FLOW_TONES[flow.status],
            "entered": numbers[flow.id].entered,
            "sent": numbers[flow.id].total("sent"),
            "clicked": numbers[flow.id].total("clicked"),
            "delivered": numbers[flow.id].total("delivered"),
            "revenue": numbers[flow.id].total("attributed_revenue_minor"),
        }
        for flow in flows
    ]
