"""A look at a Twilio account through its read-only resources. Nothing is changed, nothing sent."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import requests
from twilio.base.exceptions import TwilioException
from twilio.http.response import Response
from twilio.rest import Client
from urllib3.exceptions import NewConnectionError, TimeoutError

from delivery.core.account import (
    ANSWER_SECONDS,
    LOOK_SECONDS,
    AccountLook,
    Probe,
    SenderLook,
    SenderName,
    kind_of,
)
from delivery.gateways.twilio_gateway import GatewayAccount
from delivery.gateways.twilio_transport import GatewayHttpClient

MOST_SERVICES = 20
MOST_SENDERS = 10
_POOL = 400
_OK, _NO_TIME = Probe("ok"), Probe("unreachable", why="no_time")
T = TypeVar("T")


class TwilioInspector:
    """Asks one account about itself. Build it for one look.

    `tokens`: the auth tokens that webhooks may be signed with; each is tried on the account.
    """

    def __init__(
        self,
        account: GatewayAccount,
        tokens: Sequence[str],
        base_url: str | None = None,
        *,
        seconds: float = LOOK_SECONDS,
        answer_seconds: float = ANSWER_SECONDS,
    ) -> None:
        self.account = account
        self.tokens = tokens
        self.base_url = base_url
        self._until = time.monotonic() + seconds
        self._answer_seconds = answer_seconds
        self._client = self._open(account.api_key_sid or account.account_sid, account.secret)
        self._services: list[Any] | None = None

    def look(self, senders: Sequence[SenderName]) -> AccountLook:
        """The account as Twilio describes it. Never raises for what Twilio says or leaves unsaid."""
        owned = self._client.api.v2010.accounts(self.account.account_sid)
        key, _ = self._ask(lambda: owned.incoming_phone_numbers.list(limit=1, page_size=1))
        if key.outcome == "unreachable":
            return AccountLook(key)
        tokens, status, kind = [], "", ""
        for token in self.tokens:
            client = self._open(self.account.account_sid, token)
            accounts = client.api.v2010.accounts(self.account.account_sid)
            probe, found = self._ask(accounts.fetch)
            tokens.append(probe)
            if found is not None:
                status, kind = str(found.status or ""), str(found.type or "")
        looks: list[SenderLook] = []
        if key.outcome == "ok":
            looks = [self._look_at(owned, name) for name in senders[:MOST_SENDERS]]
        return AccountLook(key, tuple(tokens), status, kind, tuple(looks))

    # --- senders ---------------------------------------------------------------------------

    def _look_at(self, owned: Any, name: SenderName) -> SenderLook:
        if name.service_sid:
            return self._look_at_service(name)
        if kind_of(name.phone) == "short_code":
            asked, found = self._ask(lambda: owned.short_codes.list(short_code=name.phone, limit=1))
            if not found:
                return SenderLook(name, asked)
            return SenderLook(name, asked, True, True, inbound_url=found[0].sms_url or "")
        asked, found = self._ask(
            lambda: owned.incoming_phone_numbers.list(phone_number=name.phone, limit=1)
        )
        if not found:
            return SenderLook(name, asked)
        number = found[0]
        inbound = "app" if number.sms_application_sid else number.sms_url or ""
        sms = _capability(number.capabilities)
        if kind_of(name.phone) == "toll_free":
            unread, state = self._verification(number.sid)
            return SenderLook(name, asked, True, sms, inbound, verification=state, unread=unread)
        unread, service, campaigns = self._campaigns_of(number.sid)
        if service is not None and not service.use_inbound_webhook_on_number:
            inbound = service.inbound_request_url or ""
        sid = service.sid if service is not None else ""
        return SenderLook(
            name, asked, True, sms, inbound, in_service=sid, campaigns=campaigns, unread=unread
        )

    def _look_at_service(self, name: SenderName) -> SenderLook:
        door = self._client.messaging.v1.services(name.service_sid)
        asked, service = self._ask(door.fetch)
        if service is None:
            gone = asked.code == 20404
            return SenderLook(name, _OK if gone else asked)
        listed, numbers = self._ask(lambda: door.phone_numbers.list(limit=_POOL, page_size=_POOL))
        also, codes = self._ask(lambda: door.short_codes.list(limit=_POOL, page_size=_POOL))
        if listed.outcome != "ok" or also.outcome != "ok":
            return SenderLook(name, listed if listed.outcome != "ok" else also)
        pool = tuple(n.phone_number for n in numbers or ())
        pool += tuple(code.short_code for code in codes or ())
        inbound = service.inbound_request_url or ""
        if service.use_inbound_webhook_on_number and numbers:
            inbound = self._inbound_of(numbers[0].phone_number)
        unread, campaigns = self._states(door)
        return SenderLook(
            name,
            asked,
            True,
            True,
            inbound,
            numbers=pool,
            campaigns=campaigns,
            unread=unread,
        )

    def _inbound_of(self, phone: str) -> str:
        owned = self._client.api.v2010.accounts(self.account.account_sid)
        _, found = self._ask(lambda: owned.incoming_phone_numbers.list(phone_number=phone, limit=1))
        if not found:
            return ""
        return "app" if found[0].sms_application_sid else found[0].sms_url or ""

    def _campaigns_of(self, number_sid: str) -> tuple[Probe, Any, tuple[str, ...] | None]:
        """The service a number is in, and its campaigns' states; None: could not be read."""
        if self._services is None:
            asked, found = self._ask(
                lambda: self._client.messaging.v1.services.list(
                    limit=MOST_SERVICES, page_size=MOST_SERVICES
                )
            )
            if asked.outcome != "ok":
                return asked, None, None
            self._services = list(found or ())
        for service in self._services:
            door = self._client.messaging.v1.services(service.sid)
            asked, member = self._ask(door.phone_numbers(number_sid).fetch)
            if member is not None:
                asked, states = self._states(door)
                return asked, service, states
            if asked.code != 20404:
                return asked, None, None
        if len(self._services) >= MOST_SERVICES:
            return _OK, None, None  # it may be in one that was not looked at
        return _OK, None, ()

    def _states(self, door: Any) -> tuple[Probe, tuple[str, ...] | None]:
        asked, found = self._ask(lambda: door.us_app_to_person.list(limit=20))
        if asked.outcome != "ok":
            return asked, None
        return asked, tuple(str(campaign.campaign_status or "") for campaign in found or ())

    def _verification(self, number_sid: str) -> tuple[Probe, str | None]:
        asked, found = self._ask(
            lambda: self._client.messaging.v1.tollfree_verifications.list(
                tollfree_phone_number_sid=number_sid, limit=5
            )
        )
        if asked.outcome != "ok":
            return asked, None
        states = [str(each.status or "") for each in found or ()]
        approved = "TWILIO_APPROVED" in states
        return asked, "TWILIO_APPROVED" if approved else next(iter(states), "")

    # --- asking ----------------------------------------------------------------------------

    def _open(self, user: str, secret: str) -> Client:
        http = _HastyClient(self.base_url, until=self._until, seconds=self._answer_seconds)
        return Client(
            user,
            secret,
            self.account.account_sid,
            http_client=http,
            environment={"TWILIO_REGION": "", "TWILIO_EDGE": ""},
        )

    def _ask(self, question: Callable[[], T]) -> tuple[Probe, T | None]:
        if time.monotonic() > self._until:
            return _NO_TIME, None
        try:
            return _OK, question()
        except TwilioException as error:
            status, code = _refusal(error)
            if status is None or status == 429 or status >= 500:
                return Probe("unreachable", why="error"), None
            return Probe("refused", code), None
        except (requests.Timeout, requests.ConnectionError) as error:
            return Probe("unreachable", why="timeout" if _is_late(error) else "connection"), None
        except (requests.RequestException, ValueError, KeyError, TypeError):
            # An answer that is not Twilio's: nothing is known.
            return Probe("unreachable", why="error"), None


