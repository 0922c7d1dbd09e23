"""Whose visit it is: the token of a short link ties a browser to the contact who got the text."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

import msgspec
from django.db import connection

from delivery.domain.links import find_target
from delivery.models import TrackedLink
from events.core.incoming import Incoming
from events.core.names import IDENTIFIED
from events.domain.ingestion import ingest_events
from events.models import Event
from people.core.identifiers import IdentityRef
from people.models import Contact
from tenancy.ids import show_id
from tenancy.retrying import repeat_collisions
from tenancy.scope import current_tenant_id, tenant_scope

# After that a text is old, and who holds it may be anybody.
TIES_FOR = timedelta(days=30)


def tie_visitor(
    tenant_id: UUID, *, token: str, anonymous_id: str, key_id: UUID | None, now: datetime
) -> bool:
    """Makes the visitor `anonymous_id` the contact who got the text with this link; False: not.

    Only a link of this very workspace, for 30 days, and only the first browser that asks: a text
    that is passed on does not make its readers one person. What the visitor did before is theirs,
    as with any identify call. Opens its own scope.
    """
    target = find_target(token)
    if target is None or target.tenant_id != tenant_id:
        return False
    with tenant_scope(tenant_id):
        return repeat_collisions(lambda: _tie(target.link_id, anonymous_id, key_id, now))


def _tie(link_id: UUID, anonymous_id: str, key_id: UUID | None, now: datetime) -> bool:
    message_id = f"visit:{link_id}"
    with connection.cursor() as cursor:
        # One at a time for each link, before any row is locked.
        cursor.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))",
            [f"{current_tenant_id()}:{message_id}"],
        )
    link = TrackedLink.objects.filter(id=link_id, created_at__gt=now - TIES_FOR).first()
    if link is None or link.contact_id is None:
        return False
    contact = Contact.objects.filter(id=link.contact_id, erased_at=None).first()
    if contact is None or not (contact.external_id or contact.phone or contact.email):
        return False
    if Event.objects.filter(message_id=message_id, received_at__gt=now - 2 * TIES_FOR).exists():
        return False
    who = IdentityRef(
        external_id=contact.external_id,
        phone=None if contact.external_id else contact.phone,
        email=None if contact.external_id or contact.phone else contact.email,
        anonymous_id=anonymous_id,
    )
    said = {"by": "text", "message": show_id("msg", link.message_id), "link": link.label}
    visit = Incoming(
        "identify",
        name=IDENTIFIED,
        ref=who,
        message_id=message_id,
        properties=msgspec.json.encode(said).decode(),
    )
    ingest_events([visit], source="public", key_id=key_id, halve=False, now=now)
    return True
