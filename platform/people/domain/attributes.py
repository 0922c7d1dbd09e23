"""Changing what is known of contacts, for whole sets, with the old and the new value of each change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
from django.db import connection

from api.problems import FieldError, Invalid
from people.core.identifiers import phone_type
from people.core.quality import told_at
from people.core.traits import FIELDS, Traits, read_traits
from people.domain.claiming import IDENTIFYING, claim_identifiers, switch_primary
from people.domain.definitions import attribute_rules, note_names
from people.domain.facts import ContactFacts, read_facts
from people.domain.merged import ContactMerged
from people.domain.numbers import NumberChange, tell_numbers
from people.domain.queries import workspace_defaults
from people.domain.searching import index_contacts
from tenancy.scope import current_tenant_id

EXPLICIT = "explicit"
DEVICE = "device"
_WRITTEN = (*FIELDS, "phone_type", "timezone_source")
_NULLABLE = frozenset({"phone", "email"})
_FOUND_BY = ("first_name", "last_name", "phone", "email")
# Being told the same again renews a value that expires, once a day at most.
_RENEWED_AFTER = timedelta(days=1)
MAX_SAID = 100


@dataclass(frozen=True, slots=True)
class TraitChange:
    """What somebody says about a contact.

    `traits` as sent, or already read. `source`: "explicit", or "device" (its time zone never
    replaces an explicit one). `fill_only`: told late, so it adds what is missing and replaces
    nothing that was learned since. `by`: through which door, an `AddedBy` or "device"; `at`: when
    it was said, if not now. Both are kept with the value.
    """

    contact_id: UUID
    traits: Mapping[str, Any] | Traits
    source: str = EXPLICIT
    fill_only: bool = False
    by: str = ""
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class AttributeChange:
    """One value that changed; None means there was or is none. `position`: which TraitChange."""

    contact_id: UUID
    name: str
    old: Any
    new: Any
    position: int


@dataclass(frozen=True, slots=True)
class Refusal:
    """A phone number or e-mail that belongs to `owner_id` (None: the contact has too many)."""

    contact_id: UUID
    kind: str
    owner_id: UUID | None
    position: int


@dataclass(slots=True)
class Changes:
    changed: list[AttributeChange] = field(default_factory=list)
    refused: list[Refusal] = field(default_factory=list)


def apply_traits(changes: Sequence[TraitChange], *, now: datetime) -> list[AttributeChange]:
    """Applies changes in order; returns what really changed. Raises `Invalid` for unusable traits.

    The caller appends "Contact Changed" events. A phone or e-mail of another contact is left out.
    """
    return change_contacts(changes, now=now).changed


def change_contacts(changes: Sequence[TraitChange], *, now: datetime) -> Changes:
    """`apply_traits` that also says what was refused. Locks the contacts, ids ascending."""
    out = Changes()
    if not changes:
        return out
    read = [_read(change) for change in changes]
    before = read_facts((change.contact_id for change in changes), lock=True)
    claims = claim_identifiers([(each.contact_id, _traits(each)) for each in read], before, now)
    after = dict(before)
    for position, change in enumerate(read):
        contact = after.get(change.contact_id)
        if contact is not None and contact.merged_into_id is not None:
            # Since the caller looked it up: what is said belongs to somebody else now.
            raise ContactMerged(contact.id, contact.merged_into_id)
        if contact is None or contact.erased_at is not None:
            continue
        after[contact.id] = _apply(contact, change, position, claims, out, now)
    _write(before, after, now)
    tell_numbers(
        {
            cid: NumberChange(old, contact.phone)
            for cid, contact in after.items()
            if (old := before[cid].phone) is not None and old != contact.phone
        },
        now=now,
    )
    index_contacts(_found_otherwise(read, before, after))
    note_names(
        (
            (each.name, each.new, str(read[each.position].by))
            for each in out.changed
            if each.new is not None and each.name not in FIELDS
        ),
        now=now,
    )
    return out


def _found_otherwise(
    changes: Sequence[TraitChange],
    before: dict[UUID, ContactFacts],
    after: dict[UUID, ContactFacts],
) -> set[UUID]:
    """Contacts with another name than before, or with a number or address that may be new."""
    named = {
        change.contact_id
        for change in changes
        for kind in IDENTIFYING
        if change.contact_id in before
        and isinstance(change.traits, Traits)
        and change.traits.fields.get(kind) not in (None, getattr(before[change.contact_id], kind))
    }
    return named | {
        cid
        for cid, contact in after.items()
        if any(getattr(contact, name) != getattr(before[cid], name) for name in _FOUND_BY)
    }


def _read(change: TraitChange) -> TraitChange:
    if isinstance(change.traits, Traits):
        return change
    traits = read_traits(
        change.traits, country=workspace_defaults().country, rules=attribute_rules()
    )
    if traits.errors:
        raise Invalid([FieldError(e.field, e.code, e.detail) for e in traits.errors])
    return replace(change, traits=traits)


def _traits(change: TraitChange) -> Traits:
    assert isinstance(change.traits, Traits)  # noqa: S101 (see _read)
    return change.traits


def _apply(
    contact: ContactFacts,
    change: TraitChange,
    position: int,
    claims: dict[tuple[str, str], UUID | None],
    out: Changes,
    now: datetime,
) -> ContactFacts:
    traits = _traits(change)
    fresh: dict[str, Any] = {}
    told, stamp = dict(contact.told), [str(change.by), (change.at or now).isoformat()]
    for name, value in traits.fields.items():
        old = getattr(contact, name) or None
        if value is not None and value == old:
            _renew(told, name, stamp)
        if value == old or (change.fill_only and old is not None):
            continue
        if name == "timezone" and change.source == DEVICE and contact.timezone_source == EXPLICIT:
            continue
        if name in IDENTIFYING and value is not None:
            owner = claims.get((name, value))
            if owner != contact.id:
                out.refused.append(Refusal(contact.id, name, owner, position))
                continue
        fresh[name] = value if value is not None or name in _NULLABLE else ""
        if name == "phone":
            fresh["phone_type"] = (traits.phone_type or phone_type(value)) if value else ""
            told.pop("phone_type", None)
        if name == "timezone":
            fresh["timezone_source"] = change.source if value else ""
        _tell(told, name, value, stamp)
        out.changed.append(AttributeChange(contact.id, name, old, value, position))
    attributes = dict(contact.attributes)
    refused = _refuse(contact, traits, change.fill_only, stamp)
    for name, value in traits.attributes.items():
        old = attributes.get(name)
        if value is not None and _same(old, value):
            _renew(told, name, stamp)
        if _same(old, value) or (change.fill_only and old is not None):
            continue
        if value is None:
            del attributes[name]
        else:
            attributes[name] = value
        _tell(told, name, value, stamp)
        out.changed.append(AttributeChange(contact.id, name, old, value, position))
    return replace(contact, **fresh, attributes=attributes, told=told, refused=refused)


def _tell(told: dict[str, Any], name: str, value: Any, stamp: list[str]) -> None:
    if value is None:
        told.pop(name, None)
    else:
        told[name] = stamp


def _renew(told: dict[str, Any], name: str, stamp: list[str]) -> None:
    rule = attribute_rules().get(name)
    if rule is None or rule.kept_days is None:
        return
    at, again = told_at(told, name), datetime.fromisoformat(stamp[1])
    if at is None or again - at >= _RENEWED_AFTER:
        told[name] = stamp


def _refuse(
    contact: ContactFacts, traits: Traits, fill_only: bool, stamp: list[str]
) -> dict[str, Any]:
    """What did not fit, per attribute, until something fits."""
    kept = {name: why for name, why in contact.refused.items() if name not in traits.attributes}
    for each in traits.unfit:
        if fill_only and contact.attributes.get(each.name) is not None:
            continue
        said = each.said if isinstance(each.said, str) else msgspec.json.encode(each.said).decode()
        by, at = stamp
        kept[each.name] = {"code": each.code, "said": said[:MAX_SAID], "by": by, "at": at}
    return kept


def _same(old: Any, new: Any) -> bool:
    """Equal as JSON: true is not 1, and 1 is not "1"."""
    if old is None or new is None:
        return old is new
    return msgspec.json.encode(old, order="sorted") == msgspec.json.encode(new, order="sorted")


def _write(
    before: dict[UUID, ContactFacts], after: dict[UUID, ContactFacts], now: datetime
) -> None:
    changed = [contact for cid, contact in sorted(after.items()) if contact != before[cid]]
    if not changed:
        return
    columns = [f.name for f in fields(ContactFacts) if f.name in _WRITTEN]
    arrays: dict[str, list[Any]] = {
        name: [getattr(contact, name) for contact in changed] for name in columns
    }
    settings = ", ".join(f"{name} = given.{name}" for name in columns)
    holders = ", ".join(["%s::text[]"] * len(columns))
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            UPDATE people_contact c
            SET {settings}, attributes = given.attributes::jsonb, told = given.told::jsonb,
                refused = given.refused::jsonb, updated_at = GREATEST(c.updated_at, %s)
            FROM unnest(%s::uuid[], %s::text[], %s::text[], %s::text[], {holders})
              AS given(id, attributes, told, refused, {", ".join(columns)})
            WHERE c.tenant_id = %s AND c.id = given.id AND c.id = ANY(%s)
            """,
            [
                now,
                [contact.id for contact in changed],
                *(
                    [msgspec.json.encode(getattr(contact, name)).decode() for contact in changed]
                    for name in ("attributes", "told", "refused")
                ),
                *(arrays[name] for name in columns),
                current_tenant_id(),
                [contact.id for contact in changed],
            ],
        )
    for kind in IDENTIFYING:
        switched = [c for c in changed if getattr(c, kind) != getattr(before[c.id], kind)]
        if switched:
            switch_primary(kind, switched)
