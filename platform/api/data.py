"""Data that a program gives for the words of one text. Pure."""

from __future__ import annotations

import math
from typing import Any

import msgspec

from api.problems import FieldError

MAX_BYTES = 32 * 1024
MAX_NESTING = 32
_LARGEST = 2**63


def check_data(data: Any, field: str) -> list[FieldError]:
    """What keeps it from being stored or written: too_large, too_deep, number_out_of_range."""
    if not _is_shallow(data, MAX_NESTING):
        return [FieldError(field, "too_deep", f"Data nests at most {MAX_NESTING} deep.")]
    if len(msgspec.json.encode(data)) > MAX_BYTES:
        return [FieldError(field, "too_large", "Data has at most 32 KB.")]
    if not _fits(data):
        return [FieldError(field, "number_out_of_range", "A number is larger than 64 bits hold.")]
    return []


def _is_shallow(value: Any, left: int) -> bool:
    if not isinstance(value, dict | list):
        return True
    if left == 0:
        return False
    inner = value.values() if isinstance(value, dict) else value
    return all(_is_shallow(each, left - 1) for each in inner)


def _fits(value: Any) -> bool:
    if isinstance(value, dict):
        return all(map(_fits, value.values()))
    if isinstance(value, list):
        return all(map(_fits, value))
    if isinstance(value, float):
        return math.isfinite(value)
    return not isinstance(value, int) or -_LARGEST <= value < _LARGEST
