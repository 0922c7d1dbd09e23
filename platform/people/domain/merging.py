"""People's own part of a merge: the log row, the identifiers, what is known, the old ids."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
from django.db import connection

from people.core.merging import Known, combine
from people.domain.attributes import AttributeChange
from people.domain.facts import ContactFacts
from people.domain.moving import Move, Moves, keep_rows, restore_rows
from people.domain.searching import index_contacts
from people.models import ContactMerge, Identifier
from tenancy.ids import new_id
from tenancy.scope import current_tenant_id

UNDO_WITHIN = timedelta(days=30)
_FIXED = frozenset({"id", "created_at", "erased_at", "merged_into_id"})
# What goes along with something else, and is no news.
_SILENT = frozenset({"phone_type", "timezone_source", "last_seen_at", "told", "refused"})
_WRITTEN = tuple(f.name for f in fields(ContactFacts) if f.name not in _FIXED)


@dataclass(frozen=True, slots=True)
class Wish:
    """One merge to do. `device`: the anonymous id that gave the visitor away."""

    survivor: ContactFacts
    merged: ContactFacts
    device: str = ""


def known(contact: ContactFacts, told: Mapping[str, datetime] | None = None) -> Known:
    """A contact as the pure rules take it."""
    values = {f.name: getattr(contact, f.name) for f in fields(ContactFacts)}
    return Known(contact.id, contact.created_at, values, contact.attributes, told or {})


def write_merges(
    wishes: Sequence[Wish],
    *,
    told: Mapping[UUID, Mapping[str, datetime]],
    kind: str,
    actor: str,
    now: datetime,
) -> tuple[list[ContactMerge], Moves, list[AttributeChange]]:
    """Logs the merges and joins what people keeps. Both contacts of each are locked."""
    merges: list[ContactMerge] = []
    changes: list[AttributeChange] = []
    given: list[dict[str, Any]] = []
    for wish in wishes:
        survivor, merged = wish.survivor, wish.merged
        new = combine(known(survivor, told.get(survivor.id)), known(merged, told.get(merged.id)))
        if merged.last_seen_at > survivor.last_seen_at:
            new.columns["last_seen_at"] = merged.last_seen_at
        before = {name: getattr(survivor, name) for name in new.columns}
        after = dict(new.columns)
        if new.attributes:
            before["attributes"] = {n: survivor.attributes.get(n) for n in new.attributes}
            after["attributes"] = new.attributes
        if after:
            before["updated_at"], after["updated_at"] = survivor.updated_at, now
            row = {name: getattr(survivor, name) for name in _WRITTEN} | new.columns
            row |= {"id": survivor.id, "updated_at": max(survivor.updated_at, now)}
            row["attributes"] = {**survivor.attributes, **new.attributes}
            after["updated_at"] = row["updated_at"]
            given.append(row)
        changes += _told_changes(survivor, new.columns, new.attributes, len(merges))
        merges.append(
            ContactMerge(
                id=new_id(), survivor_id=survivor.id, merged_id=merged.id, kind=kind, at=now,
                undo_until=now + UNDO_WITHIN, actor=actor[:160], device=wish.device,
                before=msgspec.to_builtins(before), after=msgspec.to_builtins(after),
            )
        )  # fmt: skip
    ContactMerge.objects.bulk_create(merges)
    moves = Moves([Move(each.id, each.survivor_id, each.merged_id) for each in merges], now)
    _move_identifiers(moves)
    _write_contacts(given)
    moves.run(
        "UPDATE people_contact c SET merged_into_id = pair.survivor_id, erased_at = %(now)s"
        " FROM {pairs} WHERE c.tenant_id = %(tenant)s AND c.id = ANY(%(merged)s::uuid[])"
        " AND c.id = pair.merged_id"
    )
    index_contacts([w.survivor.id for w in wishes] + [w.merged.id for w in wishes])
    return merges, moves, changes


def unwrite_merge(
    merge: ContactMerge, survivor: ContactFacts, *, actor: str, now: datetime
) -> list[AttributeChange]:
    """Gives back what `write_merges` joined; what was told of since stays with the survivor."""
    moves = Moves([Move(merge.id, merge.survivor_id, merge.merged_id)], now)
    columns = {
        name: merge.before[name]
        for name, value in merge.after.items()
        if name not in {"attributes", "updated_at"}
        and msgspec.to_builtins(getattr(survivor, name)) == value
    }
    attributes = dict(survivor.attributes)
    for name, value in merge.after.get("attributes", {}).items():
        if attributes.get(name) == value:
            if merge.before["attributes"][name] is None:
                del attributes[name]
            else:
                attributes[name] = merge.before["attributes"][name]
    row = {name: getattr(survivor, name) for name in _WRITTEN}
    row |= {**columns, "id": survivor.id, "attributes": attributes}
    as_left = merge.after.get("updated_at") == msgspec.to_builtins(survivor.updated_at)
    row["updated_at"] = merge.before["updated_at"] if as_left else survivor.updated_at
    _write_contacts([row])
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE people_contact SET merged_into_id = NULL, erased_at = NULL"
            " WHERE tenant_id = %s AND id = %s",
            [current_tenant_id(), merge.merged_id],
        )
    # The device first: it was bound to the person before the merge took the rest along.
    if merge.device:
        Identifier.objects.filter(
            kind=Identifier.Kind.ANONYMOUS_ID, value=merge.device, contact_id=merge.survivor_id
        ).update(contact_id=merge.merged_id)
    restore_rows(Identifier, moves, only="t.contact_id = was.survivor_id")
    merge.undone_at, merge.undone_by = now, actor[:160]
    merge.save(update_fields=["undone_at", "undone_by"])
    index_contacts([merge.survivor_id, merge.merged_id])
    changed = {n: attributes.get(n) for n in merge.after.get("attributes", {})}
    return _told_changes(survivor, columns, changed, 0)


def _told_changes(
    survivor: ContactFacts, columns: Mapping[str, Any], attributes: Mapping[str, Any], position: int
) -> list[AttributeChange]:
    """What to tell of: not what only goes along with something else."""
    told = [
        (name, getattr(survivor, name) or None, value or None)
        for name, value in columns.items()
        if name not in _SILENT
    ]
    told += [(name, survivor.attributes.get(name), value) for name, value in attributes.items()]
    return [
        AttributeChange(survivor.id, name, old, new, position)
        for name, old, new in told
        if old != new
    ]


def _move_identifiers(moves: Moves) -> None:
    """All of them, also more than a contact may take on by itself: nobody must become unknown."""
    keep_rows(Identifier, moves, "t.contact_id = pair.merged_id")
    moves.run(
        """
        UPDATE people_identifier t SET contact_id = pair.survivor_id,
            is_primary = t.is_primary AND NOT EXISTS (
                SELECT 1 FROM people_identifier own
                WHERE own.tenant_id = t.tenant_id AND own.contact_id = pair.survivor_id
                  AND own.kind = t.kind AND own.is_primary)
        FROM {pairs}
        WHERE t.tenant_id = %(tenant)s AND t.contact_id = ANY(%(merged)s::uuid[])
          AND t.contact_id = pair.merged_id
        """
    )


def _write_contacts(rows: Sequence[Mapping[str, Any]]) -> None:
    if not rows:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            UPDATE people_contact c
            SET ({", ".join(_WRITTEN)}) = ROW({", ".join(f"given.{name}" for name in _WRITTEN)})
            FROM jsonb_populate_recordset(NULL::people_contact, %s) AS given
            WHERE c.tenant_id = %s AND c.id = given.id AND c.id = ANY(%s)
            """,
            [
                msgspec.json.encode(rows).decode(),
                current_tenant_id(),
                [row["id"] for row in rows],
            ],
        )
