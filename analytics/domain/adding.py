"""A new client of an organization: workspace, sending and the ready flows in one transaction."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit
from zoneinfo import available_timezones

from django.db import transaction
from django.utils.text import slugify

from analytics.domain.rolling_up import roll_up
from api.problems import FieldError, Invalid
from delivery.domain.simulating import connect_simulator
from delivery.domain.simulating import is_running as simulator_is_running
from tenancy.audit import record_audit
from tenancy.countries import COUNTRIES
from tenancy.domain.reach import Reach
from tenancy.domain.workspace_settings import CURRENCIES
from tenancy.domain.workspaces import create_workspace
from tenancy.models import Membership, Tenant
from tenancy.scope import tenant_scope
from triggers.domain.recipes import install_recipe, list_recipes

SENDERS = ("later", "simulator")
# Bands that are told apart at a glance, the product's own first.
ACCENTS = ("#0b6b5b", "#1f4e8c", "#a03010", "#6a3fc2", "#8f5300", "#9c2a5b", "#4a6b0b", "#3d4a57")
_ZONE = "America/New_York"
_COLOR = re.compile(r"#[0-9a-f]{6}")


def add_client(
    reach: Reach,
    *,
    name: str,
    timezone: str,
    accent: str,
    shop_url: str,
    country: str = "US",
    currency: str = "",
    sender: str = "later",
    now: datetime,
) -> Tenant:
    """The workspace with every recipe as a draft. Raises `Invalid`, naming the field, or
    `Problem` simulator_away (503); then nothing of it exists.

    `currency` "": the country's own. `sender`: later, or simulator where one runs. Who may see some
    clients only gains this one.
    """
    errors = [
        *_check(name, timezone, accent, shop_url, sender),
        *_check_place(country, currency),
    ]
    if errors:
        raise Invalid(errors)
    with transaction.atomic():
        workspace = create_workspace(
            reach.organization,
            name=name.strip(),
            slug=_free_slug(name),
            sms_name=name.strip()[:40].strip(),
            timezone=timezone,
            country=country,
            currency=currency or COUNTRIES[country].currency,
            accent=accent.lower(),
            shop_url=shop_url.rstrip("/"),
            now=now,
        )
        if reach.workspaces is not None:
            membership = Membership.objects.get(user=reach.user, organization=reach.organization)
            membership.workspaces.add(workspace)
        with tenant_scope(workspace.id):
            data = {"name": workspace.name, "sender": sender}
            record_audit(
                "workspace.created", target=workspace.slug, data=data, actor=reach.user, now=now
            )
            for recipe in list_recipes():
                install_recipe(recipe.slug, now=now, actor=reach.user)
            if sender == "simulator":
                connect_simulator(now=now)
            roll_up(now=now)
    return workspace


@dataclass(frozen=True, slots=True)
class Beginning:
    """What the form for a new client starts with."""

    country: str
    currency: str
    timezone: str
    accent: str = ACCENTS[0]


def beginning_for(reach: Reach) -> Beginning:
    """As the newest client within reach has it: agencies mostly serve one country. The color is one
    that the fewest of them have. One query."""
    seen = Tenant.objects.filter(organization=reach.organization, is_active=True)
    if reach.workspaces is not None:
        seen = seen.filter(id__in=reach.workspaces)
    rows = list(
        seen.order_by("-created_at", "-id").values_list("country", "currency", "timezone", "accent")
    )
    if not rows:
        return Beginning("US", "", _ZONE)
    country, currency, timezone, _ = rows[0]
    own = country in COUNTRIES and COUNTRIES[country].currency == currency
    used = [row[3] for row in rows]
    return Beginning(
        country,
        "" if own else currency,
        timezone if "/" in timezone else _ZONE,
        min(ACCENTS, key=used.count),
    )


def _check_place(country: str, currency: str) -> list[FieldError]:
    errors = []
    if country not in COUNTRIES:
        errors.append(FieldError("country", "invalid_choice", "Choose one of the countries."))
    if currency and currency not in CURRENCIES:
        errors.append(FieldError("currency", "invalid_choice", "Choose one of the currencies."))
    return errors


def _check(name: str, timezone: str, accent: str, shop_url: str, sender: str) -> list[FieldError]:
    errors = []
    if not 0 < len(name.strip()) <= 120 or not slugify(name):
        errors.append(FieldError("name", "invalid", "Write a name of 1 to 120 letters."))
    if timezone not in available_timezones():
        errors.append(FieldError("timezone", "unknown_zone", "Choose one of the time zones."))
    if not _COLOR.fullmatch(accent.lower()):
        errors.append(FieldError("accent", "invalid", "A color such as #0b6b5b."))
    if not _is_web_address(shop_url):
        detail = "Write the shop's address, such as https://shop.example."
        errors.append(FieldError("shop_url", "invalid", detail))
    if sender not in SENDERS or (sender == "simulator" and not simulator_is_running()):
        errors.append(FieldError("sender", "invalid_choice", "Choose one of the ways to send."))
    return errors


def _is_web_address(text: str) -> bool:
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    plain = not re.search(r"[\s\x00-\x1f\"'<>\[\]{}|\\^`]", text)
    return parts.scheme in {"http", "https"} and bool(parts.hostname) and plain and len(text) <= 300


def _free_slug(name: str) -> str:
    slug = slugify(name)[:40].strip("-")
    taken = set(Tenant.objects.filter(slug__startswith=slug[:30]).values_list("slug", flat=True))
    for number in range(1, 10_000):
        made = slug if number == 1 else f"{slug[: 39 - len(str(number))].rstrip('-')}-{number}"
        if made not in taken:
            return made
    raise Invalid([FieldError("name", "taken", "This name is taken.")])
