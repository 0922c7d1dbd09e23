"""Who a campaign goes to, in words: beside the fields, and once more before it is sent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from segments.core.sentences import describe
from segments.domain.queries import live_segments
from segments.models import Segment
from tenancy.web import workspace_view
from triggers.domain.audiences import Audience, count_reachable
from triggers.models import Campaign
from triggers.views.campaign_live import access

EVERYBODY = "Everybody subscribed"
EVERYBODY_MEANS = (
    "Contacts whose number has marketing consent and is neither suppressed nor in review."
)


@dataclass(frozen=True, slots=True)
class Group:
    """A segment, or everybody. `slug` is "" for the latter, `size` is the segment's members."""

    name: str
    sentence: str
    slug: str = ""
    size: int = 0


@dataclass(frozen=True, slots=True)
class Told:
    """`reachable`: who has a number and is not left out; None for everybody, who are counted in
    the checks."""

    who: Group | None
    left_out: tuple[Group, ...] = ()
    reachable: int | None = None


@require_GET
@workspace_view()
def campaign_audience(request: Any, campaign: str) -> HttpResponse:
    """The words under the fields, for what is chosen in them now."""
    access(campaign)
    told = tell(request.GET.get("who", ""), request.GET.getlist("exclude"), list(live_segments()))
    return render(request, "triggers/_campaign_audience.html", {"request": request, "told": told})


def tell(who: str, exclude: Sequence[str], segments: Sequence[Segment]) -> Told:
    """`who` as the form names it: "everybody" or "segment:<slug>". What is unknown is no one."""
    by_slug = {segment.slug: segment for segment in segments}
    kind, _, slug = who.partition(":")
    left_out = [by_slug[one] for one in dict.fromkeys(exclude) if one in by_slug]
    groups = tuple(_group(one) for one in left_out)
    if kind == Campaign.Audience.EVERYBODY:
        return Told(Group(EVERYBODY, EVERYBODY_MEANS), groups)
    if slug not in by_slug:
        return Told(None, groups)
    audience = Audience(by_slug[slug].id, tuple(one.id for one in left_out))
    return Told(_group(by_slug[slug]), groups, count_reachable(audience))


def tell_campaign(campaign: Campaign, segments: Sequence[Segment]) -> Told:
    """The same of what is saved."""
    slugs = {segment.id: segment.slug for segment in segments}
    who = campaign.audience
    if campaign.segment_id is not None:
        who = f"segment:{slugs.get(campaign.segment_id, '')}"
    return tell(who, [slugs[one] for one in campaign.excluded if one in slugs], segments)


def _group(segment: Segment) -> Group:
    return Group(segment.name, describe(segment.definition).sentence, segment.slug, segment.size)
