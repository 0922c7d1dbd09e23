"""Secrets at rest, and tokens that stand for a phone number.

A plain hash of a number protects nothing (8e9 numbers are enumerable in minutes), so the token is
an HMAC with a pepper kept outside of the database. Tokens carry their key id; retired peppers are
kept for ever, because an erased person's STOP must stay recognizable.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from functools import lru_cache
from uuid import UUID

from cryptography.fernet import Fernet, MultiFernet
from django.conf import settings


def encrypt(text: str) -> bytes:
    return _fernet(tuple(settings.KAIROS_ENCRYPTION_KEYS)).encrypt(text.encode())


def decrypt(data: bytes | memoryview) -> str:
    """Raises `cryptography.fernet.InvalidToken` when no key of ours made it."""
    return _fernet(tuple(settings.KAIROS_ENCRYPTION_KEYS)).decrypt(bytes(data)).decode()


def phone_token(tenant_id: UUID, e164: str) -> str:
    """`k1:<64 hex digits>` under the current pepper."""
    key_id, secret = _peppers(tuple(settings.KAIROS_PEPPERS))[0]
    return _token(key_id, secret, tenant_id, e164)


def phone_tokens(tenant_id: UUID, e164: str) -> list[str]:
    """The token under every pepper ever used, the current one first."""
    return [
        _token(key_id, secret, tenant_id, e164)
        for key_id, secret in _peppers(tuple(settings.KAIROS_PEPPERS))
    ]


def keyed_digest(purpose: str, text: str) -> str:
    """A hex HMAC for things that must not be readable or guessable, such as log-in keys."""
    secret = settings.SECRET_KEY.encode()
    return hmac.new(secret, f"{purpose}\0{text}".encode(), hashlib.sha256).hexdigest()


def _token(key_id: str, secret: bytes, tenant_id: UUID, e164: str) -> str:
    digest = hmac.new(secret, tenant_id.bytes + e164.encode(), hashlib.sha256).hexdigest()
    return f"{key_id}:{digest}"


@lru_cache(maxsize=4)
def _peppers(configured: tuple[str, ...]) -> list[tuple[str, bytes]]:
    pairs = [entry.partition(":") for entry in configured]
    return [(key_id, secret.encode()) for key_id, _, secret in pairs]


@lru_cache(maxsize=4)
def _fernet(configured: tuple[str, ...]) -> MultiFernet:
    # Any text is a key: stretched by SHA-256 to the 32 bytes that Fernet wants.
    keys = [base64.urlsafe_b64encode(hashlib.sha256(key.encode()).digest()) for key in configured]
    return MultiFernet([Fernet(key) for key in keys])
