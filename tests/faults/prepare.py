"""Run inside the installation: a workspace ready to text. Prints {"write_key", "tenant_id"}."""

from __future__ import annotations

import json
import os
import sys
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import django
import requests

FLOW = {
    "trigger": {"type": "event", "event": "Checkout Started"},
    "reentry": {"mode": "every", "min_gap": "PT24H"},
    "exit": [{"event": "Order Completed"}],
    "priority": 80,
    "steps": [
        {"key": "wait", "type": "delay", "for": "PT2S"},
        {"key": "text", "type": "message", "template": "cart"},
    ],
}
ACCOUNT, TOKEN, NUMBER = "AC" + "f" * 32, "faults-token", "+13105550199"
# The carrier takes a text and its answer gets lost, some callbacks never come: what then became of
# the text has to be looked up. Slow answers let kills come between a POST and its answer.
CARRIER_TROUBLE = [
    {"do": "drop", "after_accept": True, "share": 0.02},
    {"do": "server_error", "status": 500, "after_accept": True, "share": 0.02},
    {"do": "throttle", "retry_after": 1, "share": 0.005},
    {"do": "slow", "seconds": 0.5, "share": 0.2},
    {"do": "callbacks", "mode": "missing", "share": 0.3},
    {"do": "callbacks", "mode": "duplicate", "share": 0.05},
    {"do": "callbacks", "mode": "reorder", "share": 0.05},
]


def main(texts: int, base_url: str) -> None:
    django.setup()
    from django.conf import settings

    from consent.domain.opt_ins import OptIn, record_opt_ins
    from delivery.models import Gateway, Sender
    from people.domain.queries import lock_contacts
    from people.domain.resolving import IdentityRef, resolve_contacts
    from tenancy.clock import advance_clock, business_now, wall_now
    from tenancy.scope import tenant_scope
    from tests.faults.plan import phone_of
    from tests.support.world import make_brand
    from triggers.domain.flows import create_flow, publish_flow

    advance_clock(next_tuesday_at_ten(wall_now()))
    now = business_now()
    brand = make_brand("juniper", name="Juniper & Oak", now=now)
    with tenant_scope(brand.tenant.id):
        gateway = Gateway(kind="simulator", account_sid=ACCOUNT, created_at=now)
        gateway.set_secrets(secret=TOKEN, auth_tokens=[TOKEN])
        gateway.save(force_insert=True)
        Sender.objects.create(
            gateway=gateway,
            kind="short_code",
            phone=NUMBER,
            segments_per_second=400.0,
            created_at=now,
        )
        refs = [IdentityRef(external_id=f"p-{n}", phone=phone_of(n)) for n in range(texts)]
        ids = resolve_contacts(refs, now=now)
        lock_contacts([key for key in ids if key is not None])
        wishes = [
            OptIn(
                phone=phone_of(number),
                source="web_form",
                occurred_at=now - timedelta(days=30),
                contact_id=contact_id,
                legal_basis="pewc",
                double_opt_in=False,
                disclosure="Text me, cart reminders too.",
            )
            for number, contact_id in enumerate(ids)
        ]
        codes = {result.code for result in record_opt_ins(wishes, now=now)}
        assert codes == {"subscribed"}, codes
        from templates_engine.domain.templates import save_and_approve

        save_and_approve(
            "cart",
            now=now,
            body="Your cart is saved. Finish checkout: [CartLink]",
            fields={"CartLink": "https://juniper.example"},
        )
        flow = create_flow("Cart", definition=FLOW, now=now)
        publish_flow(flow, now=now)
    carrier = f"{settings.KAIROS_TWILIO_BASE_URL}/_sim"
    account = {"sid": ACCOUNT, "auth_token": TOKEN, "numbers": [NUMBER]}
    requests.post(f"{carrier}/accounts", json=account, timeout=10).raise_for_status()
    requests.post(
        f"{carrier}/rules", json={"rules": CARRIER_TROUBLE}, timeout=10
    ).raise_for_status()
    sys.stdout.write(json.dumps({"write_key": brand.write_key, "tenant_id": str(brand.tenant.id)}))


def next_tuesday_at_ten(wall: datetime) -> datetime:
    """In Los Angeles: open hours in every zone of the people here, for hours to come."""
    local = wall.astimezone(ZoneInfo("America/Los_Angeles"))
    day = local.date() + timedelta(days=(1 - local.weekday()) % 7 or 7)
    return datetime.combine(day, time(10), local.tzinfo).astimezone(UTC)


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.dev")
    main(int(sys.argv[1]), sys.argv[2])
