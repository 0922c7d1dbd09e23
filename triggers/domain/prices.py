"""What a part of a text costs, for estimates: millionths of a currency's unit."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from api.problems import FieldError, Invalid
from tenancy.audit import record_audit
from tenancy.models import ApiKey, User
from triggers.models import PartPrice

MICROS = 1_000_000
# Twilio's list price of one part to a US number; the carriers' fee comes on top of it.
LIST_PRICE, LIST_CURRENCY = 8_300, "USD"
_MOST = 10 * MICROS


@dataclass(frozen=True, slots=True)
class Price:
    """`micros` of `currency` a part. `is_list`: nobody has set it, it is the list price."""

    micros: int
    currency: str
    is_list: bool

    def cost_minor(self, parts: float) -> int:
        """Minor units (hundredths) of so many parts, rounded up: an estimate errs to the dear."""
        hundredths = MICROS // 100
        return -(-round(parts * self.micros) // hundredths)


def read_price() -> Price:
    """The workspace's price a part."""
    row = PartPrice.objects.first()
    if row is None:
        return Price(LIST_PRICE, LIST_CURRENCY, True)
    return Price(row.micros, row.currency, False)


@transaction.atomic
def set_price(
    micros: int, currency: str, *, now: datetime, actor: User | ApiKey | None = None
) -> Price:
    """Raises `Invalid`."""
    errors = []
    if not 0 <= micros <= _MOST:
        errors.append(FieldError("price", "out_of_range", "From 0 to 10, with up to 6 decimals."))
    if len(currency) != 3 or not (currency.isascii() and currency.isalpha() and currency.isupper()):
        errors.append(FieldError("currency", "invalid", "Three capital letters, such as USD."))
    if errors:
        raise Invalid(errors)
    PartPrice.objects.update_or_create(
        defaults={"micros": micros, "currency": currency, "updated_at": now}
    )
    data = {"micros": micros, "currency": currency}
    record_audit("part_price.changed", data=data, actor=actor, now=now)
    return Price(micros, currency, False)