class _HastyClient(GatewayHttpClient):
    """Every request of a look, connecting included, has so many seconds, and none outlasts it."""

    def __init__(self, base_url: str | None, *, until: float, seconds: float) -> None:
        super().__init__(base_url=base_url, pool=1, timeout=seconds, connect_again=0)
        self._until, self._seconds = until, seconds

    def request(self, *args: Any, **rest: Any) -> Response:
        left = min(self._seconds, self._until - time.monotonic())
        if left <= 0:
            raise requests.Timeout("the look is over")
        self.total = left
        return super().request(*args, **rest)


def _is_late(error: requests.RequestException) -> bool:
    """A client that repeats nothing reports an answer that is late as a broken connection."""
    if isinstance(error, requests.Timeout):
        return True
    inner = error.args[0] if error.args else None
    reason = getattr(inner, "reason", inner)
    return isinstance(reason, TimeoutError) and not isinstance(reason, NewConnectionError)


def _capability(capabilities: Any) -> bool | None:
    """Twilio says {"sms": true}, in older answers {"SMS": true}."""
    if not isinstance(capabilities, dict):
        return None
    found = {str(name).lower(): value for name, value in capabilities.items()}.get("sms")
    return bool(found) if found is not None else None


def _refusal(error: TwilioException) -> tuple[int | None, int | None]:
    """(HTTP status, Twilio's code) of a refusal; a failed list page hides both in its answer."""
    status, code = getattr(error, "status", None), getattr(error, "code", None)
    if status is None:
        for answer in error.args[1:]:
            status = getattr(answer, "status_code", None)
            try:
                code = json.loads(answer.text).get("code")
            except (AttributeError, ValueError):
                code = None
    return (
        status if isinstance(status, int) else None,
        code if isinstance(code, int) and code >= 1000 else None,
    )
