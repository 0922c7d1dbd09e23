"""The hosted sign-up page: its words in versions, on and off, found by its address."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import IntegrityError, connection, transaction

from api.problems import FieldError, Invalid
from consent.core.sign_up import (
    LENGTHS,
    Parts,
    first_parts,
    missing_parts,
    parts_from,
    text_flaw,
)
from consent.models import SignUpPage, SignUpVersion
from tenancy.audit import record_audit
from tenancy.models import ApiKey, Tenant, User
from tenancy.scope import current_tenant_id, router_scope

Actor = User | ApiKey | None


@dataclass(frozen=True, slots=True)
class Page:
    """The page as it stands. Before its first save `version` is 0 and `updated_at` None."""

    slug: str
    is_live: bool
    version: int
    parts: Parts
    updated_at: datetime | None


def read_page() -> Page:
    """The workspace's page, or what it would start from. Two queries."""
    row = SignUpPage.objects.first()
    if row is None:
        tenant = Tenant.objects.get(id=current_tenant_id())
        return Page(tenant.slug, False, 0, first_parts(tenant.sms_name or tenant.name), None)
    version = SignUpVersion.objects.get(number=row.version)
    return Page(row.slug, row.is_live, row.version, parts_from(version.parts), row.updated_at)


def find_tenant(slug: str) -> UUID | None:
    """Whose sign-up page has this address. Call it outside of every scope."""
    with router_scope(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT p.tenant_id FROM consent_signuppage p"
            " JOIN tenancy_tenant t ON t.id = p.tenant_id AND t.is_active WHERE p.slug = %s",
            [slug],
        )
        row = cursor.fetchone()
    return row[0] if row else None


def read_version(number: int) -> Parts | None:
    """The words of an earlier moment: what somebody had before them when they pressed the button."""
    row = SignUpVersion.objects.filter(number=number).first()
    return parts_from(row.parts) if row else None


def promised_frequency() -> str:
    """How often the live page says the workspace texts, "" while it says nothing."""
    page = read_page()
    return page.parts.frequency.rstrip(". ") if page.is_live else ""


def check_parts(given: Mapping[str, str], *, asks_name: bool) -> tuple[Parts, list[FieldError]]:
    """The parts as typed, and what is wrong with them."""
    tenant = Tenant.objects.get(id=current_tenant_id())
    texts = {name: " ".join(given.get(name, "").split(" ")).strip() for name in LENGTHS}
    parts = Parts(brand=tenant.sms_name or tenant.name, **texts, asks_name=asks_name)
    flaws = [(name, text_flaw(name, text)) for name, text in texts.items()]
    return parts, [FieldError(name, *flaw) for name, flaw in flaws if flaw]


def save_page(
    given: Mapping[str, str],
    *,
    asks_name: bool,
    live: bool,
    actor: Actor = None,
    now: datetime,
) -> Page:
    """Saves the words and whether the page is live; changed words make a new version.

    Raises `Invalid` naming the parts: too_long, invalid_text, not_a_web_address, and `missing`
    for what a live page cannot be without (terms, privacy policy, what is sent, how often).
    """
    parts, errors = check_parts(given, asks_name=asks_name)
    if live:
        errors += [
            FieldError(name, "missing", "The page cannot go live without it.")
            for name in missing_parts(parts)
            if name not in {error.field for error in errors}
        ]
    if errors:
        raise Invalid(errors)
    row = _locked_row(now)
    before = read_version(row.version) if row.version else None
    was_live = row.is_live
    if before != parts:
        row.version += 1
        SignUpVersion.objects.create(
            number=row.version, parts=parts.as_json(), rendered=parts.rendered, created_at=now
        )
        data = {"version": row.version, "before": before and before.as_json()}
        record_audit("sign_up_page.changed", data=data, actor=actor, now=now)
    if was_live != live:
        action = "sign_up_page.opened" if live else "sign_up_page.closed"
        record_audit(action, data={"version": row.version}, actor=actor, now=now)
    if before != parts or was_live != live:
        row.is_live, row.updated_at = live, now
        row.save(update_fields=["version", "is_live", "updated_at"])
    return read_page()


def _locked_row(now: datetime) -> SignUpPage:
    held = SignUpPage.objects.select_for_update().first()
    if held is not None:
        return held  # type: ignore[no-any-return]
    slug = Tenant.objects.get(id=current_tenant_id()).slug
    # Slugs of pages are unique over all workspaces, like slugs of workspaces; one that another
    # page took before (its workspace was renamed) gets a tail.
    for wanted in (slug, *(f"{slug[:36]}-{number}" for number in range(2, 10))):
        try:
            with transaction.atomic():
                return SignUpPage.objects.create(  # type: ignore[no-any-return]
                    slug=wanted, version=0, created_at=now, updated_at=now
                )
        except IntegrityError:
            held = SignUpPage.objects.select_for_update().first()
            if held is not None:  # somebody else made it meanwhile
                return held  # type: ignore[no-any-return]
    raise RuntimeError("no address is free for the sign-up page")
