"""Where a contact may be: every time zone and every US state that some source names.

Sources are never ranked against each other. A text is legal only if it is legal in all
candidates, so each further source can only narrow the window, never widen it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from consent.core.postal import read_canadian, read_state, read_zip
from consent.core.tables import table

_US_TERRITORIES = {"PR", "VI", "GU", "AS", "MP"}


@dataclass(frozen=True, slots=True)
class ZoneInput:
    """What is known about a contact's place; empty strings for what is not.

    `timezone_source` is "explicit" (the person's or the shop's word), "device", or another name
    shown back as given. `country` is ISO 3166-1 alpha-2, `phone` E.164.
    """

    phone: str = ""
    country: str = ""
    region: str = ""
    postal_code: str = ""
    timezone: str = ""
    timezone_source: str = ""
    device_timezone: str = ""


@dataclass(frozen=True, slots=True)
class ZoneSet:
    """Candidates, each tuple sorted.

    `states` are USPS codes whose rules apply, `countries` ISO codes whose rules apply.
    `sources` says what named them ("area code 850", "country US"). `known` is False when only a
    country of several zones was known, so the zones are the outer ones of that country.
    """

    zones: tuple[str, ...]
    states: tuple[str, ...]
    sources: tuple[str, ...]
    countries: tuple[str, ...] = ()
    known: bool = True


@lru_cache(maxsize=65536)
def candidates(contact: ZoneInput) -> ZoneSet:
    """All candidate zones and states of one contact. Unknown or broken values are left out."""
    zones: set[str] = set()
    states: set[str] = set()
    sources: list[str] = []
    placed: set[str] = set()
    own_zone = False

    for zone, source in (
        (contact.timezone, contact.timezone_source or "explicit"),
        (contact.device_timezone, "device"),
    ):
        if zone and is_zone(zone):
            zones.add(zone)
            sources.append(f"{source} {zone}")
            own_zone = True

    phone_country, area_states, area_zones = _read_phone(contact.phone)
    address_country = contact.country.strip().upper()
    home = address_country or phone_country
    if area_zones:
        zones.update(area_zones)
        states.update(area_states)
        placed.add(phone_country)
        sources.append(f"area code {contact.phone[2:5]}")

    postal = contact.postal_code.strip()
    if postal and home in {"US", *_US_TERRITORIES}:
        state, zip_zones = read_zip(postal)
        zones.update(zip_zones)
        states.update({state} if state else ())
        placed.update({"US"} if zip_zones else ())
        sources += [f"postal code {postal}"] if state or zip_zones else []
    elif postal and home == "CA" and (found := read_canadian(postal)):
        zones.update(found)
        placed.add("CA")
        sources.append(f"postal code {postal[:3].upper()}")

    if home in {"US", *_US_TERRITORIES} and (region := read_state(contact.region)):
        states.add(region)
        sources.append(f"region {region}")

    known = bool(zones)
    countries = {country for country in (phone_country, address_country) if country}
    for country in sorted(countries - placed):
        fallback = table("countries.json")["zones"].get(country, ())
        if not fallback or (len(fallback) > 1 and own_zone):
            continue
        zones.update(fallback)
        sources.append(f"country {country}")
        known = known or len(fallback) == 1
    return ZoneSet(
        zones=tuple(sorted(zones)),
        states=tuple(sorted(states - _US_TERRITORIES)),
        sources=tuple(sources),
        countries=tuple(sorted(countries)),
        known=known,
    )


@lru_cache(maxsize=2048)
def is_zone(name: str) -> bool:
    """Whether this is an IANA zone we have rules for."""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return name not in {"Factory", "localtime"}


def _read_phone(phone: str) -> tuple[str, tuple[str, ...], tuple[str, ...]]:
    """Country, US states and zones of an E.164 number; zones only for North American codes."""
    digits = phone.removeprefix("+")
    if not phone.startswith("+") or not digits.isdigit():
        return "", (), ()
    if digits.startswith("1"):
        entry = table("area_codes.json.gz")["area_codes"].get(digits[1:4])
        if entry is None:  # toll-free, personal or not yet assigned: somewhere in the US
            return "US", (), ()
        country, states, zones = entry
        return country, tuple(states), tuple(zones)
    if digits[:2] in {"76", "77"}:
        return "KZ", (), ()
    codes = table("countries.json")["calling_codes"]
    for length in (3, 2, 1):
        if country := codes.get(digits[:length]):
            return country, (), ()
    return "", (), ()
