"""A number at the carrier simulator for a workspace that somebody adds."""

from __future__ import annotations

import secrets

from django.conf import settings

from delivery.carrier_simulator import try_out
from delivery.domain.simulating import TryOut
from delivery.models import Gateway
from demo.domain.client import Carrier, ShopError

_AREAS = ("206", "303", "312", "404", "415", "512", "617", "702", "713", "808")
_TRIES = 12
TRY_OUT = TryOut(try_out.SID, try_out.TOKEN, try_out.NUMBERS)


def is_running() -> bool:
    return bool(settings.KAIROS_TWILIO_BASE_URL)


def give_number(gateway: Gateway) -> str:
    """Takes a number kept for fiction (555-01xx) that no account has yet. Raises OSError."""
    carrier = Carrier(settings.KAIROS_TWILIO_BASE_URL or "")
    inbound = f"{settings.KAIROS_PUBLIC_BASE_URL}/webhooks/twilio/{gateway.id}/inbound"
    for _ in range(_TRIES):
        phone = f"+1{secrets.choice(_AREAS)}5550{100 + secrets.randbelow(100)}"
        account = {
            "sid": gateway.account_sid,
            "auth_token": gateway.auth_tokens[0],
            "numbers": [{"phone": phone, "inbound_url": inbound}],
        }
        try:
            carrier.register(account)
        except ShopError:
            continue  # somebody has that number
        return phone
    raise OSError("no free number")
