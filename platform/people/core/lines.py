"""What kind of line a phone number is, in the four words people use, and who says so. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

MOBILE, LANDLINE, VOIP, UNKNOWN = "mobile", "landline", "voip", "unknown"
LABELS = {MOBILE: "Mobile", LANDLINE: "Landline", VOIP: "VoIP", UNKNOWN: "Unknown"}
PLAN, CARRIER = "numbering_plan", "carrier"
SOURCES = {PLAN: "by the numbering plan", CARRIER: "as the carrier reported"}
# Stored types that say it; the numbering plan of North America says none of them.
_KINDS = {"mobile": MOBILE, "fixed_line": LANDLINE, "voip": VOIP}


def line_of(phone_type: str) -> str:
    """mobile, landline, voip or unknown; "" without a number."""
    return _KINDS.get(phone_type, UNKNOWN) if phone_type else ""


def line_source(told: Mapping[str, Any]) -> str:
    """Who says what kind of line it is: the carrier, or the numbering plan."""
    entry = told.get("phone_type")
    return CARRIER if entry and entry[0] == CARRIER else PLAN
