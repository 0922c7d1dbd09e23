"""Who a campaign is for: counted as a set, walked a set at a time in order of contact ids."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection

from consent.domain.facts import zone_input
from consent.domain.standing import SUBSCRIBED, standings
from people.domain.queries import contacts_by_id, workspace_defaults
from segments.models import Segment
from tenancy.scope import current_tenant_id
from triggers.core.local_times import local_instant, zones_of
from triggers.models import Campaign

_AT_ONCE = 20_000
Member = tuple[UUID, str]


@dataclass(frozen=True, slots=True)
class Audience:
    """`segment_id` None: everybody subscribed. Members of `excluded` segments are left out."""

    segment_id: UUID | None
    excluded: tuple[UUID, ...] = ()


def audience_of(campaign: Campaign) -> Audience:
    return Audience(campaign.segment_id, tuple(campaign.excluded))


def read_page(audience: Audience, *, after: UUID | None, limit: int) -> list[Member]:
    """(contact, number) of the next members by id who have a number; fewer than `limit` at the
    end. Everybody: all with a number, whatever they agreed to (see `only_subscribed`)."""
    source, values = _from(audience)
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT c.id, c.phone {source} AND c.id > %(after)s ORDER BY c.id LIMIT %(limit)s",
            {**values, "after": after or UUID(int=0), "limit": limit},
        )
        return list(cursor.fetchall())


def count_members(audience: Audience) -> int:
    """How many a campaign selects."""
    if audience.segment_id is None:
        return sum(len(only_subscribed(page)) for page in pages_of(audience))
    return count_reachable(audience)


def count_reachable(audience: Audience) -> int:
    """How many have a number; of everybody also those who never subscribed."""
    source, values = _from(audience)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) {source}", values)
        return int(cursor.fetchone()[0])


def pages_of(audience: Audience, *, one_in: int = 1) -> Iterator[list[Member]]:
    """The whole audience in pages; with `one_in` a spread sample of it, always the same one."""
    source, values = _from(audience)
    after = UUID(int=0)
    while True:
        with connection.cursor() as cursor:
            cursor.execute(
                f"SELECT c.id, c.phone {source} AND c.id > %(after)s"
                " AND abs(hashtextextended(c.id::text, 7)) %% %(one_in)s = 0"
                " ORDER BY c.id LIMIT %(limit)s",
                {**values, "after": after, "limit": _AT_ONCE, "one_in": one_in},
            )
            page = cursor.fetchall()
        if page:
            yield page
        if len(page) < _AT_ONCE:
            return
        after = page[-1][0]


def only_subscribed(members: Sequence[Member]) -> list[Member]:
    """Those whose number may get marketing texts."""
    known = standings(phone for _, phone in members)
    return [member for member in members if known[member[1]] == SUBSCRIBED]


def members_among(
    segment_ids: Iterable[UUID], contact_ids: Iterable[UUID]
) -> dict[UUID, set[UUID]]:
    """Per contact: which of these segments it belongs to now."""
    found: dict[UUID, set[UUID]] = {}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT contact_id, segment_id FROM segments_segmentmembership WHERE tenant_id = %s"
            " AND segment_id = ANY(%s) AND contact_id = ANY(%s) AND left_at IS NULL",
            [current_tenant_id(), list(segment_ids), list(contact_ids)],
        )
        for contact_id, segment_id in cursor.fetchall():
            found.setdefault(contact_id, set()).add(segment_id)
    return found


def due_times(wall: datetime, contact_ids: Iterable[UUID]) -> dict[UUID, datetime]:
    """When it is `wall` at each contact."""
    fallback = workspace_defaults().timezone
    return {
        contact_id: local_instant(wall, zones_of(zone_input(facts)), fallback)
        for contact_id, facts in contacts_by_id(contact_ids).items()
    }


def is_filled(audience: Audience) -> bool:
    """False while a segment of the audience is being filled: it would seem smaller than it is."""
    ids = [one for one in (audience.segment_id, *audience.excluded) if one is not None]
    return not Segment.objects.filter(id__in=ids, state=Segment.State.BUILDING).exists()


def excluded_names(campaign: Campaign) -> list[str]:
    """The segments that are left out, by name."""
    rows = Segment.objects.filter(id__in=campaign.excluded).order_by("name")
    return list(rows.values_list("name", flat=True))


def _from(audience: Audience) -> tuple[str, dict[str, Any]]:
    """FROM and WHERE with the contact as `c`, and their values."""
    values: dict[str, Any] = {"tenant": current_tenant_id()}
    where = "c.tenant_id = %(tenant)s AND c.phone IS NOT NULL AND c.erased_at IS NULL"
    source = "FROM people_contact c"
    if audience.segment_id is not None:
        source = (
            "FROM segments_segmentmembership m JOIN people_contact c"
            " ON c.tenant_id = m.tenant_id AND c.id = m.contact_id"
        )
        where += (
            " AND m.tenant_id = %(tenant)s AND m.segment_id = %(segment)s AND m.left_at IS NULL"
        )
        values["segment"] = audience.segment_id
    if audience.excluded:
        where += (
            " AND NOT EXISTS (SELECT 1 FROM segments_segmentmembership x"
            " WHERE x.tenant_id = %(tenant)s AND x.contact_id = c.id"
            " AND x.segment_id = ANY(%(excluded)s) AND x.left_at IS NULL)"
        )
        values["excluded"] = list(audience.excluded)
    return f"{source} WHERE {where}", values
