"""What contacts' watched dates say, and the rows of when each is reached next."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection

from consent.domain.facts import zone_input
from people.core.kinds import DATETIME, Misfit, Rules, fit
from people.core.quality import told_at
from people.domain.definitions import read_rules
from people.domain.facts import ContactFacts, read_facts
from people.domain.literals import text_array, time_array, uuid_array
from tenancy.ids import new_ids
from tenancy.scope import current_tenant_id
from triggers.core.dates import BUYING, OBJECTS, WATCHED_KINDS, Value, Watch
from triggers.core.local_times import zones_of
from triggers.models import DateDue, WatchedDate

Place = tuple[UUID, UUID, str]  # watch, contact, subject


@dataclass(frozen=True, slots=True)
class Told:
    """A date as it is known now. `about`: what the event says besides of it; `is_sensitive`: it
    does not say the date."""

    value: Value
    about: Mapping[str, Any] = field(default_factory=dict)
    is_sensitive: bool = False


@dataclass(slots=True)
class DueRow:
    due_at: datetime | None = None
    reached: str = ""


@dataclass(frozen=True, slots=True)
class Known:
    """Everything that decides when dates of some contacts are reached."""

    told: Mapping[Place, Told]
    zones: Mapping[UUID, tuple[str, ...]]
    fallback: str


def watch_of(row: WatchedDate) -> Watch:
    return Watch(row.days, row.at, row.is_yearly)


def read_known(
    watches: Sequence[WatchedDate], contact_ids: Iterable[UUID], *, now: datetime
) -> Known:
    """The watched dates of these contacts; who is gone has none. Four queries at most."""
    people = {
        one.id: one
        for one in read_facts(contact_ids).values()
        if one.erased_at is None and one.merged_into_id is None
    }
    rules = read_rules()
    told = dict(_worked(watches, sorted(people)))
    for watch in watches:
        if watch.field in BUYING or watch.field in OBJECTS:
            continue
        for contact in people.values():
            value = _value_of(contact, watch.field, rules, now)
            if value is not None:
                rule = rules.by_name[watch.field]
                told[watch.id, contact.id, ""] = Told(value, is_sensitive=rule.is_sensitive)
    zones = {one.id: zones_of(zone_input(one)) for one in people.values()}
    return Known(told, zones, rules.zone)


def read_rows(watches: Sequence[WatchedDate], contact_ids: Iterable[UUID]) -> dict[Place, DueRow]:
    rows = DateDue.objects.filter(
        watch_id__in=[watch.id for watch in watches], contact_id__in=list(contact_ids)
    ).values_list("watch_id", "contact_id", "subject", "due_at", "reached")
    return {(row[0], row[1], row[2]): DueRow(row[3], row[4]) for row in rows}


def write_rows(rows: Mapping[Place, DueRow]) -> None:
    """Writes them; what is neither due nor remembers anything is taken away. The contacts are
    locked."""
    kept = {place: row for place, row in rows.items() if row.due_at or row.reached}
    gone = sorted(rows.keys() - kept.keys())
    places = sorted(kept)
    with connection.cursor() as cursor:
        if gone:
            cursor.execute(
                "DELETE FROM triggers_datedue d USING"
                " unnest(%s::uuid[], %s::uuid[], %s::text[]) AS gone(watch_id, contact_id, subject)"
                " WHERE d.tenant_id = %s AND d.watch_id = gone.watch_id"
                " AND d.contact_id = gone.contact_id AND d.subject = gone.subject",
                [*_arrays(gone), current_tenant_id()],
            )
        if places:
            cursor.execute(
                """
                INSERT INTO triggers_datedue
                    (id, tenant_id, watch_id, contact_id, subject, due_at, reached)
                SELECT id, %s, watch_id, contact_id, subject, due_at, reached
                FROM unnest(%s::uuid[], %s::uuid[], %s::uuid[], %s::text[], %s::timestamptz[],
                    %s::text[]) AS made(id, watch_id, contact_id, subject, due_at, reached)
                ON CONFLICT (tenant_id, watch_id, contact_id, subject) DO UPDATE
                SET due_at = excluded.due_at, reached = excluded.reached
                """,
                [
                    current_tenant_id(),
                    uuid_array(new_ids(len(places))),
                    *_arrays(places),
                    time_array(kept[place].due_at for place in places),
                    text_array(kept[place].reached for place in places),
                ],
            )


def _arrays(places: Sequence[Place]) -> list[Any]:
    return [
        uuid_array(place[0] for place in places),
        uuid_array(place[1] for place in places),
        text_array(place[2] for place in places),
    ]


def _value_of(contact: ContactFacts, name: str, rules: Rules, now: datetime) -> Value | None:
    """An attribute as a date; None where it has none, or one that counts as missing."""
    rule, held = rules.get(name), contact.attributes.get(name)
    if rule is None or held is None or not rule.is_declared or rule.kind not in WATCHED_KINDS:
        return None
    if rule.kept_days is not None:
        at = told_at(contact.told, name) or contact.created_at
        if at + timedelta(days=rule.kept_days) <= now:
            return None
    try:
        found = fit(held, rule, zone=rules.zone)
    except Misfit:
        return None
    return datetime.fromisoformat(found) if rule.kind == DATETIME else str(found)


def _worked(
    watches: Sequence[WatchedDate], contact_ids: list[UUID]
) -> Iterator[tuple[Place, Told]]:
    """Dates that orders and objects say."""
    buying = [watch for watch in watches if watch.field in BUYING]
    by_kind: dict[str, list[WatchedDate]] = defaultdict(list)
    for watch in watches:
        if watch.field in OBJECTS:
            by_kind[OBJECTS[watch.field]].append(watch)
    with connection.cursor() as cursor:
        if buying and contact_ids:
            columns = sorted(name.removeprefix("buying.") for name in BUYING)
            cursor.execute(
                f"SELECT contact_id, reorder_key, {', '.join(columns)} FROM commerce_buyingsummary"
                " WHERE tenant_id = %s AND contact_id = ANY(%s)",
                [current_tenant_id(), contact_ids],
            )
            for contact_id, product, *dates in cursor.fetchall():
                found = dict(zip(columns, dates, strict=True))
                for watch in buying:
                    column = watch.field.removeprefix("buying.")
                    if found[column] is not None:
                        about = {"product_id": product} if column == "reorder_at" else {}
                        yield (watch.id, contact_id, ""), Told(found[column], about)
        if by_kind and contact_ids:
            cursor.execute(
                "SELECT contact_id, kind, key, due_at FROM commerce_customobject"
                " WHERE tenant_id = %s AND contact_id = ANY(%s) AND kind = ANY(%s)"
                " AND is_open AND due_at IS NOT NULL",
                [current_tenant_id(), contact_ids, sorted(by_kind)],
            )
            for contact_id, kind, key, due_at in cursor.fetchall():
                for watch in by_kind[kind]:
                    yield (watch.id, contact_id, key), Told(due_at, {f"{kind}_id": key})
