"""Webhook endpoints: who is told of what. Times are wall time."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import connection

from api.problems import FieldError, Invalid, NotFound, Problem
from events.core.addresses import UnsafeUrl, read_url
from events.core.names import (
    CONTACT_CHANGED,
    DATE_REACHED,
    ORDER_COMPLETED,
    PRODUCT_PRICE_DROPPED,
    PRODUCT_RESTOCKED,
    RESERVED,
    SEGMENT_ENTERED,
    SEGMENT_LEFT,
    SMS_DELIVERED,
    SMS_FAILED,
    SMS_LINK_CLICKED,
    SMS_REPLIED,
    SMS_SENT,
    SMS_SKIPPED,
    SMS_SUBSCRIBED,
    SMS_UNSUBSCRIBED,
    canonical,
)
from events.domain.listening import EVERYTHING
from events.domain.posting import resolve
from events.models import WebhookEndpoint
from tenancy.scope import current_tenant_id
from tenancy.waking import wake

WORK_TASK = "events.webhooks"
MAX_ENDPOINTS = 20
MAX_NAMES = 50
# Both secrets sign this long, so that a receiver can be changed without a gap.
OLD_SECRET_LIVES = timedelta(hours=24)
# What the page offers to tick; any other name may be written.
OFFERED: tuple[tuple[str, tuple[str, ...]], ...] = (
    (
        "Messages",
        (SMS_SENT, SMS_DELIVERED, SMS_FAILED, SMS_SKIPPED, SMS_LINK_CLICKED, SMS_REPLIED),
    ),
    ("Consent", (SMS_SUBSCRIBED, SMS_UNSUBSCRIBED)),
    (
        "Contacts and orders",
        (CONTACT_CHANGED, SEGMENT_ENTERED, SEGMENT_LEFT, DATE_REACHED, ORDER_COMPLETED),
    ),
    ("Products", (PRODUCT_RESTOCKED, PRODUCT_PRICE_DROPPED)),
)
assert set(OFFERED[0][1]) | set(OFFERED[1][1]) <= RESERVED  # noqa: S101 (a typo would offer nothing)


def create_endpoint(
    *,
    url: str,
    event_names: Sequence[str],
    description: str = "",
    created_by: UUID | None = None,
    now: datetime,
) -> tuple[WebhookEndpoint, str]:
    """An endpoint and its secret, which is shown this once. Raises `Invalid`.

    It hears of events appended from this commit on.
    """
    errors = [*_url_errors(url), *_name_errors(event_names)]
    if WebhookEndpoint.objects.count() >= MAX_ENDPOINTS:
        detail = f"A workspace has at most {MAX_ENDPOINTS} webhooks. Remove one first."
        errors.append(FieldError("url", "too_many", detail))
    if errors:
        raise Invalid(errors)
    secret = _new_secret()
    endpoint = WebhookEndpoint(
        url=url,
        event_names=clean_names(event_names),
        description=_line(description),
        state=WebhookEndpoint.State.ENABLED,
        created_by=created_by,
        created_at=now,
    )
    endpoint.set_secrets(secret)
    endpoint.save(force_insert=True)
    return endpoint, secret


def change_endpoint(
    endpoint: WebhookEndpoint,
    *,
    url: str | None = None,
    event_names: Sequence[str] | None = None,
    description: str | None = None,
) -> None:
    """Changes what is given. What waits goes to the new address. Raises `Invalid`."""
    errors: list[FieldError] = []
    if url is not None:
        errors += _url_errors(url)
    if event_names is not None:
        errors += _name_errors(event_names)
    if errors:
        raise Invalid(errors)
    if url is not None:
        endpoint.url = url
    if event_names is not None:
        endpoint.event_names = clean_names(event_names)
    if description is not None:
        endpoint.description = _line(description)
    endpoint.save(update_fields=["url", "event_names", "description"])


def enable_endpoint(endpoint: WebhookEndpoint) -> None:
    """Switches it on with a clean slate: what waited goes out at once."""
    endpoint.state = WebhookEndpoint.State.ENABLED
    endpoint.disabled_reason = ""
    endpoint.disabled_at = None
    endpoint.failures_in_a_row = 0
    endpoint.failing_since = None
    endpoint.retry_at = None
    endpoint.save(
        update_fields=[
            "state", "disabled_reason", "disabled_at", "failures_in_a_row", "failing_since",
            "retry_at",
        ]
    )  # fmt: skip
    wake_webhooks()


def disable_endpoint(endpoint: WebhookEndpoint, *, reason: str, now: datetime) -> None:
    """Nothing is sent to it any more and new events pass it by. What waits stays."""
    endpoint.state = WebhookEndpoint.State.DISABLED
    endpoint.disabled_reason = reason[:200]
    endpoint.disabled_at = now
    endpoint.save(update_fields=["state", "disabled_reason", "disabled_at"])


def rotate_secret(endpoint: WebhookEndpoint, *, now: datetime) -> str:
    """A new secret, shown this once; the one before it signs beside it for 24 hours."""
    secret = _new_secret()
    endpoint.set_secrets(secret, endpoint.secrets[0])
    endpoint.old_secret_until = now + OLD_SECRET_LIVES
    endpoint.save(update_fields=["secrets_encrypted", "old_secret_until"])
    return secret


def delete_endpoint(endpoint: WebhookEndpoint) -> None:
    """Removes it with all of its deliveries."""
    with connection.cursor() as cursor:
        values = [current_tenant_id(), endpoint.id]
        # The endpoint's lock first: whoever is about to write deliveries of it sees it gone.
        cursor.execute(
            "SELECT 1 FROM events_webhookendpoint WHERE tenant_id = %s AND id = %s FOR UPDATE",
            values,
        )
        cursor.execute(
            "DELETE FROM events_webhookdelivery WHERE tenant_id = %s AND endpoint_id = %s", values
        )
        cursor.execute(
            "DELETE FROM events_webhookendpoint WHERE tenant_id = %s AND id = %s", values
        )


def find_endpoint(endpoint_id: UUID, *, lock: bool = False) -> WebhookEndpoint:
    """Raises `NotFound`. `lock`: until the end of the transaction nobody else changes it."""
    rows = WebhookEndpoint.objects.select_for_update() if lock else WebhookEndpoint.objects
    found = rows.filter(id=endpoint_id).first()
    if found is None:
        raise NotFound("This webhook")
    return found  # type: ignore[no-any-return]


def require_enabled(endpoint: WebhookEndpoint) -> None:
    if endpoint.state != WebhookEndpoint.State.ENABLED:
        raise Problem("webhook_disabled", "Switch the webhook on first.", status=409)


def secrets_in_force(endpoint: WebhookEndpoint, *, now: datetime) -> tuple[str, ...]:
    held = endpoint.secrets
    is_both = endpoint.old_secret_until is not None and now < endpoint.old_secret_until
    return held if is_both else held[:1]


def clean_names(names: Iterable[str]) -> list[str]:
    """Canonical, each once, in order; "*" alone stands for all."""
    known = list(dict.fromkeys(canonical(str(name)) for name in names if str(name).strip()))
    return [EVERYTHING] if EVERYTHING in known else known


def wake_webhooks() -> None:
    wake(WORK_TASK, queue="bulk", tenant_id=str(current_tenant_id()))


def _url_errors(url: str) -> list[FieldError]:
    loopback = bool(settings.KAIROS_WEBHOOK_LOOPBACK)
    try:
        resolve(read_url(url, allow_loopback=loopback), allow_loopback=loopback)
    except UnsafeUrl as refused:
        return [FieldError("url", refused.code, refused.detail)]
    return []


def _name_errors(names: Sequence[str]) -> list[FieldError]:
    known = clean_names(names)
    if not known:
        return [FieldError("events", "required", "Choose at least one event.")]
    if len(known) > MAX_NAMES:
        return [FieldError("events", "too_many", f"At most {MAX_NAMES} names.")]
    wrong = [name for name in known if len(name) > 200 or "\x00" in name]
    if wrong:
        return [FieldError("events", "invalid_name", "An event's name has 1 to 200 characters.")]
    return []


def _line(text: str) -> str:
    return " ".join(text.replace("\x00", " ").split())[:120]


def _new_secret() -> str:
    return f"whsec_{secrets.token_urlsafe(32)}"
