"""Whether a body was signed by somebody who has the secret. Pure; over the raw bytes.

Shopify and WooCommerce send base64 of HMAC-SHA256 of the body. The signed webhook has the scheme of our own
outgoing ones: `Kairos-Signature: t=<seconds since 1970>,v1=<hex HMAC-SHA256 of "<t>.<body>">`.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Sequence

from events.core.signing import TOLERANCE_SECONDS, verify

REASONS = {
    "no_secret": "No secret is set here yet, so nothing can be checked.",
    "no_signature": "The request came without a signature header.",
    "bad_signature": "The signature was made with another secret, or the body was changed on the way.",
    "too_old": "The signature is right, but more than five minutes old or ahead.",
    "malformed_json": "The signature is right, but the body is no JSON object.",
}
_ALWAYS = 10**12


def judge_shop(body: bytes, header: str, secrets: Sequence[str]) -> str:
    """ "" when one of the secrets signed the body, else the reason. `header`: base64."""
    if not secrets:
        return "no_secret"
    if not header:
        return "no_signature"
    given = header.strip().encode("utf-8", "replace")
    # Every secret is tried: the time taken does not tell which one fits.
    fits = [hmac.compare_digest(sign_shop(body, each).encode(), given) for each in secrets]
    return "" if any(fits) else "bad_signature"


def judge_webhook(body: bytes, header: str, secrets: Sequence[str], *, now: int) -> str:
    """The same for the signed webhook; `now` in seconds since 1970."""
    if not secrets:
        return "no_secret"
    if not header:
        return "no_signature"
    if any([verify(body, header, each, now=now) for each in secrets]):
        return ""
    old = any([verify(body, header, each, now=now, tolerance=_ALWAYS) for each in secrets])
    return "too_old" if old else "bad_signature"


def sign_shop(body: bytes, secret: str) -> str:
    return base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest()).decode()


__all__ = ["REASONS", "TOLERANCE_SECONDS", "judge_shop", "judge_webhook", "sign_shop"]
