"""A contact as the API takes it: identifiers, fields, and attributes of the brand's own. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from api.data import check_data
from api.problems import FieldError, Invalid
from people.core.identifiers import EXTERNAL_ID, IdentityRef, clean_id
from people.core.kinds import Rules
from people.core.traits import FIELDS, Traits, read_traits


def read_contact(
    given: Mapping[str, Any], *, country: str, rules: Rules
) -> tuple[IdentityRef, Traits]:
    """Who it is and what is to be known. Raises `Invalid`: every wrong field with its code."""
    traits, errors = _read_traits(given, country, rules)
    external_id = None
    try:
        external_id = clean_id(given.get(EXTERNAL_ID) or "")
    except ValueError as error:
        errors.append(FieldError(EXTERNAL_ID, "invalid_external_id", str(error)))
    if given.get(EXTERNAL_ID) and external_id is None and not errors:
        detail = "This value stands for nobody."
        errors.append(FieldError(EXTERNAL_ID, "blocked_identifier", detail))
    ref = IdentityRef(
        external_id=external_id, phone=traits.fields.get("phone"), email=traits.fields.get("email")
    )
    if not ref.pairs() and not errors:
        detail = "Give external_id, phone or email."
        errors.append(FieldError("", "required", detail))
    if errors:
        raise Invalid(errors)
    return ref, traits


def read_changes(given: Mapping[str, Any], *, country: str, rules: Rules) -> Traits:
    """What is to be known instead; null takes a value away. Raises `Invalid`."""
    traits, errors = _read_traits(given, country, rules)
    if errors:
        raise Invalid(errors)
    return traits


def _read_traits(
    given: Mapping[str, Any], country: str, rules: Rules
) -> tuple[Traits, list[FieldError]]:
    traits = read_traits({name: given[name] for name in FIELDS if name in given}, country=country)
    errors = [FieldError(e.field, e.code, e.detail) for e in traits.errors]
    attributes = given.get("attributes") or {}
    wrong = check_data(attributes, "attributes")
    for name, value in attributes.items() if not wrong else ():
        alone = read_traits({name: value}, country=country, rules=rules)
        place = f"attributes.{name}"
        if alone.fields or any(error.code != "invalid_name" for error in alone.errors):
            detail = "This is a field of every contact: send it beside `attributes`."
            wrong.append(FieldError(place, "reserved_name", detail))
        elif alone.wrong:
            wrong += [FieldError(place, e.code, e.detail) for e in alone.wrong]
        elif not alone.attributes:
            wrong.append(FieldError(place, "reserved_name", "This name is an identifier's."))
        else:
            traits.attributes |= alone.attributes
    return traits, errors + wrong
