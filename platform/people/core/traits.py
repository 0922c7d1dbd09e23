"""What an identify call says about a person, read into fields and attributes. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any
from zoneinfo import available_timezones

from people.core.identifiers import clean_email, clean_phone
from people.core.kinds import ALIASES as ATTRIBUTE_ALIASES
from people.core.kinds import Misfit, Rules, fit
from people.core.locales import clean_country, clean_locale

# Every field of a contact that a trait may set; the rest goes to `attributes`.
FIELDS = (
    "phone",
    "email",
    "first_name",
    "last_name",
    "locale",
    "timezone",
    "city",
    "region",
    "postal_code",
    "country",
)
MAX_NAME = 128
NO_RULES = Rules()
_ALIASES = {
    "firstName": "first_name",
    "firstname": "first_name",
    "lastName": "last_name",
    "lastname": "last_name",
    "phoneNumber": "phone",
    "phone_number": "phone",
    "timeZone": "timezone",
    "time_zone": "timezone",
    "state": "region",
    "postalCode": "postal_code",
    "postcode": "postal_code",
    "zip": "postal_code",
    "zipCode": "postal_code",
    "zip_code": "postal_code",
    "countryCode": "country",
    "country_code": "country",
    "language": "locale",
}
# Identity, not attributes; and what only the consent ledger may say.
_IGNORED = frozenset({"id", "userId", "user_id", "anonymousId", "anonymous_id", "external_id"})
_LENGTHS = {
    "first_name": 200,
    "last_name": 200,
    "locale": 35,
    "city": 200,
    "region": 200,
    "postal_code": 32,
}


@dataclass(frozen=True, slots=True)
class TraitError:
    """`field` is the trait as the caller wrote it."""

    field: str
    code: str
    detail: str


@dataclass(frozen=True, slots=True)
class Unfit(TraitError):
    """A value that its attribute's declared type does not take. `name`: of the attribute."""

    name: str
    said: Any


@dataclass(slots=True)
class Traits:
    """Checked traits. A None value takes the field or attribute away."""

    fields: dict[str, str | None] = field(default_factory=dict)
    attributes: dict[str, Any] = field(default_factory=dict)
    phone_type: str = ""
    errors: list[TraitError] = field(default_factory=list)
    unfit: list[Unfit] = field(default_factory=list)

    @property
    def wrong(self) -> list[TraitError]:
        """Everything a door that refuses has to name."""
        return [*self.errors, *self.unfit]


@lru_cache(maxsize=1)
def time_zones() -> frozenset[str]:
    return frozenset(available_timezones())


def read_traits(traits: Mapping[str, Any], *, country: str, rules: Rules = NO_RULES) -> Traits:
    """Sorts traits into fields and attributes; `country` reads national phone numbers.

    Standard fields have to be right (errors name the trait). An attribute of a declared type is
    stored in it; what does not fit stands in `unfit` and nowhere else. The others keep their JSON type.
    """
    out = Traits()
    address = traits.get("address")
    if isinstance(address, Mapping):
        for key, value in address.items():
            name = _ALIASES.get(str(key), str(key))
            if name in {"city", "region", "postal_code", "country"}:
                _set_field(out, f"address.{key}", name, value, country)
    for key, value in traits.items():
        name = _ALIASES.get(key, key)
        if name in _IGNORED:
            continue
        if name in FIELDS:
            _set_field(out, key, name, value, country)
        else:
            _set_attribute(out, key, value, rules)
    full = traits.get("name")
    if isinstance(full, str) and full.strip() and "first_name" not in out.fields:
        first, _, last = full.strip().partition(" ")
        out.fields["first_name"] = first[:200]
        if "last_name" not in out.fields:
            out.fields["last_name"] = last.strip()[:200]
    return out


def _set_attribute(out: Traits, key: str, value: Any, rules: Rules) -> None:
    if not key.strip() or len(key) > MAX_NAME or "\x00" in key:
        out.errors.append(
            TraitError(key[:MAX_NAME], "invalid_name", f"Names have 1 to {MAX_NAME} characters.")
        )
        return
    name = ATTRIBUTE_ALIASES.get(key, key)
    rule = rules.get(name)
    if isinstance(value, str) and not value.strip() and rule is not None and rule.is_declared:
        value = None
    if value is not None and rule is not None and rule.is_declared:
        try:
            value = fit(value, rule, zone=rules.zone)
        except Misfit as misfit:
            out.unfit.append(Unfit(key, misfit.code, str(misfit), name, value))
            return
    out.attributes[name] = value


def _set_field(out: Traits, key: str, name: str, value: Any, country: str) -> None:
    if value is None or (isinstance(value, str) and not value.strip()):
        out.fields[name] = None
        return
    if isinstance(value, int) and not isinstance(value, bool) and name in {"phone", "postal_code"}:
        value = str(value)
    if not isinstance(value, str):
        out.errors.append(TraitError(key, "wrong_type", "This must be a text."))
        return
    try:
        if name == "phone":
            out.fields[name], out.phone_type = clean_phone(value.strip(), country)
        else:
            out.fields[name] = _clean(name, value.strip())
    except ValueError as error:
        out.errors.append(TraitError(key, f"invalid_{name}", str(error)))


def _clean(name: str, text: str) -> str:
    if "\x00" in text:
        raise ValueError("This has a NUL character.")
    if name == "email":
        return clean_email(text)
    if name == "timezone":
        if text not in time_zones():
            raise ValueError("Use an IANA time zone such as America/Chicago.")
        return text
    if name == "country":
        return clean_country(text)
    if name == "locale" and len(text) <= _LENGTHS[name]:
        return clean_locale(text)
    if len(text) > _LENGTHS[name]:
        raise ValueError(f"This has at most {_LENGTHS[name]} characters.")
    return text
