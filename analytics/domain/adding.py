"""A new client of an organization: workspace, sending and the ready flows in one transaction."""

from __future__ import annotations

import re
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
from tenancy.domain.reach import Reach
from tenancy.domain.workspaces import create_workspace
from tenancy.models import Membership, Tenant
from tenancy.scope import tenant_scope
from triggers.domain.recipes import install_recipe, list_recipes

SENDERS = ("later", "simulator")
_COLOR = re.compile(r"#[0-9a-f]{6}")


def add_client(
    reach: Reach,
    *,
    name: str,
    timezone: str,
    accent: str,
    shop_url: str,
    sender: str = "later",
    now: datetime,
) -> Tenant:
    """The workspace with every recipe as a draft. Raises `Invalid`, naming the field, or
    `Problem` simulator_away (503); then nothing of it exists.

    `sender`: later, or simulator where one runs. Who may see some clients only gains this one.
    """
    _check(name, timezone, accent, shop_url, sender)
    with transaction.atomic():
        workspace = create_workspace(
            reach.organization,
            name=name.strip(),
            slug=_free_slug(name),
            sms_name=name.strip()[:40].strip(),
            timezone=timezone,
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


def _check(name: str, timezone: str, accent: str, shop_url: str, sender: str) -> None:
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
        errors.append(FieldError("sender", "unknown_choice", "Choose one of the ways to send."))
    if errors:
        raise Invalid(errors)


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
