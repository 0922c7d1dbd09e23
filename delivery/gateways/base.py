"""What every gateway speaks: one text in, one honest answer out.

The answer says what is known about a POST, never what is hoped:

accepted   the gateway holds the text and named it (`sid`)
rejected   the gateway refused it for good, with a code; it was never taken
throttled  the gateway was too busy and took nothing; safe to submit again
not_sent   nothing reached the gateway; safe to submit again
ambiguous  nobody knows; look (`list_recent`, callbacks) before anything is tried again
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol
from uuid import UUID

from delivery.core.account import AccountLook, SenderName

Outcome = Literal["accepted", "rejected", "throttled", "not_sent", "ambiguous"]

# Twilio refuses other values (21624); other gateways are held to the same span.
MIN_VALIDITY_SECONDS = 1
MAX_VALIDITY_SECONDS = 36_000


class GatewayError(Exception):
    """A gateway answered a question (not a submit) with no. `code` is the gateway's own."""

    def __init__(self, text: str, *, code: int | None = None, status: int | None = None) -> None:
        super().__init__(text)
        self.code = code
        self.status = status


class GatewayUnavailable(GatewayError):
    """The gateway could not be asked (network, 429, 5xx): ask again later."""


@dataclass(frozen=True, slots=True)
class OutboundSms:
    """One text to submit. Exactly one of `from_number` and `messaging_service_sid` is set.

    `to`, `from_number`: E.164. `validity_period`: seconds after which the gateway must drop the
    text instead of delivering it late (clamped to 1..36000; None = the gateway's maximum).
    `status_callback`: absolute URL that carries the attempt id, so that the first callback can
    bind the attempt to its sid even when our own answer got lost.
    """

    to: str
    body: str
    from_number: str | None
    messaging_service_sid: str | None
    status_callback: str
    validity_period: int | None
    attempt_id: UUID

    def __post_init__(self) -> None:
        if (self.from_number is None) == (self.messaging_service_sid is None):
            raise ValueError("A text has a from_number or a messaging_service_sid, not both.")


@dataclass(frozen=True, slots=True)
class SendReceipt:
    """What is known after a submit.

    `retry_after`: seconds the gateway asked us to wait (only with `throttled`, None = not said).
    `num_segments`: None when the gateway has not counted yet. `error_text` holds no phone number.
    """

    outcome: Outcome
    sid: str | None = None
    status: str | None = None
    error_code: int | None = None
    error_text: str = ""
    retry_after: float | None = None
    num_segments: int | None = None


@dataclass(frozen=True, slots=True)
class RemoteMessage:
    """A text as the gateway remembers it. `created_at` is aware, in UTC.

    `from_number` is None while a messaging service has not chosen its sender yet.
    """

    sid: str
    to: str
    from_number: str | None
    status: str
    body_hash: str
    body: str
    created_at: datetime
    error_code: int | None
    num_segments: int | None = None


class SmsGateway(Protocol):
    """The door to one gateway account. Implementations are safe to share between threads."""

    def submit(self, sms: OutboundSms) -> SendReceipt:
        """POST one text, once. Never raises: what went wrong is the receipt's outcome."""
        ...

    def fetch(self, sid: str) -> RemoteMessage | None:
        """The text with this sid, or None when the gateway has none. Raises GatewayError."""
        ...

    def list_recent(self, to: str, from_number: str | None) -> Sequence[RemoteMessage]:
        """The newest texts to a number (at most 50, newest first), whatever their status.

        `from_number` None: from any sender. Raises GatewayError.
        """
        ...

    def redact(self, sid: str) -> bool:
        """Blank the stored body at the gateway. False: not final yet, try again later."""
        ...

    def delete(self, sid: str) -> bool:
        """Remove the text at the gateway. False: not final yet, try again later."""
        ...


class AccountInspector(Protocol):
    """Looks at one gateway account without changing or sending anything."""

    def look(self, senders: Sequence[SenderName]) -> AccountLook:
        """What the account says of itself and of these senders. Never raises: what could not be
        asked or was refused is part of the answer. Ends within about 20 seconds."""
        ...


def hash_body(body: str) -> str:
    """SHA-256 (hex) of a text: how an attempt and a listed text are matched."""
    return hashlib.sha256(body.encode("utf-8", "surrogatepass")).hexdigest()
