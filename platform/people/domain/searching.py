"""Keeping the search tokens in step with contacts, and finding contacts by them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import connection

from people.core.searching import Range, ranges_of, tokens_of, wanted_by
from people.domain.defaults import workspace_defaults
from people.domain.literals import text_array, uuid_array
from tenancy.crypto import phone_token, phone_tokens
from tenancy.scope import current_tenant_id


def index_contacts(ids: Iterable[UUID]) -> None:
    """Makes the tokens of these contacts anew. At most three statements, whatever the set's size.

    Call it in the transaction that changed a name, a number or an address, with the contacts
    locked or made by this transaction.
    """
    wanted = sorted(set(ids))
    if not wanted:
        return
    tenant_id = current_tenant_id()
    known = _read(wanted)
    found = sorted((key, kind + token) for key, one in known.items() for kind, token in one.tokens)
    with connection.cursor() as cursor:
        # A row that stays is neither removed nor written again.
        cursor.execute(
            """
            WITH given AS (
                SELECT * FROM unnest(%(owners)s::uuid[], %(tokens)s::text[])
                  AS g(contact_id, token)),
            gone AS (
                DELETE FROM people_searchtoken t
                WHERE t.tenant_id = %(tenant)s AND t.contact_id = ANY(%(wanted)s::uuid[])
                  AND NOT EXISTS (SELECT FROM given g
                                  WHERE g.contact_id = t.contact_id AND g.token = t.token))
            INSERT INTO people_searchtoken (tenant_id, token, contact_id)
            SELECT %(tenant)s, g.token, g.contact_id FROM given g
            ON CONFLICT (tenant_id, token, contact_id) DO NOTHING
            """,
            {
                "tenant": tenant_id,
                "wanted": uuid_array(wanted),
                "owners": uuid_array(owner for owner, _ in found),
                "tokens": text_array(token for _, token in found),
            },
        )
    _keep_phone_tokens(known, tenant_id)


def search_query(term: str, *, with_personal: bool = True) -> tuple[str, list[Any]] | None:
    """SQL that selects the ids of the contacts the term finds, some of them repeatedly, with its
    values; None: finds nobody.

    One query of sets: OR between two `IN` would make PostgreSQL look at every contact.
    """
    alternatives = wanted_by(term, with_personal=with_personal)
    if not alternatives or "\x00" in term:
        return None
    country = workspace_defaults().country
    values: list[Any] = []
    parts = []
    for wanted in alternatives:
        ranges = [ranges_of(one, country=country) for one in wanted]
        if all(ranges):
            parts.append("(" + " INTERSECT ".join(_found(each, values) for each in ranges) + ")")
    return (" UNION ALL ".join(parts), values) if parts else None


_TOKENS = (
    "SELECT t.contact_id FROM people_searchtoken t"
    " WHERE t.tenant_id = %s AND t.token >= %s AND t.token < %s"
)
_IDENTIFIERS = (
    "SELECT i.contact_id FROM people_identifier i"
    " WHERE i.tenant_id = %s AND i.kind = %s AND i.value >= %s AND i.value < %s"
)


def _found(ranges: list[Range], values: list[Any]) -> str:
    """SQL for whoever is in one of the ranges; its values are appended."""
    parts = []
    for each in ranges:
        kinds = [each.identifier] if each.identifier else []
        values += [current_tenant_id(), *kinds, each.start, each.end]
        parts.append(_IDENTIFIERS if each.identifier else _TOKENS)
    return "(" + " UNION ALL ".join(parts) + ")"


def _keep_phone_tokens(known: Mapping[UUID, _Known], tenant_id: UUID) -> None:
    """A number may be known by a token of a retired pepper: that one stays."""
    wrong = {
        key: phone_token(tenant_id, one.phone) if one.phone else None
        for key, one in sorted(known.items())
        if one.phone_token not in (phone_tokens(tenant_id, one.phone) if one.phone else [None])
    }
    if not wrong:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE people_contact c SET phone_token = given.token"
            " FROM unnest(%s::uuid[], %s::text[]) AS given(id, token)"
            " WHERE c.tenant_id = %s AND c.id = given.id AND c.id = ANY(%s)",
            [list(wrong), list(wrong.values()), tenant_id, list(wrong)],
        )


@dataclass(frozen=True, slots=True)
class _Known:
    tokens: set[tuple[str, str]]
    phone: str | None
    phone_token: str | None


def _read(ids: list[UUID]) -> dict[UUID, _Known]:
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT c.id, c.first_name, c.last_name, c.erased_at IS NOT NULL,
                   array_agg(i.value) FILTER (WHERE i.kind = 'phone'),
                   array_agg(i.value) FILTER (WHERE i.kind = 'email'), c.phone, c.phone_token
            FROM people_contact c LEFT JOIN people_identifier i
              ON i.tenant_id = c.tenant_id AND i.contact_id = c.id
            WHERE c.tenant_id = %s AND c.id = ANY(%s) GROUP BY c.id
            """,
            [current_tenant_id(), ids],
        )
        return {
            key: _Known(
                set()
                if erased
                else tokens_of(names=(first, last), phones=phones or (), emails=emails or ()),
                phone,
                token,
            )
            for key, first, last, erased, phones, emails, phone, token in cursor.fetchall()
        }
