"""Rows to count, written as the other floors would."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from typing import Any

from commerce.models import Order
from delivery.models import Click, Gateway, InboundMessage, Message, TrackedLink
from people.models import Contact

FLOW = uuid.UUID(int=7)


def make_contact(now: datetime) -> Contact:
    made: Contact = Contact.objects.create(created_at=now, updated_at=now)
    return made


def send(contact: Contact, at: datetime, status: str = "delivered", **fields: Any) -> Message:
    made: Message = Message.objects.create(
        **{
            "dedupe_key": uuid.uuid4().hex,
            "contact": contact,
            "message_type": "marketing",
            "source_kind": "flow",
            "flow_id": FLOW,
            "step_key": "text_1",
            "status": status,
            "expires_at": at + timedelta(hours=18),
            "created_at": at,
            "decided_at": at,
            "sent_at": at if status in {"sent", "delivered", "undelivered"} else None,
            "num_segments": 1,
            **fields,
        }
    )
    return made


def tap(message: Message, at: datetime, kind: str = "human") -> None:
    link = TrackedLink.objects.create(
        token=uuid.uuid4().hex[:8],
        message=message,
        contact_id=message.contact_id,
        label="CartLink",
        url="https://juniper.example",
        created_at=at,
    )
    Click.objects.create(
        link=link,
        message_id=message.id,
        contact_id=message.contact_id,
        clicked_at=at,
        received_at=at,
        method="GET",
        kind=kind,
    )


def order(contact: Contact, at: datetime, minor: int = 5000, **fields: Any) -> None:
    Order.objects.create(
        **{
            "key": uuid.uuid4().hex,
            "contact": contact,
            "total_minor": minor,
            "reporting_minor": minor,
            "currency": "USD",
            "reporting_currency": "USD",
            "placed_at": at,
            "event_id": uuid.uuid4(),
            "told_at": at,
            **fields,
        }
    )


def make_gateway(now: datetime) -> Gateway:
    made: Gateway = Gateway.objects.create(kind="simulator", account_sid="AC1", created_at=now)
    return made


def reply(gateway: Gateway, to: Message, at: datetime, kind: str = "none") -> None:
    InboundMessage.objects.create(
        gateway=gateway,
        sid=uuid.uuid4().hex,
        contact_id=to.contact_id,
        from_phone="+13105550142",
        to_phone="+13105550190",
        kind=kind,
        answered_message_id=to.id,
        received_at=at,
    )
