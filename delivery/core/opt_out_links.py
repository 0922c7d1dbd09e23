"""The token of an opt-out link: workspace, number and generation, sealed and signed in one.

Nothing is stored per link, so any text may carry one, and it works for as long as its key and its
generation do. AES-SIV is deterministic: one number has one link, and a token tells nobody else
the number.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

_PURPOSE = b"kairos opt-out link 1"
_LENGTH = 55  # 16 (signature) + 16 (workspace) + 2 (generation) + 7 (digits), in base64


@dataclass(frozen=True, slots=True)
class OptOutToken:
    tenant_id: UUID
    phone: str
    generation: int


def write_token(token: OptOutToken, keys: Sequence[str]) -> str:
    """55 characters that fit a URL. The first key seals; `phone` is E.164."""
    plain = (
        token.tenant_id.bytes
        + token.generation.to_bytes(2)
        + int(token.phone.removeprefix("+")).to_bytes(7)
    )
    sealed = _cipher(keys[0]).encrypt(plain, [_PURPOSE])
    return base64.urlsafe_b64encode(sealed).decode().rstrip("=")


def read_token(text: str, keys: Sequence[str]) -> OptOutToken | None:
    """What a token says; None when no key of ours made it."""
    if len(text) != _LENGTH:
        return None
    try:
        sealed = base64.b64decode(text + "=", altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    for key in keys:
        try:
            plain = _cipher(key).decrypt(sealed, [_PURPOSE])
        except InvalidTag:
            continue
        return OptOutToken(
            UUID(bytes=plain[:16]),
            f"+{int.from_bytes(plain[18:])}",
            int.from_bytes(plain[16:18]),
        )
    return None


def _cipher(key: str) -> AESSIV:
    return AESSIV(hashlib.sha512(_PURPOSE + b"\0" + key.encode()).digest())
