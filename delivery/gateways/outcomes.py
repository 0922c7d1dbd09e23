"""What a failed POST proves: that it never arrived, that it was refused, or nothing at all.

Everything that is not proven is `ambiguous`: a text sent twice cannot be taken back, one sent
late can.
"""

from __future__ import annotations

import re
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import requests
from urllib3.exceptions import ConnectTimeoutError, MaxRetryError, NewConnectionError, ProxyError

from delivery.gateways.base import Outcome, SendReceipt

_NUMBER = re.compile(r"\+?\d[\d ().-]{5,}\d")
# Reasons an SSL library gives only while shaking hands, before a byte of the request is sent.
_HANDSHAKE = (
    "CERTIFICATE_VERIFY_FAILED",
    "HANDSHAKE_FAILURE",
    "WRONG_VERSION_NUMBER",
    "UNSUPPORTED_PROTOCOL",
    "PROTOCOL_VERSION",
    "NO_CIPHERS_AVAILABLE",
    "UNKNOWN_CA",
    "UNRECOGNIZED_NAME",
)


def classify_exception(error: BaseException) -> Outcome:
    """`not_sent` when a network error proves that no byte of the request left, else `ambiguous`."""
    if isinstance(error, requests.exceptions.ConnectTimeout):
        return "not_sent"
    if isinstance(
        error,
        requests.exceptions.MissingSchema
        | requests.exceptions.InvalidSchema
        | requests.exceptions.InvalidURL
        | requests.exceptions.InvalidHeader,
    ):
        return "not_sent"
    if isinstance(error, requests.exceptions.SSLError):
        return "not_sent" if _failed_in_handshake(error) else "ambiguous"
    if isinstance(error, requests.exceptions.ConnectionError):
        for cause in _causes(error):
            if isinstance(cause, NewConnectionError | ConnectTimeoutError):
                return "not_sent"
    return "ambiguous"


def receipt_for_status(
    status: int, code: int | None, text: str, *, retry_after: str | None, now: datetime
) -> SendReceipt:
    """The receipt for an answer other than 2xx.

    code: the gateway's own error code; the SDK gives the HTTP status when there was none.
    retry_after: the header as received. now: wall time, for a Retry-After that names a date.
    """
    code = code if code is not None and code >= 1000 else None
    text = mask_numbers(text)
    if status == 429:
        return SendReceipt(
            "throttled",
            error_code=code or 20429,
            error_text=text,
            retry_after=parse_retry_after(retry_after, now=now),
        )
    if 400 <= status < 500 and code is not None:
        return SendReceipt("rejected", error_code=code, error_text=text)
    return SendReceipt("ambiguous", error_code=code, error_text=text or f"HTTP {status}")


def parse_retry_after(value: str | None, *, now: datetime) -> float | None:
    """Seconds to wait from a Retry-After header (seconds or an HTTP date), None if unreadable."""
    if not value:
        return None
    try:
        seconds = float(value)
    except ValueError:
        try:
            at = parsedate_to_datetime(value)
        except (TypeError, ValueError):
            return None
        if at.tzinfo is None:
            at = at.replace(tzinfo=UTC)
        seconds = (at - now).total_seconds()
    if seconds != seconds or seconds == float("inf"):
        return None
    return max(0.0, seconds)


def mask_numbers(text: str, *, limit: int = 300) -> str:
    """An error text without phone numbers: they must not outlive the contact's erasure."""
    return _NUMBER.sub("***", text)[:limit]


def _failed_in_handshake(error: BaseException) -> bool:
    for cause in _causes(error):
        if isinstance(cause, ssl.SSLCertVerificationError | ssl.CertificateError):
            return True
        if isinstance(cause, ssl.SSLError) and any(
            reason in (cause.reason or "") for reason in _HANDSHAKE
        ):
            return True
    return False


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error and everything it wraps: requests and urllib3 hide causes in different places."""
    pending: list[object] = [error]
    seen: set[int] = set()
    while pending:
        current = pending.pop()
        if not isinstance(current, BaseException) or id(current) in seen:
            continue
        seen.add(id(current))
        yield current
        if isinstance(current, MaxRetryError):
            pending.append(current.reason)
        if isinstance(current, ProxyError):
            pending.append(current.original_error)
        pending.extend(current.args)
        pending.append(current.__cause__)
