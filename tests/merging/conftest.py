from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from consent.domain.opt_ins import OptIn, record_opt_ins
from delivery.domain.deciding import redecide_due
from delivery.domain.inbound import InboundSms, receive_inbound
from delivery.models import Gateway, Sender
from events.domain.merging import merge_contacts, unmerge_contacts
from events.domain.recording import NewEvent, append_events, contact_changed
from people.domain.attributes import TraitChange, apply_traits
from people.domain.queries import lock_contacts
from people.domain.resolving import IdentityRef, resolve_contacts
from people.models import Contact, ContactMerge
from segments.domain.membership import sweep_due
from segments.domain.segments import build_segment, create_segment
from tenancy.clock import advance_clock
from tenancy.ids import new_id
from tenancy.scope import tenant_scope
from tests.support.world import Brand, World
from triggers.domain.flows import publish_flow
from triggers.domain.reacting import react
from triggers.domain.recipes import install_recipe
from triggers.domain.ticking import tick

NUMBER = "+18885550100"
PHONES = {"maya": "+12125550101", "mimi": "+12125550102"}
LOOKED = {
    "all": [
        {"event": "Product Viewed", "count": {"op": "gte", "value": 2}, "within": "P14D"},
    ]
}


@dataclass
class Pair:
    """Two contacts of one workspace, Maya (known by the shop's id, older) and Mimi."""

    brand: Brand
    now: datetime
    ids: dict[str, UUID] = field(default_factory=dict)

    @property
    def maya(self) -> UUID:
        return self.ids["maya"]

    @property
    def mimi(self) -> UUID:
        return self.ids["mimi"]

    def add(self, name: str, /, *, subscribed: bool = True, **ref: str) -> UUID:
        with tenant_scope(self.brand.tenant.id):
            found = resolve_contacts(
                [IdentityRef(**{"phone": PHONES.get(name), **ref})], now=self.now
            )
            contact_id = found[0]
            assert contact_id is not None
            if subscribed and name in PHONES:
                lock_contacts([contact_id])
                wish = OptIn(
                    phone=PHONES[name],
                    source="web_form",
                    occurred_at=self.now - timedelta(days=90),
                    contact_id=contact_id,
                    legal_basis="pewc",
                    double_opt_in=False,
                    disclosure="Text me, cart reminders too.",
                )
                record_opt_ins([wish], now=self.now)
            self.ids[name] = contact_id
            return contact_id

    def say(self, name: str, /, **traits: Any) -> None:
        """What somebody tells of a contact, a minute after what was told before."""
        self.now += timedelta(minutes=1)
        with tenant_scope(self.brand.tenant.id):
            news = apply_traits([TraitChange(self.ids[name], traits)], now=self.now)
            append_events(contact_changed(news, occurred_at=self.now), now=self.now)

    def track(self, name: str, event: str, /, **properties: Any) -> None:
        self.now += timedelta(seconds=1)
        with tenant_scope(self.brand.tenant.id):
            new = NewEvent(event, self.ids[name], properties, self.now, kind="track")
            append_events([new], now=self.now)

    def hear(self, name: str, body: str) -> None:
        with tenant_scope(self.brand.tenant.id):
            sms = InboundSms(
                sid=f"SM{new_id().hex}", from_phone=PHONES[name], to_phone=NUMBER, body=body
            )
            receive_inbound(Gateway.objects.get(), sms, now=self.now)

    def work(self) -> None:
        """Everything that is due, but for submitting."""
        tenant_id = self.brand.tenant.id
        for _ in range(50):
            done = react(tenant_id, now=self.now) + tick(tenant_id, now=self.now)
            done += redecide_due(tenant_id, now=self.now) + sweep_due(tenant_id, now=self.now)
            if not done:
                return
        raise AssertionError("the pipeline never came to rest")

    def merge(self, survivor: str = "maya", merged: str = "mimi") -> ContactMerge:
        with tenant_scope(self.brand.tenant.id):
            return merge_contacts(
                self.ids[survivor], self.ids[merged], actor="user:t", now=self.now
            )

    def unmerge(self, merge: ContactMerge) -> None:
        with tenant_scope(self.brand.tenant.id):
            unmerge_contacts(merge.id, actor="user:t", now=self.now)

    def contact(self, name: str) -> Contact:
        with tenant_scope(self.brand.tenant.id):
            found: Contact = Contact.objects.get(id=self.ids[name])
            return found


def make_pair(world: World, now: datetime, brand: Brand | None = None) -> Pair:
    pair = Pair(brand or world.shop, now)
    if brand is None:
        advance_clock(now)
    with tenant_scope(pair.brand.tenant.id):
        gateway = Gateway(
            kind=Gateway.Kind.SIMULATOR, account_sid="AC" + "1" * 32, is_live=True, created_at=now
        )
        gateway.set_secrets(secret="token", auth_tokens=["token"])
        gateway.save(force_insert=True)
        Sender.objects.create(
            gateway=gateway, kind=Sender.Kind.SHORT_CODE, phone=NUMBER,
            segments_per_second=1000.0, created_at=now,
        )  # fmt: skip
        for slug in ("cart-recovery", "back-in-stock", "loyalty-nudge"):
            publish_flow(install_recipe(slug, now=now), now=now)
        segment = create_segment("Looked twice", definition=LOOKED, now=now)
        build_segment(segment.id, now=now)
    pair.add("maya", external_id="maya")
    pair.now += timedelta(minutes=1)
    pair.add("mimi")
    return pair


@pytest.fixture
def pair(world: World, now: datetime) -> Pair:
    return make_pair(world, now)


@pytest.fixture
def both(world: World, now: datetime) -> tuple[Pair, Pair]:
    """Ours, and the look-alike that nothing may touch."""
    return make_pair(world, now), make_pair(world, now, world.other)
