"""One contact that exists, changed by somebody who names it by its id."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from api.problems import FieldError, Problem
from events.domain.recording import append_events, contact_changed
from people.core.traits import Traits
from people.domain.attributes import TraitChange, change_contacts


def change_contact(contact_id: UUID, traits: Traits, *, by: str = "", now: datetime) -> None:
    """Writes checked traits and appends "Contact Changed" for what really changed. `by`: the door,
    an `AddedBy`.

    Raises `Problem` identifier_taken (409): the number or e-mail belongs to another contact, or
    the contact holds as many as it may.
    """
    done = change_contacts([TraitChange(contact_id, traits, by=by)], now=now)
    if done.refused:
        raise taken([each.kind for each in done.refused])
    append_events(contact_changed(done.changed, occurred_at=now), now=now)


def taken(kinds: list[str]) -> Problem:
    """The refusal of identifiers that somebody else has. It does not say who."""
    return Problem(
        "identifier_taken",
        "An identifier belongs to another contact, or is one too many.",
        status=409,
        errors=[FieldError(kind, "taken", f"Another contact has this {kind}.") for kind in kinds],
    )
