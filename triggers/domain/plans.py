"""Plans of versions, built once per process: versions never change."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from triggers.core.plan import Plan, build_plan
from triggers.models import Flow, FlowVersion

_CACHE_LIMIT = 5_000
_plans: dict[UUID, Plan] = {}


@dataclass(frozen=True, slots=True)
class LiveFlow:
    """A flow that may hear events, with the plan of its live version."""

    id: UUID
    name: str
    status: str
    priority: int
    version_id: UUID
    published_at: datetime
    plan: Plan

    @property
    def is_paused(self) -> bool:
        return self.status == Flow.Status.PAUSED


def plans_for(version_ids: Iterable[UUID]) -> dict[UUID, Plan]:
    """The plans of these versions; one query for those not seen before."""
    wanted = set(version_ids)
    missing = wanted - _plans.keys()
    if missing:
        if len(_plans) > _CACHE_LIMIT:
            _plans.clear()
            missing = wanted
        rows = FlowVersion.objects.filter(id__in=missing).values_list("id", "definition")
        for version_id, definition in rows:
            _plans[version_id] = build_plan(definition)
    return {version_id: _plans[version_id] for version_id in wanted if version_id in _plans}


def live_flows() -> list[LiveFlow]:
    """Live and paused flows of the workspace, higher priority first."""
    rows = list(
        Flow.objects.filter(
            status__in=[Flow.Status.LIVE, Flow.Status.PAUSED], live_version__isnull=False
        ).values_list("id", "name", "status", "priority", "live_version_id", "published_at")
    )
    plans = plans_for(row[4] for row in rows)
    flows = [
        LiveFlow(flow_id, name, status, priority, version_id, published_at, plans[version_id])
        for flow_id, name, status, priority, version_id, published_at in rows
        if version_id in plans
    ]
    return sorted(flows, key=lambda flow: (-flow.priority, flow.id))
