"""The hash chain under the consent ledger.

A row's hash covers the row before it, every field that is not personal and one salted digest per
personal value. The values and salts lie elsewhere and can be erased; the chain still verifies.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

GENESIS = "0" * 64
_FORMAT = "kairos-consent-1"


def digest(salt: bytes, name: str, value: str) -> str:
    """Digest of one personal value; without the salt nothing can be read out of it or guessed."""
    return hashlib.sha256(salt + name.encode() + b"\0" + value.encode()).hexdigest()


def row_hash(previous: str, fields: Mapping[str, Any]) -> str:
    """Hash of one ledger row. `fields` must be plain JSON values; times as text."""
    body = json.dumps([_FORMAT, previous, fields], sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(body.encode()).hexdigest()


def seal_hash(previous: str, number: int, heads: Iterable[tuple[str, int, str]]) -> str:
    """One hash over the chains that grew since the last seal: (phone token, position, hash)."""
    root = hashlib.sha256(f"{_FORMAT}\n{previous}\n{number}\n".encode())
    for token, position, head in sorted(heads):
        root.update(f"{token} {position} {head}\n".encode())
    return root.hexdigest()
