"""Bodies into typed items by compiled decoders; what one bad item breaks is that item only. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, Generic, TypeVar

import msgspec

from api.problems import FieldError, Problem

T = TypeVar("T")
_NAMED = re.compile(r"(?:missing required|unknown) field `([^`]*)`")
_AT = re.compile(r" - at `\$\.?(.*)`$")


class Unreadable(list[FieldError]):
    """What is wrong with an item that has not the shape of one; `raw`: as it was sent."""

    def __init__(self, errors: Iterable[FieldError], raw: bytes) -> None:
        super().__init__(errors)
        self.raw = raw


def malformed(detail: str = "The body is no valid JSON.") -> Problem:
    return Problem("malformed_json", detail, status=400)


def strip_bom(body: bytes) -> bytes:
    return body[3:] if body.startswith(b"\xef\xbb\xbf") else body


class ListDecoder(Generic[T]):
    """Decodes an object that holds a list of `item` under `key`.

    The whole list at once when every item is well-formed; item by item when one is not.
    """

    def __init__(self, whole: type[Any], raw: type[Any], item: type[T], key: str) -> None:
        self._whole = msgspec.json.Decoder(whole)
        self._raw = msgspec.json.Decoder(raw)
        self._item = msgspec.json.Decoder(item)
        self._key = key

    def decode(self, body: bytes) -> tuple[Any, list[T | list[FieldError]]]:
        """(the object, its items or their errors). Raises `Problem` malformed_json or invalid."""
        try:
            found = self._whole.decode(body)
            return found, list(getattr(found, self._key))
        except msgspec.ValidationError:
            return self._decode_each(body)
        except RecursionError:
            raise malformed("The body nests too deeply.") from None
        except ValueError:
            raise malformed() from None

    def _decode_each(self, body: bytes) -> tuple[Any, list[T | list[FieldError]]]:
        try:
            found = self._raw.decode(body)
        except msgspec.ValidationError as error:
            raise Problem(
                "invalid", "The body has the wrong shape.", status=422, errors=[field_error(error)]
            ) from None
        except RecursionError:
            raise malformed("The body nests too deeply.") from None
        except ValueError:
            raise malformed() from None
        return found, [self._decode_one(raw) for raw in getattr(found, self._key)]

    def _decode_one(self, raw: msgspec.Raw) -> T | list[FieldError]:
        try:
            return self._item.decode(raw)
        except msgspec.ValidationError as error:
            wrong = field_error(error)
        except RecursionError:
            wrong = FieldError("", "too_deep", "This nests too deeply.")
        except ValueError:
            wrong = FieldError("", "malformed_json", "This is no valid JSON.")
        return Unreadable([wrong], bytes(raw))


def field_error(error: msgspec.ValidationError) -> FieldError:
    """msgspec's message in our words: `properties` `wrong_type` ..."""
    text = str(error)
    at = _AT.search(text)
    path = at.group(1) if at else ""
    code = "number_out_of_range" if "out of range" in text else "wrong_type"
    named = _NAMED.search(text)
    if named:
        path = f"{path}.{named.group(1)}".lstrip(".")
        code = "required" if "missing" in text else "unknown_field"
    return FieldError(path, code, f"{_AT.sub('', text)}.")
