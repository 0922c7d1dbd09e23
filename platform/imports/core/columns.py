"""Which column holds what: the fields a file may have, and a guess from headers and values. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from api.problems import FieldError
from people.core.identifiers import clean_email, clean_phone
from people.core.traits import FIELDS as TRAIT_FIELDS
from people.core.traits import read_traits

CONTACTS, ORDERS = "contacts", "orders"
TEXT, NUMBER, YES_NO, DATE, TIME = "text", "number", "yes_no", "date", "time"
TYPES = (TEXT, NUMBER, YES_NO, DATE, TIME)
ATTRIBUTE = "attribute"
IDENTIFIERS = ("phone", "external_id", "email", "anonymous_id")
MAX_NAME = 64

# What a column may hold, the word for it, and the words people put above it.
_CONTACT_FIELDS: dict[str, tuple[str, tuple[str, ...]]] = {
    "phone": (
        "Phone number",
        ("phone number", "phone", "number", "mobile", "mobile number", "cell", "cell phone", "tel", "telephone", "sms", "mobile phone"),
    ),
    "external_id": ("External id", ("external id", "id", "customer id", "user id", "customer number")),
    "email": ("E-mail", ("email", "e mail", "email address", "e mail address", "mail")),
    "anonymous_id": ("Anonymous id", ("anonymous id", "device id", "visitor id")),
    "first_name": ("First name", ("first name", "firstname", "given name", "name", "vorname")),
    "last_name": ("Last name", ("last name", "lastname", "surname", "family name", "nachname")),
    "city": ("City", ("city", "town", "ort")),
    "region": ("Region", ("region", "state", "province")),
    "postal_code": ("Postal code", ("postal code", "zip", "zip code", "postcode", "plz")),
    "country": ("Country", ("country", "country code")),
    "timezone": ("Time zone", ("time zone", "timezone")),
    "locale": ("Language", ("locale", "language", "language preference")),
    "tags": ("Tags", ("tags", "tag", "labels")),
    "consent_status": (
        "Consent: status",
        ("consent status", "opt in status", "sms consent", "opted in", "opt in", "consent", "subscribed", "accepts marketing", "accepts sms marketing", "sms opt in", "status"),
    ),
    "consent_source": ("Consent: where", ("consent source", "opt in source", "source", "where")),
    "consent_wording": ("Consent: wording", ("consent wording", "wording", "consent text", "disclosure", "opt in text")),
    "consent_date": ("Consent: time", ("consent date", "consent time", "opt in date", "opt in time", "consented at", "opted in at", "date", "when")),
    "last_purchase_date": ("Last purchase", ("last purchase date", "last purchase", "last order date", "last order", "last purchased at")),
    "appointment_time": ("Appointment", ("appointment time", "appointment", "appointment date", "next appointment")),
    "lifecycle_stage": ("Lifecycle stage", ("lifecycle stage", "lifecycle", "stage")),
}  # fmt: skip
_ORDER_FIELDS: dict[str, tuple[str, tuple[str, ...]]] = {
    "order_id": ("Order id", ("order id", "order number", "order", "order no", "id")),
    "external_id": ("Customer: external id", ("external id", "customer id", "user id", "customer number")),
    "phone": ("Customer: phone number", ("phone number", "phone", "mobile", "customer phone", "billing phone")),
    "email": ("Customer: e-mail", ("email", "e mail", "email address", "customer email")),
    "ordered_at": ("Time of the order", ("ordered at", "order date", "order time", "date", "created at", "time", "placed at", "paid at")),
    "total": ("Total", ("total", "order total", "amount", "grand total", "revenue", "total price")),
    "currency": ("Currency", ("currency", "currency code")),
    "product_id": ("Item: product id", ("product id", "sku", "lineitem sku", "item id", "variant id")),
    "product_name": ("Item: name", ("product name", "lineitem name", "item name", "product", "item")),
    "quantity": ("Item: quantity", ("quantity", "qty", "lineitem quantity")),
    "price": ("Item: price", ("price", "unit price", "lineitem price", "item price")),
}  # fmt: skip
FIELDS = {CONTACTS: _CONTACT_FIELDS, ORDERS: _ORDER_FIELDS}
# Fields that become attributes of the same name, and what they must be.
TYPED = {"last_purchase_date": DATE, "appointment_time": TIME, "lifecycle_stage": TEXT}
# A name may not mean something else where contacts are read.
_RESERVED = frozenset({*TRAIT_FIELDS, *TYPED, "name", "address", "tags"})
_SEPARATORS = re.compile(r"[\s_\-./:]+")
_BY_WORD = {
    kind: {word: name for name, (_, words) in reversed(fields.items()) for word in (*words, name.replace("_", " "))}
    for kind, fields in FIELDS.items()
}  # fmt: skip
_MOST = 0.6


@dataclass(frozen=True, slots=True)
class Target:
    """What one column becomes. `name` and `type` belong to attributes."""

    field: str
    name: str = ""
    type: str = TEXT


Mapped = Mapping[int, Target]


def plain_word(text: str) -> str:
    """A header as it is compared: lower case, one space between words."""
    return _SEPARATORS.sub(" ", text.casefold().lstrip("\ufeff")).strip()


def guess_columns(
    header: Sequence[str], rows: Sequence[Sequence[str]], *, kind: str, country: str
) -> dict[int, Target]:
    """What each column seems to hold, by its header, else by its values; index from 0.

    A field is given once, to the first column that fits. What nobody knows is left out.
    """
    found: dict[int, Target] = {}
    taken: set[str] = set()
    known = _BY_WORD[kind]
    for index, title in enumerate(header):
        field = known.get(plain_word(title), "")
        if field and field not in taken:
            found[index] = Target(field)
            taken.add(field)
    width = max((len(row) for row in rows), default=0)
    for index in range(max(width, len(header))):
        if index in found:
            continue
        field = _by_values([row[index] for row in rows if index < len(row)], country)
        if field and field not in taken:
            found[index] = Target(field)
            taken.add(field)
    return found


def is_header(first: Sequence[str], *, kind: str, country: str) -> bool:
    """Whether the first row names the columns: one word is known, and no cell is a person's."""
    cells = [cell for cell in first if cell.strip()]
    if any(_is_phone(cell, country) or _is_email(cell) for cell in cells):
        return False
    return any(plain_word(cell) in _BY_WORD[kind] for cell in cells) or not any(
        re.search(r"\d", cell) for cell in cells
    )


