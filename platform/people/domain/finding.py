"""Finding the one contact that a caller names."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from api.problems import FieldError, Invalid
from people.core.identifiers import EMAIL, EXTERNAL_ID, PHONE, clean_email, clean_id, clean_phone
from people.domain.merged import survivors_of
from people.domain.queries import contacts_by_id, workspace_defaults
from people.models import Identifier
from tenancy.ids import InvalidId, parse_id

NAMES = ("id", EXTERNAL_ID, PHONE, EMAIL)


def find_contact(given: Mapping[str, str | None], *, field: str = "contact") -> UUID:
    """The contact named by exactly one of `id` (con_...), external_id, phone, email.

    Raises `Invalid`: required, wrong_count, invalid_<kind> or unknown_contact.
    """
    named = {name: given[name] for name in NAMES if given.get(name)}
    if len(named) != 1:
        code = "wrong_count" if named else "required"
        raise Invalid([FieldError(field, code, f"Name a contact by one of {', '.join(NAMES)}.")])
    [(name, value)] = named.items()
    contact_id = _by_id(value or "") if name == "id" else _by_identifier(name, value or "", field)
    found = contacts_by_id([contact_id]).get(contact_id) if contact_id else None
    if found is not None and found.merged_into_id is not None:
        # An old id still names the person.
        return survivors_of([found.id])[found.id]
    if found is None or found.erased_at is not None:
        detail = "Nobody in this workspace has it."
        raise Invalid([FieldError(f"{field}.{name}", "unknown_contact", detail)])
    return found.id


def _by_id(text: str) -> UUID | None:
    try:
        return parse_id("con", text)
    except InvalidId:
        return None


def _by_identifier(kind: str, value: str, field: str) -> UUID | None:
    try:
        if kind == PHONE:
            clean: str | None = clean_phone(value.strip(), workspace_defaults().country)[0]
        else:
            clean = clean_email(value) if kind == EMAIL else clean_id(value)
    except ValueError as error:
        raise Invalid([FieldError(f"{field}.{kind}", f"invalid_{kind}", str(error))]) from None
    if clean is None:
        return None
    found: UUID | None = (
        Identifier.objects.filter(kind=kind, value=clean)
        .values_list("contact_id", flat=True)
        .first()
    )
    return found
