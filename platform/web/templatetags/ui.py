"""Tags and filters of the kit."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from django import template
from django.utils.html import escape, format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django_vite.core.asset_loader import DjangoViteAssetLoader
from lucide import _render_icon

from web import nav
from web.theme import accent_for, ink_on

register = template.Library()
SYMBOLS = {"USD": "$", "EUR": "€", "GBP": "£", "AUD": "A$", "CAD": "C$", "NZD": "NZ$"}
MINUS, NOTHING = "\N{MINUS SIGN}", "\N{EN DASH}"
_ENTRY = "src/main.ts"
NO_MINOR = {"JPY", "KRW", "CLP", "VND"}
_FIELD = re.compile(r"(?<!\\)\[([^\[\]]+?)\]|\{\{\s*(.+?)\s*\}\}")


@lru_cache(maxsize=256)
def _icon(name: str) -> SafeString:
    drawn = _render_icon(name, None, **{"class": "i", "aria_hidden": "true"})
    return mark_safe(drawn)  # noqa: S308 (our own files)


@register.simple_tag
def icon(name: str) -> SafeString:
    """An inline Lucide icon: no request, takes the text's color, hidden from screen readers."""
    return _icon(name)


@register.simple_tag
def public_styles() -> SafeString:
    """The stylesheet alone, for pages that run no script. (Vite's own server has it in a script.)"""
    app = DjangoViteAssetLoader.instance()._get_app_client("default")
    if app.dev_mode:
        return SafeString(app.generate_vite_asset(_ENTRY))
    files = [(app.get_production_server_url(name),) for name in app.manifest.get(_ENTRY).css or ()]
    links: SafeString = format_html_join("", '<link rel="stylesheet" href="{}">', files)
    return links


@register.simple_tag
def avatar(name: str, color: str) -> SafeString:
    """A workspace's tile: its initials on its color, as an SVG (a style attribute is forbidden)."""
    accent = accent_for(color)
    return format_html(
        '<svg class="avatar" viewBox="0 0 28 28" aria-hidden="true">'
        '<rect width="28" height="28" rx="7" fill="{}"/>'
        '<text x="14" y="18.2" text-anchor="middle" fill="{}">{}</text></svg>',
        accent.light,
        ink_on(accent.light),
        initials(name),
    )


@register.filter
def initials(name: str) -> str:
    words = [word for word in re.split(r"[^\w]+", name or "") if word]
    return "".join(word[0] for word in words[:2]).upper() or "?"


@register.filter
def chips(text: str) -> SafeString:
    """A template's words with each `[Field or 'fallback']` as a chip that names the field."""

    def chip(match: re.Match[str]) -> str:
        name = re.split(r"\s+or\s+|\|", match[1] or match[2], maxsplit=1)[0]
        words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name.strip().split(".")[-1])
        return f'<span class="tok">{words.replace("_", " ").strip().capitalize()}</span>'

    return mark_safe(_FIELD.sub(chip, str(escape(text))).replace("\\[", "["))  # noqa: S308


@register.filter
def linked(text: str, url: str = "") -> SafeString:
    """A sent text with its web addresses underlined (not clickable: a visit would count)."""
    pattern = r"((?:https?://|\b[\w.-]+\.[a-z]{2,}/)\S+)"
    return mark_safe(re.sub(pattern, r"<u>\1</u>", str(escape(text))))  # noqa: S308


@register.filter
def comma(value: Any) -> str:
    return f"{value:,}" if isinstance(value, int | float) else str(value)


@register.filter
def money(minor: int | None, currency: str = "USD") -> str:
    """Minor units as people write them; whole amounts from 1,000 on."""
    if minor is None:
        return ""
    digits = 0 if currency in NO_MINOR else 2
    amount = abs(minor) / 10**digits
    shown = f"{amount:,.0f}" if amount >= 1000 or amount == int(amount) else f"{amount:,.{digits}f}"
    sign = MINUS if minor < 0 else ""
    symbol = SYMBOLS.get(currency)
    return f"{sign}{symbol}{shown}" if symbol else f"{sign}{shown} {currency}"


@register.filter
def percent(part: float | None, whole: float | None) -> str:
    """`12.4%`, or a dash where there is nothing to divide by."""
    if not whole or part is None:
        return NOTHING
    share = 100 * part / whole
    if share == 0:
        return "0%"
    return f"{share:.0f}%" if share >= 10 and share == int(share) else f"{share:.1f}%"


@register.filter
def share(part: float | None, whole: float | None) -> float:
    """Percent as a number, 0 to 100: for widths."""
    return round(min(100.0, 100 * (part or 0) / whole), 2) if whole else 0.0


