"""Tokens and targets of short links: same input, same output, nothing to guess."""

from __future__ import annotations

import hmac
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit
from uuid import UUID

_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
TOKEN_LENGTH = 8


def link_token(secret: bytes, message_id: UUID, label: str, salt: int = 0) -> str:
    """Eight base62 characters from message and label. `salt` moves on after a collision."""
    data = message_id.bytes + label.encode() + (b"#%d" % salt if salt else b"")
    number = int.from_bytes(hmac.digest(secret, data, "sha256")[:16], "big")
    letters = []
    for _ in range(TOKEN_LENGTH):
        number, digit = divmod(number, 62)
        letters.append(_ALPHABET[digit])
    return "".join(letters)


def with_campaign(url: str, parameters: dict[str, str]) -> str:
    """The URL with campaign parameters it does not carry already; its own are kept as they are."""
    parts = urlsplit(url)
    held = {key.lower() for key, _ in parse_qsl(parts.query, keep_blank_values=True)}
    added = urlencode({k: v for k, v in parameters.items() if v and k not in held})
    if not added:
        return url
    query = f"{parts.query}&{added}" if parts.query else added
    return urlunsplit(parts._replace(query=query))


def origin_of(url: str) -> str:
    """Scheme and host with its port, in lower case: what browsers send as Origin. "" for no URL."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    return f"{parts.scheme}://{parts.netloc}".lower() if parts.netloc else ""


def is_web_address(url: str) -> bool:
    """Whether a link may lead there: http or https with a host, no control characters."""
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError:
        return False
    printable = all(32 < ord(character) != 127 for character in url)
    return parts.scheme in {"http", "https"} and bool(host) and printable
