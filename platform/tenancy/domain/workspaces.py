"""Organizations, workspaces and who belongs to them."""

from __future__ import annotations

import re
from datetime import datetime
from typing import TypeVar
from urllib.parse import urlsplit

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from api.problems import FieldError, Invalid
from tenancy.audit import record_audit
from tenancy.models import Membership, Organization, Tenant, User
from tenancy.scope import current_tenant_id

Row = TypeVar("Row", Organization, Tenant, Membership)


def create_organization(name: str, *, slug: str, now: datetime) -> Organization:
    """Raises `Invalid` when the slug is taken or malformed."""
    return _saved(Organization(name=name, slug=slug, created_at=now))


def create_workspace(
    organization: Organization,
    *,
    name: str,
    slug: str,
    sms_name: str = "",
    timezone: str = "America/New_York",
    country: str = "US",
    currency: str = "USD",
    accent: str = "#0b6b5b",
    shop_url: str = "",
    now: datetime,
) -> Tenant:
    """One brand's closed world. Raises `Invalid`, naming the field."""
    return _saved(
        Tenant(
            organization=organization,
            name=name,
            slug=slug,
            sms_name=sms_name or name,
            timezone=timezone,
            country=country,
            currency=currency,
            accent=accent,
            shop_url=shop_url,
            created_at=now,
        )
    )


def set_shop_url(url: str, *, now: datetime, actor: User | None = None) -> None:
    """Where links lead when an event names no page, for the workspace in scope. Raises `Invalid`."""
    url = url.strip().rstrip("/")
    try:
        parts = urlsplit(url)
        fine = parts.scheme in {"http", "https"} and "." in (parts.hostname or "")
    except ValueError:
        fine = False
    if not fine or len(url) > 300 or re.search(r"[\s\x00-\x1f\"'<>\[\]{}|\\^`@]", url):
        detail = "Write the shop's address, such as https://shop.example."
        raise Invalid([FieldError("shop_url", "invalid", detail)])
    Tenant.objects.filter(id=current_tenant_id()).update(shop_url=url)
    record_audit("workspace.shop_url", data={"shop_url": url}, actor=actor, now=now)


def add_member(
    organization: Organization,
    *,
    user: User,
    role: str,
    workspaces: list[Tenant] | None = None,
    now: datetime,
) -> Membership:
    """`workspaces` None: all of them, also those to come."""
    membership = _saved(
        Membership(
            user=user,
            organization=organization,
            role=role,
            all_workspaces=workspaces is None,
            created_at=now,
        )
    )
    if workspaces is not None:
        membership.workspaces.set(workspaces)
    return membership


def _saved(row: Row) -> Row:
    try:
        row.full_clean()
        with transaction.atomic():
            row.save(force_insert=True)
    except ValidationError as error:
        raise Invalid(
            [
                FieldError(field, "invalid", " ".join(messages))
                for field, messages in error.message_dict.items()
            ]
        ) from error
    except IntegrityError as error:
        raise Invalid([FieldError("slug", "taken", "This name is taken.")]) from error
    return row