@register.filter
def phone(number: str | None) -> str:
    """An E.164 number spaced for reading: +1 (212) 555-0123."""
    if not number:
        return ""
    us = re.fullmatch(r"\+1(\d{3})(\d{3})(\d{4})", number)
    if us:
        return f"+1 ({us[1]}) {us[2]}-{us[3]}"
    return re.sub(r"(?<=\d)(?=(\d{3})+$)", " ", number)


@register.filter
def masked(number: str | None) -> str:
    """All but the last four digits hidden, for who may not see numbers."""
    return f"•••• {number[-4:]}" if number else ""


@register.filter
def at(moment: datetime | None, zone: str) -> str:
    """`10:04` on the wall clock of an IANA zone."""
    return f"{moment.astimezone(ZoneInfo(zone)):%H:%M}" if moment else ""


@register.filter
def day_at(moment: datetime | None, zone: str) -> str:
    """`Nov 21, 10:04` on the wall clock of a zone."""
    if moment is None:
        return ""
    local = moment.astimezone(ZoneInfo(zone))
    return f"{local:%b} {local.day}, {local:%H:%M}"


@register.simple_tag
def ago(moment: datetime | None, now: datetime) -> str:
    """`just now`, `4 min ago`, `3 h ago`, `2 days ago`, then the date."""
    if moment is None:
        return "never"
    gone = max(timedelta(0), now - moment)
    if gone < timedelta(minutes=1):
        return "just now"
    if gone < timedelta(hours=1):
        return f"{gone.seconds // 60} min ago"
    if gone < timedelta(days=1):
        return f"{gone.seconds // 3600} h ago"
    if gone < timedelta(days=14):
        return f"{gone.days} day{'s' if gone.days > 1 else ''} ago"
    return f"{moment:%b} {moment.day}, {moment.year}"


@register.filter
def bare(color: str) -> str:
    """A color without its `#`, for an address."""
    return color.lstrip("#").lower()


@register.filter
def organization_of(workspaces: Any, slug: str) -> str:
    """The organization's name in the list of workspaces that one may enter."""
    return next((link.organization for link in workspaces or () if link.slug == slug), "")


@register.filter
def agency_of(workspaces: Any, slug: str) -> str:
    """The slug of the organization of a workspace, "" where it is the only one of hers."""
    here = next((link.organization_slug for link in workspaces or () if link.slug == slug), "")
    siblings = sum(link.organization_slug == here for link in workspaces or ())
    return here if siblings > 1 else ""


@register.filter
def allowed(permission: str, request: Any) -> bool:
    """Whether the role in the open workspace has a permission."""
    return bool(request.can(permission))


@register.filter
def place(zone: str) -> str:
    """`Los Angeles` for America/Los_Angeles."""
    return zone.rsplit("/", 1)[-1].replace("_", " ")


@register.filter
def lookup(mapping: dict[Any, Any], key: Any) -> Any:
    return mapping.get(key)


@register.simple_tag(takes_context=True)
def with_query(context: template.Context, **changes: Any) -> str:
    """This page's address with some query parameters changed (None or "" takes one away)."""
    query = context["request"].GET.copy()
    for name, value in changes.items():
        query.pop(name, None)
        if value not in (None, ""):
            query[name] = str(value)
    return f"?{query.urlencode()}"


@register.simple_tag(takes_context=True)
def tabs(context: template.Context, page: str) -> list[tuple[str, list[nav.Link]]]:
    """The tabs of a shared page for this role by group: `{% tabs "settings" as groups %}`."""
    return nav.tabs_for(page, context["request"])


@register.simple_tag
def hours_bar(windows: tuple[Any, Any], day: str) -> SafeString:
    """24 hours as a bar. `windows`: (ours, the law's), each (start, end) in minutes or None."""
    ours, law = windows
    parts = [mark_safe('<rect class="law" width="1440" height="14" rx="4"/>')]
    for name, window in (("shut", law), ("open", ours)):
        if window:
            parts.append(
                format_html(
                    '<rect class="{}" x="{}" width="{}" height="14" rx="4"/>',
                    name,
                    window[0],
                    window[1] - window[0],
                )
            )
    said = f"{day}: texts go {_clock(ours[0])} to {_clock(ours[1])}" if ours else f"{day}: no texts"
    return format_html(
        '<svg class="hours" viewBox="0 0 1440 14" preserveAspectRatio="none" role="img"'
        ' aria-label="{}">{}</svg>',
        said,
        mark_safe("".join(parts)),  # noqa: S308 (made by format_html above)
    )


@register.simple_tag
def hours_ruler() -> SafeString:
    """The hours under the bars."""
    marks = "".join(
        f'<text x="{hour / 24 * 100:.2f}%" y="10" text-anchor="middle">{hour}</text>'
        for hour in (3, 6, 9, 12, 15, 18, 21)
    )
    return mark_safe(f'<svg class="hours">{marks}</svg>')  # noqa: S308 (numbers only)


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02d}:{minutes % 60:02d}"
