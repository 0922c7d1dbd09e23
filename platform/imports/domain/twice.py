"""Who stands in a file more than once, wherever in it: the first row counts, the others are told so."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from django.db import connection

from imports.models import Import
from people.core.identifiers import PRIORITY
from tenancy.crypto import keyed_digest
from tenancy.scope import current_tenant_id

FORGOTTEN = 0
Key = tuple[str, str]


def digest_of(kind: str, value: str) -> UUID:
    """The same for every file of a workspace, and nothing that can be guessed from outside."""
    return UUID(hex=keyed_digest(f"import:{current_tenant_id()}", f"{kind}\0{value}")[:32])


def find_twice(
    job: Import, rows: Sequence[tuple[int, Sequence[Key]]]
) -> dict[int, tuple[str, int]]:
    """By line, the kind of what was met before and the line it was met in (`FORGOTTEN`: whoever it
    is was erased since). `rows`: line and what names it, in the file's order. Two queries.
    """
    digests = {key: digest_of(*key) for _, keys in rows for key in keys}
    if not digests:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT digest, line FROM imports_importkey"
            " WHERE tenant_id = %s AND of_id = %s AND digest = ANY(%s)",
            [current_tenant_id(), job.id, list(set(digests.values()))],
        )
        known: dict[UUID, int] = dict(cursor.fetchall())
        found: dict[int, tuple[str, int]] = {}
        new: dict[UUID, int] = {}
        for line, keys in rows:
            met = next(
                (
                    (key[0], known[digests[key]])
                    for key in keys
                    if known.get(digests[key], line) < line
                ),
                None,
            )
            if met is not None:
                found[line] = met
                continue
            for key in keys:
                if digests[key] not in known:
                    known[digests[key]] = new[digests[key]] = line
        if new:
            cursor.execute(
                "INSERT INTO imports_importkey (tenant_id, of_id, digest, line)"
                " SELECT %s, %s, digest, line FROM unnest(%s::uuid[], %s::int[]) AS n(digest, line)"
                " ON CONFLICT DO NOTHING",
                [current_tenant_id(), job.id, list(new), list(new.values())],
            )
    return found


def forget(values: Sequence[str]) -> int:
    """Whoever has one of these identifiers is not brought back by a file that waits."""
    digests = [digest_of(kind, value) for kind in PRIORITY for value in values]
    if not digests:
        return 0
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE imports_importkey SET line = %s WHERE tenant_id = %s AND digest = ANY(%s)",
            [FORGOTTEN, current_tenant_id(), digests],
        )
        return int(cursor.rowcount)
