"""Structured logs: one JSON object a line, phone numbers and e-mail addresses masked."""

from __future__ import annotations

import logging
import re
from datetime import UTC, datetime
from typing import Any

import orjson

# Anything that looks like a phone number keeps its last two digits: +13105550142 -> +•••••42.
_NUMBER = re.compile(r"(?<![\w.:-])\+?\d[\d\s().-]{7,17}\d(?![\w:-])")
_E164 = re.compile(r"(?:\+|%2B)\d{8,15}")
_EMAIL = re.compile(r"[\w.+-]+@[\w-]+\.[\w.]+")
_STANDARD = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName"}


def mask(text: str) -> str:
    text = _E164.sub(lambda found: f"+•••••{found.group()[-2:]}", text)
    text = _NUMBER.sub(_mask_number, text)
    return _EMAIL.sub("•••@•••", text)


def _mask_number(found: re.Match[str]) -> str:
    digits = [char for char in found.group() if char.isdigit()]
    if not 10 <= len(digits) <= 15:
        return found.group()
    return f"•••••{''.join(digits[-2:])}"


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
            name: value
            for name, value in record.__dict__.items()
            if name not in _STANDARD and not name.startswith("_")
        }
        if record.exc_info:
            line["error"] = mask(self.formatException(record.exc_info))
        return orjson.dumps(line, default=str).decode()
