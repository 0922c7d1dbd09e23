"""A number that belongs to somebody else now: no text goes to it, and it names nobody any more."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from api.problems import FieldError, Invalid
from consent.domain.suppressions import NewSuppression, suppress
from events.domain.changing import change_contact
from people.core.traits import Traits
from people.domain.merged import present_contact
from people.domain.queries import lock_contacts
from people.domain.searching import index_contacts
from people.models import Identifier

REASON = "reassigned"


def give_up_number(contact_id: UUID, *, actor: str, source: str = "agent", now: datetime) -> str:
    """Suppresses the contact's number as reassigned and takes it from the contact, who stays.

    Whoever writes from it next is somebody new. What waits for it is canceled. Returns the number.
    Raises `Invalid` when the contact has none.
    """
    lock_contacts([contact_id])
    phone = present_contact(contact_id).phone
    if not phone:
        raise Invalid([FieldError("contact", "no_phone", "This contact has no phone number.")])
    suppress(
        [NewSuppression(phone, REASON, now, source=source, contact_id=contact_id, actor=actor)],
        now=now,
    )
    change_contact(contact_id, Traits(fields={"phone": None}), now=now)
    Identifier.objects.filter(contact_id=contact_id, kind="phone", value=phone).delete()
    index_contacts([contact_id])
    return phone
