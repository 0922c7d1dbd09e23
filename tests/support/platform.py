"""The whole platform in one test process: web over HTTP, the carrier simulator, stages by hand.

The web server is a live server thread; the simulator a process of its own; workers are replaced by
`settle()`, which runs the very stages a worker runs until nothing is due. Business time is moved
through the clock's one offset row.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import requests

from consent.domain.opt_ins import OptIn, record_opt_ins
from delivery.models import Gateway, Sender
from people.models import Contact
from tenancy.clock import advance_clock, business_now, wall_now
from tenancy.scope import tenant_scope
from tests.support.carrier import CarrierProcess
from tests.support.world import Brand, World
from triggers.domain.finding import tenants_with_work
from triggers.domain.pipeline import work

PHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148"


@dataclass
class Platform:
    base_url: str
    carrier: CarrierProcess
    world: World
    accounts: dict[str, str] = field(default_factory=dict)
    numbers: dict[str, str] = field(default_factory=dict)

    # --- set-up ---------------------------------------------------------------------------

    def add_sender(self, brand: Brand, *, sid: str, number: str) -> None:
        """Gives the brand a number at the simulated carrier, with its reply webhook."""
        with tenant_scope(brand.tenant.id):
            gateway = Gateway(kind="simulator", account_sid=sid, created_at=business_now())
            gateway.set_secrets(secret=f"token-{sid}", auth_tokens=[f"token-{sid}"])
            gateway.save(force_insert=True)
            Sender.objects.create(
                gateway=gateway,
                kind="short_code",
                phone=number,
                segments_per_second=200.0,
                created_at=business_now(),
            )
        answer = requests.post(
            f"{self.carrier.base_url}/_sim/accounts",
            json={
                "sid": sid,
                "auth_token": f"token-{sid}",
                "numbers": [
                    {
                        "phone": number,
                        "inbound_url": f"{self.base_url}/webhooks/twilio/{gateway.id}/inbound",
                    }
                ],
            },
            timeout=60,
        )
        answer.raise_for_status()
        self.accounts[brand.tenant.slug] = sid
        self.numbers[brand.tenant.slug] = number

    def identify(self, brand: Brand, user_id: str, phone: str, **traits: Any) -> None:
        self.post(brand, "/v1/identify", {"userId": user_id, "traits": {"phone": phone, **traits}})

    def opt_in(self, brand: Brand, user_id: str) -> None:
        """The box of the shop's form was ticked, a month ago."""
        with tenant_scope(brand.tenant.id):
            contact = Contact.objects.get(external_id=user_id)
            assert contact.phone is not None
            now = business_now()
            (result,) = record_opt_ins(
                [
                    OptIn(
                        phone=contact.phone,
                        source="web_form",
                        occurred_at=now - timedelta(days=30),
                        contact_id=contact.id,
                        legal_basis="pewc",
                        double_opt_in=False,
                        disclosure="Text me offers",
                    )
                ],
                now=now,
            )
        assert result.code == "subscribed"

    # --- the world outside ----------------------------------------------------------------

    def post(self, brand: Brand, path: str, body: dict[str, Any]) -> dict[str, Any]:
        answer = requests.post(
            f"{self.base_url}{path}", json=body, auth=(brand.write_key, ""), timeout=60
        )
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def track(self, brand: Brand, user_id: str, event: str, **properties: Any) -> None:
        self.post(brand, "/v1/track", {"userId": user_id, "event": event, "properties": properties})

    def api(self, brand: Brand, method: str, path: str, body: Any = None) -> requests.Response:
        return requests.request(
            method,
            f"{self.base_url}/api/v1/{path}",
            json=body,
            headers={"Authorization": f"Bearer {brand.api_key}"},
            timeout=60,
        )

    def texts(self, phone: str) -> list[dict[str, Any]]:
        """What the simulated carrier took for a phone, oldest first."""
        answer = requests.get(
            f"{self.carrier.base_url}/_sim/messages", params={"to": phone}, timeout=60
        )
        found: list[dict[str, Any]] = answer.json()["messages"]
        return found

    def reply(self, brand: Brand, phone: str, body: str) -> None:
        slug = brand.tenant.slug
        answer = requests.post(
            f"{self.carrier.base_url}/_sim/inbound",
            json={
                "account": self.accounts[slug],
                "from": phone,
                "to": self.numbers[slug],
                "body": body,
            },
            timeout=60,
        )
        answer.raise_for_status()

    def tap(self, url: str, *, agent: str = PHONE, method: str = "GET") -> requests.Response:
        return requests.request(
            method, url, headers={"User-Agent": agent}, allow_redirects=False, timeout=60
        )

    # --- time and work --------------------------------------------------------------------

    def settle(self, *, seconds: float = 240.0) -> None:
        """Runs every stage of every workspace until nothing is due; waits for callbacks."""
        idle, deadline = 0, time.monotonic() + seconds
        while idle < 4 and time.monotonic() < deadline:
            brands = (self.world.shop, self.world.other)
            done = sum(sum(work(brand.tenant.id).values()) for brand in brands)
            # A click is judged a moment after it came; until then there is still work.
            due = tenants_with_work(business=business_now(), wall=wall_now())
            idle = 0 if done or due else idle + 1
            if not done:
                time.sleep(0.05)

    def go_to(self, moment: datetime) -> None:
        advance_clock(moment)
        self.settle()

    def pass_time(self, span: timedelta) -> None:
        self.go_to(business_now() + span)
