"""Keeping the search tokens in step with contacts, and finding contacts by them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.db import connection

from people.core.searching import Wanted, tokens_of, wanted_by
from people.domain.literals import text_array, uuid_array
from tenancy.ids import new_id
from tenancy.scope import current_tenant_id


def index_contacts(ids: Iterable[UUID]) -> None:
    """Makes the tokens of these contacts anew. Two statements, whatever the set's size.

    Call it in the transaction that changed a name, a number or an address, with the contacts
    locked or made by this transaction.
    """
    wanted = sorted(set(ids))
    if not wanted:
        return
    owners: list[UUID] = []
    kinds: list[str] = []
    tokens: list[str] = []
    for contact_id, found in _read(wanted).items():
        for kind, token in sorted(found):
            owners.append(contact_id)
            kinds.append(kind)
            tokens.append(token)
    with connection.cursor() as cursor:
        # A row that stays is neither removed nor written again.
        cursor.execute(
            """
            WITH given AS (
                SELECT * FROM unnest(%(ids)s::uuid[], %(owners)s::uuid[], %(kinds)s::text[],
                                     %(tokens)s::text[]) AS g(id, contact_id, kind, token)),
            gone AS (
                DELETE FROM people_searchtoken t
                WHERE t.tenant_id = %(tenant)s AND t.contact_id = ANY(%(wanted)s::uuid[])
                  AND NOT EXISTS (SELECT FROM given g WHERE g.contact_id = t.contact_id
                                    AND g.kind = t.kind AND g.token = t.token))
            INSERT INTO people_searchtoken (id, tenant_id, contact_id, kind, token)
            SELECT g.id, %(tenant)s, g.contact_id, g.kind, g.token FROM given g
            ON CONFLICT (tenant_id, contact_id, kind, token) DO NOTHING
            """,
            {
                "tenant": current_tenant_id(),
                "wanted": uuid_array(wanted),
                "ids": uuid_array(new_id() for _ in owners),
                "owners": uuid_array(owners),
                "kinds": text_array(kinds),
                "tokens": text_array(tokens),
            },
        )


def search_query(term: str, *, with_personal: bool = True) -> tuple[str, list[Any]] | None:
    """SQL that selects the ids of the contacts the term finds, with its values; None: finds nobody.

    One query of sets: OR between two `IN` would make PostgreSQL look at every contact.
    """
    alternatives = wanted_by(term, with_personal=with_personal)
    if not alternatives or "\x00" in term:
        return None
    values = [value for wanted in alternatives for each in wanted for value in _values(each)]
    parts = ["(" + " INTERSECT ".join([_FOUND] * len(wanted)) + ")" for wanted in alternatives]
    return " UNION ".join(parts), values


_FOUND = (
    "SELECT t.contact_id FROM people_searchtoken t WHERE t.tenant_id = %s"
    " AND t.token >= %s AND t.token < %s AND t.kind = ANY(%s)"
)


def _values(wanted: Wanted) -> list[Any]:
    return [current_tenant_id(), wanted.text, wanted.end, list(wanted.kinds)]


def _read(ids: list[UUID]) -> dict[UUID, set[tuple[str, str]]]:
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT c.id, c.first_name, c.last_name, c.erased_at IS NOT NULL,
                   array_agg(i.value) FILTER (WHERE i.kind = 'phone'),
                   array_agg(i.value) FILTER (WHERE i.kind = 'email')
            FROM people_contact c LEFT JOIN people_identifier i
              ON i.tenant_id = c.tenant_id AND i.contact_id = c.id
            WHERE c.tenant_id = %s AND c.id = ANY(%s) GROUP BY c.id
            """,
            [current_tenant_id(), ids],
        )
        return {
            key: set()
            if erased
            else tokens_of(names=(first, last), phones=phones or (), emails=emails or ())
            for key, first, last, erased, phones, emails in cursor.fetchall()
        }
