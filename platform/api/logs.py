"""Structured logs: one JSON object a line. Phone numbers, e-mail addresses and whatever opens
something (one-time links, opt-out links, keys) are masked."""

from __future__ import annotations

import ipaddress
import logging
import re
from datetime import UTC, datetime
from typing import Any

import orjson

_ESCAPED = r"%(?:25)?"  # also escaped twice, as an address inside an address is
# What stands between the digits of a number, also in an address: (310) 555-0142, 310%20555%200142.
_BETWEEN = rf"(?:[\s().+-]|{_ESCAPED}2[089BbDdEe])"
_BEFORE = r"(?:(?<![\w.:-])|(?<=%[0-9A-Fa-f]{2})|(?<=%25[0-9A-Fa-f]{2}))"
# Anything that looks like a phone number keeps its last two digits: +13105550142 -> +•••••42.
_NUMBER = re.compile(rf"{_BEFORE}[+(]?\d(?:\d|{_BETWEEN}){{7,40}}\d(?![\w:-])")
_E164 = re.compile(rf"(?:\+|{_ESCAPED}2[Bb])\d{{8,15}}")
_EMAIL = re.compile(rf"[\w.+-]+(?:@|{_ESCAPED}40)[\w-]+\.[\w.]+")
_ESCAPE = re.compile(r"%(?:25)*[0-9A-Fa-f]{2}")
# /stop/<sealed>, /invite/<token>/..., /t/<token>, /webhooks/in/<public id>; also inside another address, as in ?next=...
_SLASH = rf"(?:/|{_ESCAPED}2F)"
_SECRET_PATH = re.compile(
    rf"({_SLASH}(?:stop|invite|t|webhooks{_SLASH}in){_SLASH})(?:(?!{_ESCAPED}(?:2F|3F|26|23))[^/?#&\s\"'<>])+",
    re.IGNORECASE,
)
_SECRET_VALUE = re.compile(
    r"((?:(?<![\w-])|(?<=%3F)|(?<=%26))"
    r"(?:token|proof|seen|sealed|signature|secret|password|sessionid)(?:=|%(?:25)?3D))"
    r"(?:(?!%(?:25)?(?:26|23))[^&#\s\"'<>;])+",
    re.IGNORECASE,
)
_KEY = re.compile(r"(?<![\w-])(kairos|wk|pk|whsec)_[\w-]{24,}")
_STANDARD = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName"}


def mask(text: str) -> str:
    text = _SECRET_PATH.sub(r"\1•••", text)
    text = _SECRET_VALUE.sub(r"\1•••", text)
    text = _KEY.sub(r"\1_•••", text)
    text = _E164.sub(lambda found: f"+•••••{found.group()[-2:]}", text)
    text = _NUMBER.sub(_mask_number, text)
    return _EMAIL.sub("•••@•••", text)


def _mask_number(found: re.Match[str]) -> str:
    digits = [char for char in _ESCAPE.sub("", found.group()) if char.isdigit()]
    if not 10 <= len(digits) <= 15 or _is_address(found.group()):
        return found.group()
    return f"•••••{''.join(digits[-2:])}"


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


class MaskFilter(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        record.msg = mask(record.getMessage())
        record.args = ()
        for name, value in list(record.__dict__.items()):
            if name not in _STANDARD and isinstance(value, str):
                record.__dict__[name] = mask(value)
        return True


class JsonFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        line |= {
            name: _masked(value)
            for name, value in record.__dict__.items()
            if name not in _STANDARD and not name.startswith("_")
        }
        if record.exc_info:
            line["error"] = mask(self.formatException(record.exc_info))
        return orjson.dumps(line).decode()


class MaskedText(logging.Formatter):
    """What another formatter makes of a line, its traceback too, masked."""

    def __init__(self, inner: logging.Formatter) -> None:
        super().__init__()
        self.inner = inner

    def format(self, record: logging.LogRecord) -> str:
        return mask(self.inner.format(record))


def _masked(value: Any) -> Any:
    """A value as JSON, masked however deep it stands: Django puts the request itself in a record."""
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, dict):
        return {str(name): _masked(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_masked(inner) for inner in value]
    return mask(str(value))
