"""An owner at the Sending page, and an account as a brand has it at Twilio."""

from __future__ import annotations

import html
from typing import Any

from django.test import Client

from delivery.models import Gateway
from tenancy.models import User
from tenancy.scope import tenant_scope
from tests.support.carrier import CarrierProcess
from tests.support.world import Brand

SID, KEY = "AC" + "1" * 32, "SK" + "2" * 32
SECRET, TOKEN = "key-secret-very-long-7531", "auth-token-very-long-9642"
NUMBER, SERVICE = "+13105550177", "MG" + "3" * 32


class Desk:
    """An owner at the page."""

    def __init__(self, brand: Brand, person: User | None = None) -> None:
        self.brand = brand
        self.client = Client()
        self.client.force_login(person or brand.owner)
        self.base = f"/w/{brand.tenant.slug}/settings/sending/"

    def page(self) -> str:
        answer = self.client.get(self.base)
        assert answer.status_code == 200
        return html.unescape(answer.content.decode())

    def post(self, path: str, *, base: str = "", **data: Any) -> Any:
        return self.client.post(
            f"{base or self.base}{path}", {**data, "workspace": self.brand.tenant.slug}
        )

    def connect(self, **changes: str) -> Any:
        given = {"account_sid": SID, "api_key_sid": KEY, "secret": SECRET, "auth_token": TOKEN}
        return self.post("connect/", **{**given, **changes})

    def twilio(self) -> Gateway:
        with tenant_scope(self.brand.tenant.id):
            found: Gateway = Gateway.objects.get(kind="twilio")
            return found

    def set_up(self, sender: str = NUMBER, **changes: str) -> Gateway:
        """Connected, with one number, checked."""
        assert self.connect(**changes).status_code == 302
        gateway = self.twilio()
        assert self.post(f"gateway/{gateway.id}/sender/", sender=sender).status_code == 302
        self.check()
        return self.twilio()

    def check(self) -> list[str]:
        """Presses Check; returns the codes it found, as stored."""
        gateway = self.twilio()
        assert self.post(f"gateway/{gateway.id}/check/").status_code == 302
        return [finding["code"] for finding in self.twilio().check_findings]


def register(line: CarrierProcess, inbound_url: str = "", **changes: Any) -> None:
    number = {"phone": NUMBER, "inbound_url": inbound_url, **changes.pop("number", {})}
    service = {"sid": SERVICE, "numbers": [NUMBER], "campaigns": ["VERIFIED"]}
    line._post(
        "accounts",
        **{
            "sid": SID,
            "auth_tokens": [TOKEN],
            "api_keys": {KEY: SECRET},
            "numbers": [number],
            "services": [{**service, **changes.pop("service", {})}],
            **changes,
        },
    )
