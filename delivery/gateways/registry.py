"""Which gateway a row stands for. One client per process and set of credentials, kept warm.

A new client costs a TLS handshake per thread, so they are kept; they are never carried over a
fork, where two processes would write into one socket. To add a kind of gateway, write an
`SmsGateway` and add it to `_BUILDERS`.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import lru_cache
from typing import Protocol

from django.conf import settings

from delivery.gateways.base import AccountInspector, SmsGateway
from delivery.gateways.twilio_account import TwilioInspector
from delivery.gateways.twilio_gateway import GatewayAccount, TwilioGateway

MAX_CLIENTS = 128  # each holds up to one connection per submitting thread
ANSWER_TIMEOUT_SECONDS = 10.0


class GatewayRow(Protocol):
    """What the registry reads of a `delivery.models.Gateway`; `secret` is decrypted."""

    @property
    def kind(self) -> str: ...
    @property
    def account_sid(self) -> str: ...
    @property
    def api_key_sid(self) -> str: ...
    @property
    def secret(self) -> str: ...


class AccountRow(GatewayRow, Protocol):
    """The same with what its webhooks are signed with."""

    @property
    def auth_tokens(self) -> tuple[str, ...]: ...


class GatewayMisconfigured(RuntimeError):
    """This installation cannot reach the gateway a workspace asks for."""


def gateway_for(gateway: GatewayRow) -> SmsGateway:
    """The client for a gateway row. Raises GatewayMisconfigured.

    Where it connects is the installation's choice (KAIROS_TWILIO_BASE_URL), never a tenant's.
    """
    build = _BUILDERS.get(gateway.kind)
    if build is None:
        raise GatewayMisconfigured(f"No gateway of the kind {gateway.kind!r} is installed.")
    return build(gateway)


def inspector_for(gateway: AccountRow) -> AccountInspector:
    """Who looks at a gateway's account. Raises GatewayMisconfigured.

    A fresh client with short time-outs: never the one that texts are submitted with.
    """
    if gateway.kind not in _BUILDERS:
        raise GatewayMisconfigured(f"No gateway of the kind {gateway.kind!r} is installed.")
    _require_simulator(gateway)
    return TwilioInspector(
        GatewayAccount(gateway.account_sid, gateway.secret, gateway.api_key_sid or None),
        gateway.auth_tokens,
        settings.KAIROS_TWILIO_BASE_URL,
    )


def has_simulator() -> bool:
    """Whether this installation talks to a carrier simulator at all."""
    return bool(settings.KAIROS_TWILIO_BASE_URL)


def _twilio(gateway: GatewayRow) -> SmsGateway:
    return _client(
        GatewayAccount(gateway.account_sid, gateway.secret, gateway.api_key_sid or None),
        settings.KAIROS_TWILIO_BASE_URL,
        settings.KAIROS_SUBMIT_THREADS,
    )


def _simulator(gateway: GatewayRow) -> SmsGateway:
    _require_simulator(gateway)
    return _twilio(gateway)


def _require_simulator(gateway: GatewayRow) -> None:
    if gateway.kind == "simulator" and not has_simulator():
        # Without this line its made-up credentials and texts would go to the real Twilio.
        raise GatewayMisconfigured(
            "This workspace uses the carrier simulator, but KAIROS_TWILIO_BASE_URL is not set."
        )


_BUILDERS: dict[str, Callable[[GatewayRow], SmsGateway]] = {
    "twilio": _twilio,
    "simulator": _simulator,
}


@lru_cache(maxsize=MAX_CLIENTS)
def _client(account: GatewayAccount, base_url: str | None, pool: int) -> TwilioGateway:
    return TwilioGateway(account, base_url, pool=pool, timeout=ANSWER_TIMEOUT_SECONDS)


os.register_at_fork(after_in_child=_client.cache_clear)
