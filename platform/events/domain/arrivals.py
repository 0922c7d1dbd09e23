"""What arrives, as a developer looks at it: accepted, known already, or wrong, and why.

Accepted items are the log's own rows. What was not stored is noted beside it, after the answer is
certain and in a transaction of its own: noting can fail without anybody noticing but the log.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import orjson
from django.db import DatabaseError, connection

from api.problems import FieldError
from events.core.incoming import Incoming
from events.core.keeping import clean, keep_body, name_in
from events.domain.ingestion import ACCEPTED, DUPLICATE, REJECTED, ItemResult
from events.models import UnstoredItem
from tenancy.models import ApiKey, WriteKey
from tenancy.scope import current_tenant_id, router_scope, tenant_scope

logger = logging.getLogger(__name__)

KEPT_ITEMS = 1_000
KEPT_FOR = timedelta(days=7)
# Of one call: a broken client repeats one mistake, and a flood must not push out everything else.
MOST_OF_A_CALL = 20
# The log has no index by name alone: so far back a filter looks.
LOOK_AT = 5_000
OUTCOMES = (ACCEPTED, DUPLICATE, REJECTED)
Bodies = Callable[[int], bytes]


@dataclass(frozen=True, slots=True)
class Arrival:
    """One item. `body`: JSON; None where it was not kept."""

    id: UUID
    outcome: str
    name: str
    original_name: str
    at: datetime
    source: str
    key_id: UUID | None
    message_id: str
    contact_id: UUID | None = None
    errors: list[dict[str, str]] = field(default_factory=list)
    body: Any = None


def note_results(
    tenant_id: UUID,
    items: Sequence[Incoming],
    results: Sequence[ItemResult],
    *,
    bodies: Bodies,
    source: str,
    key_id: UUID,
    now: datetime,
) -> None:
    """Notes what of a call was not stored. Opens its own scope; nothing to note costs nothing."""
    noted = [
        UnstoredItem(
            outcome=result.status,
            name=clean(items[index].name or name_in(bodies(index)))[:200],
            original_name=clean(items[index].original_name)[:200],
            message_id=clean(items[index].message_id or "")[:256],
            source=source,
            key_id=key_id,
            at=now,
            place=index,
            errors=_shown(result.errors),
            body=keep_body(bodies(index)) if result.status == REJECTED else "",
            tenant_id=tenant_id,
        )
        for index, result in _some_of(results)
    ]
    if noted:
        _keep(tenant_id, noted)


def note_refused_call(
    tenant_id: UUID, errors: Sequence[FieldError], *, source: str, key_id: UUID, now: datetime
) -> None:
    """Notes a call whose body could not be read at all."""
    noted = UnstoredItem(
        outcome=REJECTED, source=source, key_id=key_id, at=now, place=0, errors=_shown(errors),
        tenant_id=tenant_id,
    )  # fmt: skip
    _keep(tenant_id, [noted])


def list_arrivals(
    *,
    outcome: str | None = None,
    name: str | None = None,
    key_id: UUID | None = None,
    before: UUID | None = None,
    limit: int,
) -> list[Arrival]:
    """The newest first; names and keys are looked for among the last ones. Two queries at most."""
    found: list[Arrival] = []
    if outcome in (None, ACCEPTED):
        found += _accepted(name, key_id, before, limit)
    if outcome != ACCEPTED:
        found += _unstored(outcome, name, key_id, before, limit)
    return sorted(found, key=lambda one: one.id, reverse=True)[:limit]


def keys_that_send() -> dict[UUID, str]:
    """Name and beginning of every key that may send events, revoked ones too. Two queries."""
    keys = [
        *WriteKey.objects.order_by("name").values_list("id", "name", "prefix"),
        *ApiKey.objects.filter(scopes__contains=["events:write"])
        .order_by("name")
        .values_list("id", "name", "prefix"),
    ]
    return {key_id: f"{name} ({prefix}…)" for key_id, name, prefix in keys}


def forget_unstored(*, now: datetime) -> int:
    """Removes what is older than a week, in every workspace; returns how many."""
    with router_scope(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT tenant_id FROM events_unstoreditem WHERE at < %s", [now - KEPT_FOR]
        )
        tenant_ids = [row[0] for row in cursor.fetchall()]
    total = 0
    for tenant_id in tenant_ids:
        with tenant_scope(tenant_id):
            total += UnstoredItem.objects.filter(at__lt=now - KEPT_FOR).delete()[0]
    return total


def _some_of(results: Sequence[ItemResult]) -> list[tuple[int, ItemResult]]:
    """The first of each kind that was not stored."""
    kinds: dict[str, list[tuple[int, ItemResult]]] = {DUPLICATE: [], REJECTED: []}
    for index, result in enumerate(results):
        if result.status in kinds and len(kinds[result.status]) < MOST_OF_A_CALL:
            kinds[result.status].append((index, result))
    return sorted(kinds[DUPLICATE] + kinds[REJECTED], key=lambda pair: pair[0])


def _shown(errors: Sequence[FieldError]) -> list[dict[str, str]]:
    return [{key: clean(str(text)) for key, text in asdict(error).items()} for error in errors[:20]]


def _keep(tenant_id: UUID, noted: list[UnstoredItem]) -> None:
    try:
        with tenant_scope(tenant_id):
            UnstoredItem.objects.bulk_create(noted)
            _prune()
    except DatabaseError as error:
        logger.warning("what was not stored could not be noted: %s", type(error).__name__)


def _prune() -> None:
    """Leaves the newest; rows that another call is removing are left to it."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH older AS MATERIALIZED (
                SELECT id FROM events_unstoreditem WHERE tenant_id = %(tenant)s
                ORDER BY tenant_id DESC, id DESC OFFSET %(kept)s FOR UPDATE SKIP LOCKED)
            DELETE FROM events_unstoreditem u USING older
            WHERE u.tenant_id = %(tenant)s AND u.id = older.id
            """,
            {"tenant": current_tenant_id(), "kept": KEPT_ITEMS},
        )


def _accepted(
    name: str | None, key_id: UUID | None, before: UUID | None, limit: int
) -> list[Arrival]:
    values: dict[str, Any] = {
        "tenant": current_tenant_id(),
        "before": before,
        "look_at": LOOK_AT,
        "name": name,
        "key": key_id,
        "limit": limit,
    }
    where = "" if before is None else "AND id < %(before)s"
    where_name = "" if name is None else "AND e.name = %(name)s"
    where_key = "" if key_id is None else "AND b.key_id = %(key)s"
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            SELECT e.id, e.name, e.original_name, e.received_at, e.source, b.key_id, e.message_id,
                e.contact_id, e.properties, e.context
            FROM (SELECT * FROM events_event WHERE tenant_id = %(tenant)s {where}
                  ORDER BY tenant_id DESC, id DESC LIMIT %(look_at)s) AS e
            LEFT JOIN events_eventbatch b ON b.tenant_id = %(tenant)s AND b.id = e.batch_id
            WHERE e.source <> 'internal' {where_name} {where_key}
            ORDER BY e.id DESC LIMIT %(limit)s
            """,
            values,
        )
        return [
            Arrival(
                id=row[0],
                outcome=ACCEPTED,
                name=row[1],
                original_name=row[2],
                at=row[3],
                source=row[4],
                key_id=row[5],
                message_id=row[6],
                contact_id=row[7],
                body={"properties": _json(row[8]), "context": _json(row[9])},
            )
            for row in cursor.fetchall()
        ]


def _unstored(
    outcome: str | None, name: str | None, key_id: UUID | None, before: UUID | None, limit: int
) -> list[Arrival]:
    rows = UnstoredItem.objects.all()
    wanted = {"outcome": outcome, "name": name, "key_id": key_id, "id__lt": before}
    rows = rows.filter(**{key: value for key, value in wanted.items() if value is not None})
    return [
        Arrival(
            id=row.id,
            outcome=row.outcome,
            name=row.name,
            original_name=row.original_name,
            at=row.at,
            source=row.source,
            key_id=row.key_id,
            message_id=row.message_id,
            errors=row.errors,
            body=orjson.loads(row.body) if row.body else None,
        )
        for row in rows.order_by("-tenant_id", "-id")[:limit]
    ]


def _json(value: Any) -> Any:
    return orjson.loads(value) if isinstance(value, str | bytes) else value
