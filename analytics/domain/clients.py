"""An organization's clients as its agency page shows them: one read, however many there are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from analytics.domain.rolling_up import DAYS, STALE_AFTER
from analytics.models import ClientDay
from tenancy.domain.queries import WorkspaceLink
from tenancy.scope import organization_scope


@dataclass(frozen=True, slots=True)
class Client:
    """One line. `counted_at` None: not counted yet. Numbers of seven days of its own calendar."""

    link: WorkspaceLink
    sent: int
    delivered: int
    opt_outs: int
    last_event_at: datetime | None
    problems: tuple[dict[str, Any], ...]
    counted_at: datetime | None

    @property
    def health(self) -> str:
        """stop, wait, good, or unknown while nobody has counted."""
        if self.counted_at is None:
            return "unknown"
        tones = {problem["tone"] for problem in self.problems}
        return "stop" if "stop" in tones else "wait" if tones else "good"

    @property
    def words(self) -> str:
        """Health in a word or two."""
        return {
            "stop": "Needs you now",
            "wait": "Look at it",
            "good": "Healthy",
            "unknown": "Not counted yet",
        }[self.health]


@dataclass(frozen=True, slots=True)
class Clients:
    """The worst first. `oldest`: the oldest count among them; `is_stale`: ask for a new one."""

    rows: tuple[Client, ...]
    oldest: datetime | None
    is_stale: bool

    def count(self, health: str) -> int:
        return sum(row.health == health for row in self.rows)


_ORDER = {"stop": 0, "wait": 1, "unknown": 2, "good": 3}


def read_clients(
    organization_id: UUID, links: Sequence[WorkspaceLink], *, now: datetime
) -> Clients:
    """The roll-up of the workspaces in `links`, which are those a member may see. One query."""
    wanted = [link.id for link in links]
    # Calendar days differ between zones, so one more is read than a week has.
    since = (now - timedelta(days=DAYS + 1)).date()
    with organization_scope(organization_id):
        days = list(
            ClientDay.across.filter(tenant_id__in=wanted, day__gte=since).order_by("tenant", "-day")
        )
    held: dict[UUID, list[ClientDay]] = {}
    for day in days:
        held.setdefault(day.tenant_id, []).append(day)
    rows = [_client(link, held.get(link.id, [])) for link in links]
    rows.sort(key=lambda row: (_ORDER[row.health], row.link.name.lower()))
    counted = [row.counted_at for row in rows]
    known = [moment for moment in counted if moment is not None]
    stale = any(moment is None or now - moment > STALE_AFTER for moment in counted)
    return Clients(tuple(rows), min(known, default=None), stale)


def _client(link: WorkspaceLink, days: list[ClientDay]) -> Client:
    if not days:
        return Client(link, 0, 0, 0, None, (), None)
    newest = days[0]
    week = [day for day in days if newest.day - day.day < timedelta(days=DAYS)]
    return Client(
        link=link,
        sent=sum(day.sent for day in week),
        delivered=sum(day.delivered for day in week),
        opt_outs=sum(day.opt_outs for day in week),
        last_event_at=newest.last_event_at,
        problems=tuple(newest.problems),
        counted_at=newest.counted_at,
    )
