"""What a workspace says of itself: its name, how texts begin, where and in what money it lives."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from urllib.parse import urlsplit
from zoneinfo import available_timezones

from api.problems import FieldError, Invalid
from tenancy.audit import record_audit
from tenancy.models import ApiKey, Tenant, User
from tenancy.scope import current_tenant_id

CHANGED = "workspace.changed"
# Currencies that carriers' and shops' countries use; a workspace reports in one of them.
CURRENCIES = (
    "USD", "EUR", "GBP", "CAD", "AUD", "NZD", "CHF", "DKK", "NOK", "SEK", "PLN", "CZK", "HUF",
    "RON", "BGN", "ISK", "TRY", "UAH", "ILS", "AED", "SAR", "INR", "JPY", "KRW", "CNY", "HKD",
    "TWD", "SGD", "MYR", "THB", "IDR", "PHP", "VND", "ZAR", "NGN", "KES", "EGP", "MAD", "BRL",
    "MXN", "ARS", "CLP", "COP", "PEN",
)  # fmt: skip
_CONTROL = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff\u2028\u2029]")
_COLOR = re.compile(r"#[0-9a-f]{6}")
_NOT_IN_URL = re.compile(r"[\s\x00-\x1f\"'<>\[\]{}|\\^`@]")


def change_workspace(
    given: Mapping[str, str], *, actor: User | ApiKey | None = None, now: datetime
) -> Tenant:
    """Writes the settings named in `given`, for the workspace in scope; returns it as it is now.

    Fields: name, sms_name, timezone, country, currency, accent, shop_url, help_text. Raises
    `Invalid` naming each wrong one; then nothing was changed. The audit log keeps old and new, also
    when somebody has confirmed what there was.
    """
    tenant: Tenant = Tenant.objects.select_for_update(no_key=True).get(id=current_tenant_id())
    errors, clean = [], {}
    for name, read in _READERS.items():
        if name in given:
            try:
                clean[name] = read(given[name].strip())
            except ValueError as error:
                errors.append(FieldError(name, "invalid", str(error)))
    if errors:
        raise Invalid(errors)
    old = {name: getattr(tenant, name) for name in clean if getattr(tenant, name) != clean[name]}
    for name in old:
        setattr(tenant, name, clean[name])
    if old:
        tenant.save(update_fields=list(old))
    record_audit(
        CHANGED,
        data={"old": old, "new": {name: clean[name] for name in old}},
        actor=actor,
        now=now,
    )
    return tenant


def _line(least: int, most: int) -> Callable[[str], str]:
    def read(text: str) -> str:
        if _CONTROL.search(text):
            raise ValueError("This has control characters or line breaks.")
        if not least <= len(text) <= most:
            raise ValueError(
                f"Write {least} to {most} characters." if least else f"At most {most} characters."
            )
        return text

    return read


def _timezone(text: str) -> str:
    if text not in available_timezones() or text in {"Factory", "localtime"}:
        raise ValueError("Choose a time zone of the list, such as America/Chicago.")
    return text


def _country(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z]{2}", text):
        raise ValueError("Use a two-letter country code such as US.")
    return text.upper()


def _currency(text: str) -> str:
    if text.upper() not in CURRENCIES:
        raise ValueError("Choose a currency of the list.")
    return text.upper()


def _accent(text: str) -> str:
    color = f"#{text.lstrip('#').lower()}"
    if not _COLOR.fullmatch(color):
        raise ValueError("Write a color as #0b6b5b.")
    return color


def _shop_url(text: str) -> str:
    url = text.rstrip("/")
    if not url:
        return ""
    try:
        parts = urlsplit(url)
        fine = parts.scheme in {"http", "https"} and "." in (parts.hostname or "")
        _ = parts.port  # raises for a port that is none
    except ValueError:
        fine = False
    if not fine or len(url) > 300 or _NOT_IN_URL.search(url):
        raise ValueError("Write the shop's address, such as https://shop.example.")
    return url


_READERS: dict[str, Callable[[str], str]] = {
    "name": _line(1, 120),
    "sms_name": _line(1, 40),
    "timezone": _timezone,
    "country": _country,
    "currency": _currency,
    "accent": _accent,
    "shop_url": _shop_url,
    "help_text": _line(0, 160),
}
