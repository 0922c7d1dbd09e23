"""Changing what is known of contacts, for whole sets, with the old and the new value of each change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from django.db import connection

from api.problems import FieldError, Invalid
from people.core.identifiers import EMAIL, LIMITS, PHONE, phone_type
from people.core.traits import FIELDS, Traits, read_traits
from people.domain.facts import ContactFacts, read_facts
from people.domain.merged import ContactMerged
from people.domain.numbers import NumberChange, tell_numbers
from people.domain.queries import workspace_defaults
from people.domain.searching import index_contacts
from tenancy.ids import new_id
from tenancy.scope import current_tenant_id

EXPLICIT = "explicit"
DEVICE = "device"
_IDENTIFYING = (PHONE, EMAIL)
_WRITTEN = (*FIELDS, "phone_type", "timezone_source")
_NULLABLE = frozenset({"phone", "email"})
_FOUND_BY = ("first_name", "last_name", "phone", "email")


@dataclass(frozen=True, slots=True)
class TraitChange:
    """What somebody says about a contact.

    `traits` as sent, or already read. `source`: "explicit", or "device" (its time zone never
    replaces an explicit one). `fill_only`: told late, so it adds what is missing and replaces
    nothing that was learned since.
    """

    contact_id: UUID
    traits: Mapping[str, Any] | Traits
    source: str = EXPLICIT
    fill_only: bool = False


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
    claims = _claim(read, before, now)
    after = dict(before)
    for position, change in enumerate(read):
        contact = after.get(change.contact_id)
        if contact is not None and contact.merged_into_id is not None:
            # Since the caller looked it up: what is said belongs to somebody else now.
            raise ContactMerged(contact.id, contact.merged_into_id)
        if contact is None or contact.erased_at is not None:
            continue
        after[contact.id] = _apply(contact, change, position, claims, out)
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
        for kind in _IDENTIFYING
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
    traits = read_traits(change.traits, country=workspace_defaults().country)
    if traits.errors:
        raise Invalid([FieldError(e.field, e.code, e.detail) for e in traits.errors])
    return replace(change, traits=traits)


def _apply(
    contact: ContactFacts,
    change: TraitChange,
    position: int,
    claims: dict[tuple[str, str], UUID | None],
    out: Changes,
) -> ContactFacts:
    traits = change.traits
    assert isinstance(traits, Traits)  # noqa: S101 (see _read)
    fresh: dict[str, Any] = {}
    for name, value in traits.fields.items():
        old = getattr(contact, name) or None
        if value == old or (change.fill_only and old is not None):
            continue
        if name == "timezone" and change.source == DEVICE and contact.timezone_source == EXPLICIT:
            continue
        if name in _IDENTIFYING and value is not None:
            owner = claims.get((name, value))
            if owner != contact.id:
                out.refused.append(Refusal(contact.id, name, owner, position))
                continue
        fresh[name] = value if value is not None or name in _NULLABLE else ""
        if name == "phone":
            fresh["phone_type"] = (traits.phone_type or phone_type(value)) if value else ""
        if name == "timezone":
            fresh["timezone_source"] = change.source if value else ""
        out.changed.append(AttributeChange(contact.id, name, old, value, position))
    attributes = dict(contact.attributes)
    for name, value in traits.attributes.items():
        old = attributes.get(name)
        if _same(old, value) or (change.fill_only and old is not None):
            continue
        if value is None:
            del attributes[name]
        else:
            attributes[name] = value
        out.changed.append(AttributeChange(contact.id, name, old, value, position))
    return replace(contact, **fresh, attributes=attributes)


def _same(old: Any, new: Any) -> bool:
    """Equal as JSON: true is not 1, and 1 is not "1"."""
    if old is None or new is None:
        return old is new
    return msgspec.json.encode(old, order="sorted") == msgspec.json.encode(new, order="sorted")


def _claim(
    changes: Sequence[TraitChange], before: dict[UUID, ContactFacts], now: datetime
) -> dict[tuple[str, str], UUID | None]:
    """Who owns each phone and e-mail that is to be set, after binding those that nobody has."""
    wanted: dict[tuple[str, str], UUID] = {}
    for change in changes:
        contact = before.get(change.contact_id)
        if contact is None:
            continue
        assert isinstance(change.traits, Traits)  # noqa: S101 (see _read)
        for kind in _IDENTIFYING:
            value = change.traits.fields.get(kind)
            if value:
                wanted.setdefault((kind, value), contact.id)
    if all(getattr(before[cid], kind) == value for (kind, value), cid in wanted.items()):
        return dict(wanted)
    keys = sorted(wanted)
    tenant_id = current_tenant_id()
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO people_identifier
                (id, tenant_id, kind, value, contact_id, is_primary, first_seen_at)
            SELECT made.id, %(tenant)s, made.kind, made.value, made.contact_id, false, %(now)s
            FROM unnest(%(ids)s::uuid[], %(kinds)s::text[], %(values)s::text[], %(owners)s::uuid[])
              AS made(id, kind, value, contact_id)
            WHERE (SELECT count(*) FROM people_identifier held
                   WHERE held.tenant_id = %(tenant)s AND held.contact_id = made.contact_id
                     AND held.kind = made.kind) < %(limit)s
            ON CONFLICT DO NOTHING
            """,
            {
                "tenant": tenant_id,
                "now": now,
                "ids": [new_id() for _ in keys],
                "kinds": [kind for kind, _ in keys],
                "values": [value for _, value in keys],
                "owners": [wanted[key] for key in keys],
                "limit": LIMITS[PHONE],
            },
        )
        cursor.execute(
            """
            SELECT i.kind, i.value, i.contact_id FROM people_identifier i
            WHERE i.tenant_id = %s AND i.kind = ANY(%s) AND i.value = ANY(%s)
            """,
            [tenant_id, list(_IDENTIFYING), [value for _, value in keys]],
        )
        return {(row[0], row[1]): row[2] for row in cursor.fetchall()}


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
            SET {settings}, attributes = given.attributes::jsonb,
                updated_at = GREATEST(c.updated_at, %s)
            FROM unnest(%s::uuid[], %s::text[], {holders})
              AS given(id, attributes, {", ".join(columns)})
            WHERE c.tenant_id = %s AND c.id = given.id AND c.id = ANY(%s)
            """,
            [
                now,
                [contact.id for contact in changed],
                [msgspec.json.encode(contact.attributes).decode() for contact in changed],
                *(arrays[name] for name in columns),
                current_tenant_id(),
                [contact.id for contact in changed],
            ],
        )
    for kind in _IDENTIFYING:
        switched = [c for c in changed if getattr(c, kind) != getattr(before[c.id], kind)]
        if switched:
            _switch_primary(kind, switched)


def _switch_primary(kind: str, contacts: list[ContactFacts]) -> None:
    """The old value stays an identifier: whoever writes from it is still recognized."""
    tenant_id = current_tenant_id()
    kept = [contact for contact in contacts if getattr(contact, kind)]
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE people_identifier SET is_primary = false WHERE tenant_id = %s"
            " AND kind = %s AND contact_id = ANY(%s) AND is_primary",
            [tenant_id, kind, [contact.id for contact in contacts]],
        )
        cursor.execute(
            """
            UPDATE people_identifier i SET is_primary = true
            FROM unnest(%s::uuid[], %s::text[]) AS given(contact_id, value)
            WHERE i.tenant_id = %s AND i.kind = %s AND i.value = given.value
              AND i.contact_id = given.contact_id AND i.value = ANY(%s)
            """,
            [
                [contact.id for contact in kept],
                [getattr(contact, kind) for contact in kept],
                tenant_id,
                kind,
                [getattr(contact, kind) for contact in kept],
            ],
        )
