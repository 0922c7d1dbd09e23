"""Short links: from a token to its target, and each opening written down."""

from __future__ import annotations

import time
from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime
from threading import Lock
from uuid import UUID

from django.db import connection

from delivery.core.tokens import TOKEN_LENGTH, origin_of, with_campaign
from delivery.models import TrackedLink
from tenancy.domain.keys import public_origins
from tenancy.ids import new_id
from tenancy.models import Tenant
from tenancy.scope import current_tenant_id, router_scope, tenant_scope

_KEPT = 20_000
_KEPT_SECONDS = 300.0


@dataclass(frozen=True, slots=True)
class Target:
    """Where a token leads, whose it is, and what is added to the address."""

    tenant_id: UUID
    link_id: UUID
    message_id: UUID
    contact_id: UUID | None
    url: str


@dataclass(frozen=True, slots=True)
class Opening:
    """One request for a link as it came. `address` is a digest already; `received_at` is wall
    time, `clicked_at` business time."""

    method: str
    user_agent: str
    purpose: str
    address: str
    received_at: datetime
    clicked_at: datetime


def find_target(token: str) -> Target | None:
    """The target of a token, of whatever workspace; None when there is none.

    Opens its own scopes. Kept for minutes in the process: a link never changes once it was sent.
    """
    if len(token) != TOKEN_LENGTH or not token.isascii() or not token.isalnum():
        return None
    held = _read_kept(token)
    if held is not None:
        return held
    with router_scope(), connection.cursor() as cursor:
        cursor.execute("SELECT tenant_id, id FROM delivery_trackedlink WHERE token = %s", [token])
        row = cursor.fetchone()
    if row is None:
        return None
    with tenant_scope(row[0]):
        link = TrackedLink.objects.filter(id=row[1]).first()
        if link is None:
            return None
        tenant = Tenant.objects.get(id=row[0])
        own = {"kairos": token} if origin_of(link.url) in public_origins() else {}
    target = Target(
        tenant_id=row[0],
        link_id=link.id,
        message_id=link.message_id,
        contact_id=link.contact_id,
        url=with_campaign(
            link.url,
            {
                "utm_source": tenant.slug,
                "utm_medium": "sms",
                "utm_campaign": link.campaign,
                "utm_content": link.label,
                # Only a site that runs the snippet can tell us who came, so only it is told.
                **own,
            },
        ),
    )
    _keep(token, target)
    return target


def record_click(target: Target, opening: Opening) -> UUID:
    """Writes one opening down, unjudged, in a transaction of its own. One INSERT."""
    click_id = new_id()
    with tenant_scope(target.tenant_id), connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO delivery_click (id, tenant_id, link_id, message_id, contact_id,"
            " clicked_at, received_at, method, user_agent, purpose, address, kind, kind_reason,"
            " kind_detail) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, '', '', '')",
            [
                click_id,
                current_tenant_id(),
                target.link_id,
                target.message_id,
                target.contact_id,
                opening.clicked_at,
                opening.received_at,
                opening.method[:8],
                opening.user_agent[:400],
                opening.purpose[:80],
                opening.address[:64],
            ],
        )
    return click_id


_kept: OrderedDict[str, tuple[float, Target]] = OrderedDict()
_lock = Lock()


def forget_targets() -> None:
    """Empties this process's store (tests)."""
    with _lock:
        _kept.clear()


def _read_kept(token: str) -> Target | None:
    with _lock:
        held = _kept.get(token)
        if held is None:
            return None
        if held[0] < time.monotonic():
            del _kept[token]
            return None
        return held[1]


def _keep(token: str, target: Target) -> None:
    with _lock:
        _kept[token] = (time.monotonic() + _KEPT_SECONDS, target)
        while len(_kept) > _KEPT:
            _kept.popitem(last=False)
