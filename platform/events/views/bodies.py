"""Reading a body: its size, its encoding, its kind. Too large is said before it is held in memory."""

from __future__ import annotations

import zlib

from django.http import HttpRequest

from api.problems import Problem

MAX_BATCH_BYTES = 500 * 1024
# A refused body is still read to its end, within reason: a client that cannot finish writing
# sees a broken connection instead of our answer.
_DRAINED = 32 * 1024 * 1024
_KINDS = frozenset({"", "application/json", "text/plain", "application/octet-stream"})
_PACKED = frozenset({"gzip", "x-gzip"})
# What axios writes on packed bytes unless it is told otherwise; RudderStack's client for Node does
# not tell it.
_PACKED_KINDS = _KINDS | {"application/x-www-form-urlencoded"}


def read_body(request: HttpRequest) -> bytes:
    """The body, decompressed. Raises `Problem`: body_too_large (413), unsupported_media_type (415),
    unsupported_encoding (415), malformed_body (400)."""
    kind = request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    encoding = request.headers.get("Content-Encoding", "").strip().lower()
    kinds = _PACKED_KINDS if encoding in _PACKED else _KINDS
    if kind not in kinds and not kind.endswith("+json"):
        _drain(request)
        raise Problem(
            "unsupported_media_type", "Send JSON as application/json or text/plain.", status=415
        )
    if _length(request) > MAX_BATCH_BYTES:
        _drain(request)
        raise _too_large()
    try:
        body = request.read(MAX_BATCH_BYTES + 1)
    except OSError:
        raise Problem("malformed_body", "The body ended early.", status=400) from None
    if len(body) > MAX_BATCH_BYTES:
        raise _too_large()
    if encoding in {"", "identity"}:
        return body
    if encoding not in _PACKED:
        raise Problem("unsupported_encoding", "Send the body plain or as gzip.", status=415)
    return _gunzip(body)


def _gunzip(body: bytes) -> bytes:
    unpack = zlib.decompressobj(wbits=31)
    try:
        plain = unpack.decompress(body, MAX_BATCH_BYTES + 1)
    except zlib.error:
        raise Problem("malformed_body", "The body is no valid gzip.", status=400) from None
    if len(plain) > MAX_BATCH_BYTES:
        raise _too_large()
    if not unpack.eof:
        raise Problem("malformed_body", "The gzip body ends early.", status=400)
    return plain


def _length(request: HttpRequest) -> int:
    try:
        return int(request.META.get("CONTENT_LENGTH") or 0)
    except ValueError:
        return 0


def _too_large() -> Problem:
    return Problem("body_too_large", "A batch has at most 500 KB; send it in parts.", status=413)


def _drain(request: HttpRequest) -> None:
    left = min(_length(request), _DRAINED)
    try:
        while left > 0:
            read = len(request.read(min(left, 65_536)))
            if read == 0:
                return
            left -= read
    except OSError:
        return
