"""What may identify a person, and how it is written. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

import phonenumbers

EXTERNAL_ID = "external_id"
PHONE = "phone"
EMAIL = "email"
ANONYMOUS_ID = "anonymous_id"
# Which identifier decides when several are given.
PRIORITY = (EXTERNAL_ID, PHONE, EMAIL, ANONYMOUS_ID)
# Where somebody can be written to: one contact may have several.
ADDRESSES = (PHONE, EMAIL)
# How many of a kind one contact may hold.
LIMITS = {EXTERNAL_ID: 1, PHONE: 5, EMAIL: 5, ANONYMOUS_ID: 20}
WEEKLY_ANONYMOUS_IDS = 5
MAX_LENGTH = 256

# What programs send when they have no id. Taken as ids they would melt strangers into one person.
BLOCKED = frozenset(
    {
        "",
        "-",
        "-1",
        "0",
        "00000000-0000-0000-0000-000000000000",
        "[object object]",
        "anonymous",
        "anon",
        "customer",
        "default",
        "dummy",
        "false",
        "guest",
        "id",
        "n/a",
        "na",
        "nan",
        "nil",
        "none",
        "null",
        "test",
        "true",
        "undefined",
        "unknown",
        "user",
        "userid",
        "user_id",
        "void",
    }
)
_EMAIL = re.compile(r"[^@\s,;<>\"]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251})\.[A-Za-z0-9-]{2,63}")
_PHONE_TYPES = {
    phonenumbers.PhoneNumberType.FIXED_LINE: "fixed_line",
    phonenumbers.PhoneNumberType.MOBILE: "mobile",
    phonenumbers.PhoneNumberType.FIXED_LINE_OR_MOBILE: "fixed_line_or_mobile",
    phonenumbers.PhoneNumberType.TOLL_FREE: "toll_free",
    phonenumbers.PhoneNumberType.PREMIUM_RATE: "premium_rate",
    phonenumbers.PhoneNumberType.SHARED_COST: "shared_cost",
    phonenumbers.PhoneNumberType.VOIP: "voip",
    phonenumbers.PhoneNumberType.PERSONAL_NUMBER: "personal_number",
    phonenumbers.PhoneNumberType.PAGER: "pager",
    phonenumbers.PhoneNumberType.UAN: "uan",
    phonenumbers.PhoneNumberType.VOICEMAIL: "voicemail",
}


@dataclass(frozen=True, slots=True)
class IdentityRef:
    """How a caller names a person; values already clean (see `clean_id`, `clean_phone`)."""

    external_id: str | None = None
    anonymous_id: str | None = None
    phone: str | None = None
    email: str | None = None

    def pairs(self) -> list[tuple[str, str]]:
        """(kind, value) pairs, the deciding one first."""
        pairs = (
            (EXTERNAL_ID, self.external_id),
            (PHONE, self.phone),
            (EMAIL, self.email),
            (ANONYMOUS_ID, self.anonymous_id),
        )
        return [(kind, value) for kind, value in pairs if value]


def is_blocked(value: str) -> bool:
    return value.strip().casefold() in BLOCKED


def clean_id(value: str) -> str | None:
    """An external or anonymous id, trimmed; None when it stands for nobody. Raises ValueError."""
    text = value.strip()
    if text.casefold() in BLOCKED:
        return None
    if len(text) > MAX_LENGTH:
        raise ValueError(f"An id has at most {MAX_LENGTH} characters.")
    if "\x00" in text:
        raise ValueError("An id has no NUL character.")
    return text


def clean_email(value: str) -> str:
    """Lower case. Raises ValueError when it is no e-mail address."""
    text = value.strip().lower()
    if len(text) > 254 or not _EMAIL.fullmatch(text) or ".." in text:
        raise ValueError("This is no e-mail address.")
    return text


@lru_cache(maxsize=50_000)
def clean_phone(value: str, country: str) -> tuple[str, str]:
    """(E.164, phone type) of a number as people write it in `country`. Raises ValueError."""
    if len(value) > 40:
        raise ValueError("This is no phone number.")
    try:
        number = phonenumbers.parse(value, country or None)
    except phonenumbers.NumberParseException:
        raise ValueError("This is no phone number.") from None
    if number.extension or not phonenumbers.is_valid_number(number):
        raise ValueError("No carrier assigns this phone number. Write it as +13105550142.")
    kind = _PHONE_TYPES.get(phonenumbers.number_type(number), "unknown")
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164), kind


def phone_type(phone: str | None) -> str:
    """What kind of line an E.164 number is; "" without a number."""
    if not phone:
        return ""
    try:
        return clean_phone(phone, "")[1]
    except ValueError:
        return "unknown"
