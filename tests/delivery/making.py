"""A workspace that can send: gateway, sender, templates, contacts. Through the public verbs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from consent.domain.opt_ins import OptIn, record_opt_ins
from delivery.core.intents import SendIntent
from delivery.domain.gateways import add_sender, connect_gateway
from delivery.models import Gateway, Message, Sender
from people.domain.queries import contacts_by_id
from people.domain.resolving import IdentityRef, resolve_contacts
from templates_engine.domain.templates import save_and_approve
from tenancy.ids import new_id
from tenancy.scope import tenant_scope
from tests.support.carrier import ACCOUNT, NUMBER, TOKEN
from tests.support.world import Brand

TEXT = (
    "Hi [FirstName or 'there'], your cart is waiting: [CartLink or 'https://juniper.example/cart']"
)
LA = "+13105550100"  # Los Angeles: 11:00 on the morning of the tests
NEW_YORK = "+12125550100"


@dataclass(frozen=True)
class Shop:
    """A brand with everything it needs to send; ids only, to be used inside a scope."""

    brand: Brand
    gateway: Gateway
    sender: Sender
    version_id: UUID
    plain_id: UUID
    reply_id: UUID

    @property
    def tenant_id(self) -> UUID:
        return self.brand.tenant.id


def make_shop(brand: Brand, *, now: datetime, rate: float = 1000.0) -> Shop:
    with tenant_scope(brand.tenant.id):
        gateway = connect_gateway(
            kind="simulator", account_sid=ACCOUNT, secret=TOKEN, auth_tokens=[TOKEN], now=now
        )
        sender = add_sender(gateway, phone=NUMBER, segments_per_second=rate, now=now)
        return Shop(
            brand,
            gateway,
            sender,
            save_and_approve("cart-1", body=TEXT, now=now).id,
            save_and_approve("plain", body="Good news today.", now=now).id,
            save_and_approve(
                "reply-size", body="S to XL.", message_type="conversational", now=now
            ).id,
        )


def make_contact(phone: str, *, now: datetime, subscribed: bool = True) -> UUID:
    """A contact of the workspace in scope."""
    contact_id = resolve_contacts([IdentityRef(phone=phone)], now=now)[0]
    assert contact_id is not None
    if subscribed:
        subscribe(phone, contact_id, now=now)
    return contact_id


def subscribe(phone: str, contact_id: UUID, *, now: datetime) -> None:
    result = record_opt_ins(
        [
            OptIn(
                phone=phone,
                source="web_form",
                occurred_at=now,
                contact_id=contact_id,
                double_opt_in=False,
                evidence={"url": "https://juniper.example/join"},
                disclosure="Texts, recurring.",
            )
        ],
        now=now,
    )
    assert result[0].code == "subscribed"


def intent(contact_id: UUID | None, version_id: UUID | None, **more: Any) -> SendIntent:
    given: dict[str, Any] = {
        "dedupe_key": f"test:{new_id().hex}",
        "contact_id": contact_id,
        "template_version_id": version_id,
        "message_type": "marketing",
        "source_kind": "system",
        "source_key": "flow-1",
        "step_key": "text_1",
    }
    return SendIntent(**{**given, **more})


def phone_of(contact_id: UUID) -> str:
    return contacts_by_id([contact_id])[contact_id].phone or ""


def message(message_id: UUID) -> Message:
    return Message.objects.get(id=message_id)  # type: ignore[no-any-return]


def numbers(count: int, *, area: str = "310") -> list[str]:
    """Distinct numbers of one area code, +1 310 5XX XXXX."""
    return [f"+1{area}5{index:06d}" for index in range(200000, 200000 + count)]
