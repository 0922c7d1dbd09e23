"""JSON bodies of the API: read within limits, and only text that can be stored."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import IO, Any

import msgspec
from rest_framework.parsers import BaseParser

from api.problems import FieldError, Invalid, Problem

MAX_BYTES = 1_000_000
# A refused body is still read to its end, within reason: a client that cannot finish writing sees
# a broken connection instead of our answer.
_DRAINED = 32 * 1024 * 1024


class JsonParser(BaseParser):
    """`application/json`. Raises `Problem` body_too_large (413), malformed_json (400: also lone
    surrogates, NaN, endless nesting) or `Invalid` with the place of a NUL."""

    media_type = "application/json"

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        body = stream.read(MAX_BYTES + 1)
        if len(body) > MAX_BYTES:
            _drain(stream)
            raise Problem("body_too_large", "A body has at most 1 MB.", status=413)
        try:
            data = msgspec.json.decode(body)
            # The decoder is lazy about text it copies: what is no UTF-8 is refused here.
            body.decode()
        except RecursionError:
            raise _malformed("The body nests too deeply.") from None
        except ValueError:
            raise _malformed("The body is no valid JSON.") from None
        if b"\\u0000" in body:
            wrong = [
                FieldError(path, "invalid_text", "NUL has no place in text.")
                for path in _nuls(data, "")
            ]
            if wrong:
                raise Invalid(wrong)
        return data


def _malformed(detail: str) -> Problem:
    return Problem("malformed_json", detail, status=400)


def _drain(stream: IO[Any]) -> None:
    left = _DRAINED
    while left > 0:
        read = len(stream.read(min(left, 65_536)))
        if read == 0:
            return
        left -= read


def _nuls(data: Any, path: str) -> Iterator[str]:
    """Places of texts and names that hold a NUL, which PostgreSQL stores in neither."""
    if isinstance(data, str):
        if "\x00" in data:
            yield path
    elif isinstance(data, dict):
        for name, value in data.items():
            place = f"{path}.{name}" if path else name
            if "\x00" in name:
                yield place.replace("\x00", "")
            yield from _nuls(value, place)
    elif isinstance(data, list):
        for index, value in enumerate(data):
            yield from _nuls(value, f"{path}[{index}]")
