"""Twilio through its own SDK."""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import requests
from twilio.base import values
from twilio.base.exceptions import (
    TwilioException,
    TwilioRestException,
    TwilioServiceException,
)
from twilio.rest import Client

from delivery.gateways.base import (
    MAX_VALIDITY_SECONDS,
    MIN_VALIDITY_SECONDS,
    GatewayError,
    GatewayUnavailable,
    OutboundSms,
    RemoteMessage,
    SendReceipt,
    hash_body,
)
from delivery.gateways.outcomes import classify_exception, mask_numbers, receipt_for_status
from delivery.gateways.twilio_transport import GatewayHttpClient
from tenancy.clock import wall_now

# Its INFO lines print query parameters, phone numbers among them.
logging.getLogger("twilio.http_client").setLevel(logging.WARNING)
log = logging.getLogger(__name__)

_SID = re.compile(r"(SM|MM)[0-9a-f]{32}")
_NOT_FOUND = 20404
_NOT_FINAL = 20009
LIST_SIZE = 50


@dataclass(frozen=True, slots=True)
class GatewayAccount:
    """Whose texts these are. With an API key `secret` is the key's, else the auth token."""

    account_sid: str
    secret: str = field(repr=False)
    api_key_sid: str | None = None


class TwilioGateway:
    """An SmsGateway. Build it once per process and credential set (see `registry`).

    base_url: None = the real Twilio. pool: as many connections as threads will submit.
    timeout: seconds to wait for an answer; after that the outcome is ambiguous.
    """

    def __init__(
        self,
        account: GatewayAccount,
        base_url: str | None = None,
        pool: int = 32,
        timeout: float = 10,
    ) -> None:
        self._http = GatewayHttpClient(base_url=base_url, pool=pool, timeout=timeout)
        self._client = Client(
            account.api_key_sid or account.account_sid,
            account.secret,
            account.account_sid,
            http_client=self._http,
            # Else TWILIO_REGION and TWILIO_EDGE of the machine would change the host.
            environment={"TWILIO_REGION": "", "TWILIO_EDGE": ""},
        )
        self._messages = self._client.api.v2010.accounts(account.account_sid).messages

    def submit(self, sms: OutboundSms) -> SendReceipt:
        """POST one text, once, and say what is known. Never raises."""
        try:
            message = self._messages.create(
                to=sms.to,
                body=sms.body,
                from_=sms.from_number or values.unset,
                messaging_service_sid=sms.messaging_service_sid or values.unset,
                status_callback=sms.status_callback,
                validity_period=_clamp_validity(sms.validity_period),
                smart_encoded=False,  # what was approved is what is sent
            )
        except TwilioRestException as error:
            return self._refusal(error.status, error.code, error.msg)
        except TwilioServiceException as error:
            return self._refusal(error.status, error.code, error.detail or error.title)
        except requests.RequestException as error:
            outcome = classify_exception(error)
            return SendReceipt(outcome, error_text=_name(error))
        except Exception as error:
            # Broken JSON after a 2xx, or anything else once the POST may have left.
            log.warning("submit of attempt %s ended in %s", sms.attempt_id, _name(error))
            return SendReceipt("ambiguous", error_text=_name(error))
        sid = message.sid or ""
        if not isinstance(sid, str) or not _SID.fullmatch(sid):
            return SendReceipt("ambiguous", error_text="answer without a valid sid")
        return SendReceipt(
            "accepted",
            sid=sid,
            status=message.status,
            error_code=message.error_code,
            error_text=mask_numbers(message.error_message or ""),
            num_segments=_count(message.num_segments),
        )

    def fetch(self, sid: str) -> RemoteMessage | None:
        """The text with this sid, None when Twilio has none."""
        try:
            return _remote(self._messages(sid).fetch())
        except Exception as error:
            if getattr(error, "status", None) == 404:
                return None
            raise _asked_in_vain(error) from error

    def list_recent(self, to: str, from_number: str | None) -> list[RemoteMessage]:
        """The newest texts to a number, newest first.

        Without a date filter on purpose: Twilio filters on date_sent, which is empty while a
        text is queued, so a filtered list would hide exactly the text we look for.
        """
        try:
            found = self._messages.list(
                to=to,
                from_=from_number or values.unset,
                limit=LIST_SIZE,
                page_size=LIST_SIZE,
            )
            return [_remote(message) for message in found]
        except Exception as error:
            raise _asked_in_vain(error) from error

    def redact(self, sid: str) -> bool:
        """Blank the stored body."""
        return self._erase(lambda: self._messages(sid).update(body=""))

    def delete(self, sid: str) -> bool:
        """Remove the text with its media."""
        return self._erase(lambda: self._messages(sid).delete())

    def _erase(self, call: Any) -> bool:
        try:
            call()
        except Exception as error:
            if getattr(error, "code", None) == _NOT_FINAL:
                return False
            if getattr(error, "code", None) == _NOT_FOUND:
                return True
            raise _asked_in_vain(error) from error
        return True

    def _refusal(self, status: int, code: int | None, text: str | None) -> SendReceipt:
        return receipt_for_status(
            status,
            code,
            text or "",
            retry_after=self._http.last_headers().get("Retry-After"),
            now=wall_now(),
        )


def _clamp_validity(seconds: int | None) -> Any:
    if seconds is None:
        return values.unset
    return max(MIN_VALIDITY_SECONDS, min(MAX_VALIDITY_SECONDS, int(seconds)))


def _remote(message: Any) -> RemoteMessage:
    created = message.date_created
    if not isinstance(created, datetime):
        raise GatewayError("a listed text has no date")
    body = message.body or ""
    return RemoteMessage(
        sid=message.sid,
        to=message.to,
        from_number=message.from_ or None,
        status=message.status,
        body_hash=hash_body(body),
        body=body,
        created_at=created.astimezone(UTC),
        error_code=message.error_code,
        num_segments=_count(message.num_segments),
    )


def _count(num_segments: str | None) -> int | None:
    """Twilio says "0" while a messaging service has not chosen its sender: not counted yet."""
    return (
        int(num_segments)
        if num_segments and num_segments.isdigit() and num_segments != "0"
        else None
    )


def _asked_in_vain(error: Exception) -> GatewayError:
    status, code = getattr(error, "status", None), getattr(error, "code", None)
    if isinstance(error, TwilioException) and status is None:
        # A failed list page: the SDK puts the answer itself among the arguments.
        status = next((getattr(arg, "status_code", None) for arg in error.args[1:]), None)
    text = mask_numbers(str(error)) or _name(error)
    if isinstance(error, GatewayError):
        return error
    if isinstance(status, int) and 400 <= status < 500 and status != 429:
        return GatewayError(text, code=code, status=status)
    return GatewayUnavailable(text, code=code, status=status)


def _name(error: BaseException) -> str:
    return f"{type(error).__module__.split('.')[0]}.{type(error).__name__}"
