"""Reads of people that more than one edge needs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from uuid import UUID

from django.db import connection

from people.domain.defaults import WorkspaceDefaults, defaults_of, workspace_defaults
from people.domain.facts import ContactFacts, read_facts
from people.domain.listing import ContactPage, list_contacts
from people.models import Identifier
from tenancy.scope import current_tenant_id

__all__ = [
    "ContactFacts",
    "ContactPage",
    "WorkspaceDefaults",
    "contacts_by_id",
    "contacts_by_phone",
    "defaults_of",
    "list_contacts",
    "lock_contacts",
    "workspace_defaults",
]


def contacts_by_id(ids: Iterable[UUID]) -> dict[UUID, ContactFacts]:
    """Facts of those that exist in this workspace. One query."""
    return read_facts(ids)


def lock_contacts(ids: Iterable[UUID], *, skip_locked: bool = False) -> list[UUID]:
    """Locks contacts FOR NO KEY UPDATE in ascending order until the transaction ends.

    Returns the ids now held: all that exist, or with `skip_locked` those nobody else holds. Old ids
    of merged contacts are never among them: what was theirs is found again at the survivor.
    The first lock of every writer of runs and messages (resolve identities before it, not after).
    """
    wanted = sorted(set(ids))
    if not wanted:
        return []
    suffix = " SKIP LOCKED" if skip_locked else ""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id FROM people_contact WHERE tenant_id = %s AND id = ANY(%s)"
            " AND merged_into_id IS NULL"
            f" ORDER BY id FOR NO KEY UPDATE{suffix}",
            [current_tenant_id(), wanted],
        )
        return [row[0] for row in cursor.fetchall()]


def contacts_by_phone(phones: Sequence[str]) -> dict[str, UUID]:
    """The contact each E.164 number belongs to, for numbers that belong to one."""
    rows = Identifier.objects.filter(kind=Identifier.Kind.PHONE, value__in=list(phones))
    return dict(rows.values_list("value", "contact_id"))
