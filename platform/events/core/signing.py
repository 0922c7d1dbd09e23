"""How a webhook proves who sent it and when. Pure.

`Kairos-Signature: t=1763748000,v1=5257a8...` where v1 is the hex HMAC-SHA256 of `<t>.<body>`
under the endpoint's secret. While a secret is being replaced there are two v1, and one suffices.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable

SIGNATURE_HEADER = "Kairos-Signature"
ID_HEADER = "Kairos-Webhook-Id"
TOLERANCE_SECONDS = 300


def sign(body: bytes, secrets: Iterable[str], *, at: int) -> str:
    """The header's value for a body sent at `at` (seconds since 1970)."""
    return ",".join([f"t={at}", *(f"v1={_digest(body, secret, at)}" for secret in secrets)])


def verify(
    body: bytes, header: str, secret: str, *, now: int, tolerance: int = TOLERANCE_SECONDS
) -> bool:
    """Whether somebody with this secret signed this body within `tolerance` seconds of `now`."""
    parts = [part.partition("=") for part in header.split(",")]
    times = [value for key, _, value in parts if key.strip() == "t"]
    if len(times) != 1 or not (times[0].isascii() and times[0].isdigit() and len(times[0]) < 16):
        return False
    at = int(times[0])
    if abs(now - at) > tolerance:
        return False
    right = _digest(body, secret, at).encode()
    given = [value.strip().encode() for key, _, value in parts if key.strip() == "v1"]
    # Every one is compared, whichever fits: the time taken tells nothing.
    return any([hmac.compare_digest(right, value) for value in given])


def _digest(body: bytes, secret: str, at: int) -> str:
    return hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
