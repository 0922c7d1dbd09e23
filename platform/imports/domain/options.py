"""What is decided once for a whole file, beside its columns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from api.problems import FieldError, Invalid
from consent.core.pasting import LONGEST, Proof, flaw_of
from imports.core.values import DATE_ORDERS, ISO, read_when

SKIP, CREATE = "skip", "create"


@dataclass(frozen=True, slots=True)
class Options:
    """`proof` fills what a row leaves empty of its proof of consent; `covers_orders`: its words name
    order texts too. `date_order`: how dates are written. `unmatched`: orders of somebody unknown
    are skipped, or make a contact.
    """

    date_order: str = ISO
    proof: Proof = field(default_factory=Proof)
    covers_orders: bool = False
    unmatched: str = SKIP

    def stored(self) -> dict[str, Any]:
        at = self.proof.at
        return {
            "date_order": self.date_order,
            "consent_source": self.proof.source,
            "consent_wording": self.proof.wording,
            "consent_date": at.isoformat() if at else "",
            "covers_orders": self.covers_orders,
            "unmatched": self.unmatched,
        }


def read_options(given: Mapping[str, Any], *, timezone: str, now: datetime) -> Options:
    """Checked options. Raises `Invalid` with the names of the fields."""
    errors: list[FieldError] = []
    order = given.get("date_order") or ISO
    unmatched = given.get("unmatched") or SKIP
    for name, value, allowed in (
        ("date_order", order, DATE_ORDERS),
        ("unmatched", unmatched, (SKIP, CREATE)),
    ):
        if value not in allowed:
            errors.append(FieldError(name, "invalid_choice", f"One of: {', '.join(allowed)}."))
    texts = {name: str(given.get(name) or "").strip() for name in LONGEST}
    for name, value in texts.items():
        if flaw := flaw_of(name, value, longest=LONGEST[name]):
            errors.append(FieldError(name, *flaw))
    at = None
    if said := str(given.get("consent_date") or "").strip():
        try:
            at = read_when(said, order=ISO, timezone=timezone)
            if at > now:
                errors.append(
                    FieldError("consent_date", "in_the_future", "This date lies in the future.")
                )
        except ValueError as error:
            errors.append(FieldError("consent_date", "invalid_date", str(error)))
    if errors:
        raise Invalid(errors)
    proof = Proof(texts["consent_source"], texts["consent_wording"], at)
    return Options(order, proof, bool(given.get("covers_orders")), unmatched)


def options_of(stored: Mapping[str, Any], *, timezone: str) -> Options:
    """Options as they were stored: checked before."""
    said = stored.get("consent_date") or ""
    at = read_when(said, order=ISO, timezone=timezone) if said else None
    return Options(
        date_order=stored.get("date_order") or ISO,
        proof=Proof(stored.get("consent_source", ""), stored.get("consent_wording", ""), at),
        covers_orders=bool(stored.get("covers_orders")),
        unmatched=stored.get("unmatched") or SKIP,
    )
