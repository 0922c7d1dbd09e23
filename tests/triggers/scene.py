"""A workspace ready to text: contacts who opted in, a sender at the carrier simulator, flows."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from consent.domain.opt_ins import OptIn, record_opt_ins
from delivery.domain.inbound import InboundSms, receive_inbound
from delivery.domain.submitting import submit_queued
from delivery.models import Gateway, Message, Sender
from events.domain.recording import NewEvent, append_events
from people.domain.queries import lock_contacts
from people.domain.resolving import IdentityRef, resolve_contacts
from tenancy.clock import advance_clock, business_now, has_demo_clock, wall_now
from tenancy.ids import new_id
from tenancy.scope import tenant_scope
from tests.support.carrier import ACCOUNT, NUMBER, TOKEN
from tests.support.world import Brand
from triggers.domain.reacting import react
from triggers.domain.ticking import tick
from triggers.models import EntryDecision, Flow, FlowRun, RunStep

NEW_YORK = "America/New_York"


@dataclass
class Scene:
    """One brand's workspace under test. Every verb opens the scope itself."""

    brand: Brand
    now: datetime
    people: dict[str, UUID] = field(default_factory=dict)

    @property
    def id(self) -> UUID:
        return self.brand.tenant.id

    def add_sender(self, *, rate: float = 1000.0) -> None:
        with tenant_scope(self.id):
            gateway = Gateway(
                kind=Gateway.Kind.SIMULATOR, account_sid=ACCOUNT, is_live=True, created_at=self.now
            )
            gateway.set_secrets(secret=TOKEN, auth_tokens=[TOKEN])
            gateway.save(force_insert=True)
            Sender.objects.create(
                gateway=gateway,
                kind=Sender.Kind.SHORT_CODE,
                phone=NUMBER,
                segments_per_second=rate,
                created_at=self.now,
            )

    def add_person(
        self, name: str = "maya", phone: str | None = "+12125550101", *, subscribed: bool = True
    ) -> UUID:
        with tenant_scope(self.id):
            ref = IdentityRef(external_id=name, phone=phone)
            contact_id = resolve_contacts([ref], now=self.now)[0]
            assert contact_id is not None
            if subscribed and phone:
                lock_contacts([contact_id])
                wish = OptIn(
                    phone=phone,
                    source="web_form",
                    occurred_at=self.now - timedelta(days=90),
                    contact_id=contact_id,
                    legal_basis="pewc",
                    double_opt_in=False,
                    disclosure="Text me, cart reminders too.",
                )
                assert record_opt_ins([wish], now=self.now)[0].code == "subscribed"
            self.people[name] = contact_id
            return contact_id

    def track(
        self,
        name: str,
        person: str | None = "maya",
        *,
        at: datetime | None = None,
        received: datetime | None = None,
        backfill: bool = False,
        kind: str = "track",
        **properties: Any,
    ) -> UUID:
        """Stores an event (one batch) and returns its id; nobody has reacted to it yet."""
        at = at or self.now
        product = properties.get("product_id") if person is None else None
        event = NewEvent(
            name=name,
            contact_id=self.people[person] if person else None,
            properties=properties,
            occurred_at=at,
            kind=kind,
            subject_kind="product" if product else None,
            subject_id=str(product) if product else None,
        )
        with tenant_scope(self.id):
            return append_events([event], now=received or self.now, backfill=backfill)[0]

    def hear(self, body: str, phone: str = "+12125550101") -> None:
        """A text from a phone, through the verb of the inbound webhook."""
        sms = InboundSms(sid=f"SM{new_id().hex}", from_phone=phone, to_phone=NUMBER, body=body)
        with tenant_scope(self.id):
            receive_inbound(Gateway.objects.get(), sms, now=self.now)

    def react(self, at: datetime | None = None) -> int:
        """Reacts until no batch is pending."""
        if at is not None:
            self.now = at
        total = 0
        while taken := react(self.id, now=self.now):
            total += taken
        return total

    def go(self, at: datetime | None = None) -> None:
        """All stages at one instant, until nothing is due."""
        from delivery.domain.deciding import redecide_due

        if at is not None:
            self.now = at
        for _ in range(50):
            done = self.react()
            done += tick(self.id, now=self.now)
            done += redecide_due(self.id, now=self.now)
            done += submit_queued(self.id, now=self.now, wall=wall_now())
            if not done:
                return
        raise AssertionError("the pipeline never came to rest")

    def walk(self, until: datetime) -> None:
        """Business time up to `until`, stopping at every due instant."""
        self.go()
        while (due := self.next_due()) is not None and due <= until:
            self.go(max(due, self.now))
        self.go(until)

    def next_due(self) -> datetime | None:
        with tenant_scope(self.id):
            runs = FlowRun.objects.filter(ended_at=None, due_at__gt=self.now, on_hold=False)
            texts = Message.objects.filter(status="scheduled", due_at__gt=self.now)
            found = [
                *runs.order_by("due_at").values_list("due_at", flat=True)[:1],
                *texts.order_by("due_at").values_list("due_at", flat=True)[:1],
            ]
        return min(found, default=None)

    def meet_clock(self) -> None:
        """Requests read the business clock: it and the scene go on from the later of both times."""
        if not has_demo_clock() or business_now() < self.now:
            advance_clock(self.now)
        self.now = max(self.now, business_now())

    # --- looking ---------------------------------------------------------------------------

    def runs(self, flow: Flow | None = None) -> list[FlowRun]:
        with tenant_scope(self.id):
            rows = FlowRun.objects.order_by("id")
            return list(rows.filter(flow=flow) if flow else rows)

    def steps(self, run: FlowRun) -> list[tuple[str, str]]:
        with tenant_scope(self.id):
            rows = RunStep.objects.filter(run=run).order_by("entered_at", "id")
            return list(rows.values_list("step_key", "outcome"))

    def messages(self) -> list[Message]:
        with tenant_scope(self.id):
            return list(Message.objects.order_by("created_at", "id"))

    def decisions(self) -> list[tuple[bool, str, str]]:
        with tenant_scope(self.id):
            rows = EntryDecision.objects.order_by("at", "id")
            return [(row.entered, row.reason, row.detail.get("text", "")) for row in rows]