def read_mapping(given: Any, *, kind: str, width: int) -> dict[int, Target]:
    """A mapping as it is stored: {"1": {"field": ..., "name": ..., "type": ...}}, columns from 1."""
    return {
        int(column) - 1: Target(each["field"], each.get("name", ""), each.get("type", TEXT))
        for column, each in given.items()
        if int(column) <= width
    }


def write_mapping(mapping: Mapped) -> dict[str, dict[str, str]]:
    """The other way round."""
    return {
        str(index + 1): {"field": each.field}
        | ({"name": each.name, "type": each.type} if each.field == ATTRIBUTE else {})
        for index, each in sorted(mapping.items())
    }


def flaws_of_mapping(mapping: Mapped, *, kind: str, width: int) -> list[FieldError]:
    """Everything wrong with a mapping, by the place it was given in."""
    errors: list[FieldError] = []
    fields = FIELDS[kind]
    seen: Counter[str] = Counter()
    for index, target in sorted(mapping.items()):
        place = f"mapping.{index + 1}"
        if not 0 <= index < width:
            errors.append(FieldError(place, "no_such_column", f"The file has {width} columns."))
        if target.field == ATTRIBUTE and kind == CONTACTS:
            errors += _attribute_flaws(target, place)
        elif target.field not in fields:
            known = ", ".join([*fields, *([ATTRIBUTE] if kind == CONTACTS else [])])
            errors.append(FieldError(f"{place}.field", "invalid_choice", f"One of: {known}."))
        name = f"{ATTRIBUTE}:{target.name}" if target.field == ATTRIBUTE else target.field
        seen[name] += 1
        if seen[name] == 2:
            said = target.name or target.field.replace("_", " ")
            errors.append(FieldError(place, "column_twice", f"Two columns hold the {said}."))
    held = {target.field for target in mapping.values()}
    if not held & set(IDENTIFIERS):
        said = "a phone number, an e-mail or an external id"
        errors.append(FieldError("mapping", "no_identifier", f"Some column has to hold {said}."))
    if kind == ORDERS:
        errors += [
            FieldError("mapping", f"no_{name}", f"Some column has to hold the {words}.")
            for name, words in (("order_id", "order id"), ("ordered_at", "time of the order"))
            if name not in held
        ]
        if not held & {"total", "product_id"}:
            detail = "Some column has to hold the total or the items."
            errors.append(FieldError("mapping", "no_total", detail))
    return errors


def _attribute_flaws(target: Target, place: str) -> list[FieldError]:
    errors = []
    name = target.name
    if not name.strip() or len(name) > MAX_NAME or any(ord(letter) < 32 for letter in name):
        detail = f"An attribute's name has 1 to {MAX_NAME} characters."
        errors.append(FieldError(f"{place}.name", "invalid_name", detail))
    elif name not in read_traits({name: "x"}, country="").attributes or name in _RESERVED:
        detail = f"{name} is a field of its own; choose it instead."
        errors.append(FieldError(f"{place}.name", "reserved_name", detail))
    if target.type not in TYPES:
        errors.append(FieldError(f"{place}.type", "invalid_choice", f"One of: {', '.join(TYPES)}."))
    return errors


def _by_values(cells: Sequence[str], country: str) -> str:
    values = [cell.strip() for cell in cells if cell.strip()]
    if not values:
        return ""
    for field, test in (("email", _is_email), ("phone", lambda one: _is_phone(one, country))):
        if sum(map(test, values)) >= len(values) * _MOST:
            return field
    return ""


def _is_phone(text: str, country: str) -> bool:
    if sum(letter.isdigit() for letter in text) < 7 or "@" in text:
        return False
    try:
        clean_phone(text.strip().lstrip("'"), country)
    except ValueError:
        return False
    return True


def _is_email(text: str) -> bool:
    try:
        clean_email(text)
    except ValueError:
        return False
    return True
