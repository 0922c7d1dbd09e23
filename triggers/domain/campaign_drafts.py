"""Writing a campaign: who, what and when, saved piece by piece until it is launched."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.db import transaction

from api.problems import FieldError, Invalid, Problem
from segments.models import Segment
from templates_engine.domain.library import slug_for_campaign
from templates_engine.domain.templates import save_and_approve
from templates_engine.models import MessageType, TemplateVersion
from tenancy.audit import record_audit
from tenancy.ids import new_id
from triggers.core.local_times import read_wall_time, write_wall_time
from triggers.domain.campaigns import Actor, Status, access_for_update
from triggers.models import Campaign

MAX_EXCLUDED = 20
FAR, LONG_AGO = timedelta(days=366), datetime(2000, 1, 1, tzinfo=UTC)
_TOO_FAR = "Choose a time within a year."


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to change; None leaves a field as it is.

    `audience`: "everybody", "segment" (with `segment`, a slug) or "" for not chosen yet.
    `exclude`: slugs of segments. `body`: "" takes the text away. `timing`: now, at (with
    `send_at`) or local (with `local_time`, such as "2026-11-24T10:00").
    """

    name: str | None = None
    audience: str | None = None
    segment: str | None = None
    exclude: Sequence[str] | None = None
    body: str | None = None
    timing: str | None = None
    send_at: datetime | None = None
    local_time: str | None = None


@transaction.atomic
def create_campaign(wanted: Wanted, *, now: datetime, actor: Actor = None) -> Campaign:
    """A draft. Only the name is needed. Raises `Invalid`, or what `save_campaign` raises."""
    if wanted.name is None:
        raise Invalid([FieldError("name", "required", "Give the campaign a name.")])
    campaign = Campaign(
        id=new_id(),
        created_at=now,
        updated_at=now,
        created_by=getattr(actor, "email", "") or getattr(actor, "prefix", "") or "",
    )
    _change(campaign, wanted, now=now, actor=actor)
    campaign.save(force_insert=True)
    data = {"name": campaign.name}
    record_audit("campaign.created", target=str(campaign.id), data=data, actor=actor, now=now)
    return campaign


@transaction.atomic
def save_campaign(
    campaign: Campaign, wanted: Wanted, *, now: datetime, actor: Actor = None
) -> Campaign:
    """Changes a draft. All of it or nothing.

    Raises `Invalid` with the field of every mistake, `Problem` "campaign_launched" (409) for one
    that is no draft any more, and what approving a template raises for a text that may not go.
    """
    found = access_for_update(campaign)
    if found.status != Status.DRAFT:
        raise Problem("campaign_launched", "A launched campaign cannot be changed.", status=409)
    _change(found, wanted, now=now, actor=actor)
    found.updated_at = now
    found.save()
    return found


def _change(campaign: Campaign, wanted: Wanted, *, now: datetime, actor: Actor) -> None:
    errors: list[FieldError] = []
    if wanted.name is not None:
        campaign.name = wanted.name.strip()
        if not 0 < len(campaign.name) <= 120 or "\x00" in campaign.name:
            errors.append(FieldError("name", "invalid", "A name has 1 to 120 characters."))
    _change_audience(campaign, wanted, errors)
    _change_timing(campaign, wanted, errors, now=now)
    if errors:
        raise Invalid(errors)
    if wanted.body is not None:
        campaign.template_version = _save_words(campaign, wanted.body, now=now, actor=actor)


def _change_audience(campaign: Campaign, wanted: Wanted, errors: list[FieldError]) -> None:
    if wanted.audience is not None:
        if wanted.audience not in Campaign.Audience.values:
            errors.append(FieldError("audience", "invalid_choice", "Say everybody or segment."))
            return
        campaign.audience = wanted.audience
        if wanted.audience != Campaign.Audience.SEGMENT:
            campaign.segment = None
    if campaign.audience == Campaign.Audience.SEGMENT:
        slug = wanted.segment
        if slug is not None:
            campaign.segment = _segments([slug], "segment", errors).get(slug)
        elif campaign.segment_id is None:
            errors.append(FieldError("segment", "required", "Choose a segment."))
    if wanted.exclude is not None:
        slugs = list(dict.fromkeys(wanted.exclude))
        if len(slugs) > MAX_EXCLUDED:
            detail = f"At most {MAX_EXCLUDED} segments can be left out."
            errors.append(FieldError("exclude", "too_many", detail))
            return
        found = _segments(slugs, "exclude", errors)
        campaign.excluded = [found[slug].id for slug in slugs if slug in found]


def _segments(slugs: Sequence[str], field: str, errors: list[FieldError]) -> dict[str, Segment]:
    clean = [slug for slug in slugs if "\x00" not in slug]
    found = {
        segment.slug: segment
        for segment in Segment.objects.filter(slug__in=clean).exclude(
            state__in=[Segment.State.ARCHIVED, Segment.State.FAILED]
        )
    }
    errors += [
        FieldError(field, "unknown_segment", f"No segment is called {slug[:80]}.")
        for slug in slugs
        if slug not in found
    ]
    return found


def _change_timing(
    campaign: Campaign, wanted: Wanted, errors: list[FieldError], *, now: datetime
) -> None:
    if wanted.timing is not None:
        if wanted.timing not in Campaign.Timing.values:
            errors.append(FieldError("timing", "invalid_choice", "Say now, at or local."))
            return
        campaign.timing = wanted.timing
    if wanted.send_at is not None:
        campaign.send_at = wanted.send_at
        if not LONG_AGO <= wanted.send_at <= now + FAR:
            errors.append(FieldError("send_at", "out_of_range", _TOO_FAR))
    if wanted.local_time is not None:
        try:
            wall = read_wall_time(wanted.local_time)
            campaign.local_time = write_wall_time(wall)
            if wall.replace(tzinfo=UTC) > now + FAR:
                errors.append(FieldError("local_time", "out_of_range", _TOO_FAR))
        except ValueError:
            detail = "Write a day and a time, such as 2026-11-24T10:00."
            errors.append(FieldError("local_time", "invalid", detail))
    if campaign.timing == Campaign.Timing.AT and campaign.send_at is None:
        errors.append(FieldError("send_at", "required", "Say when."))
    if campaign.timing == Campaign.Timing.LOCAL and not campaign.local_time and not errors:
        errors.append(FieldError("local_time", "required", "Say when."))


def _save_words(
    campaign: Campaign, body: str, *, now: datetime, actor: Actor
) -> TemplateVersion | None:
    if not body.strip():
        return None
    held: TemplateVersion | None = campaign.template_version
    if held is not None and held.body == body:
        return held
    return save_and_approve(
        slug_for_campaign(campaign.id),
        body=body,
        name=f"Campaign {campaign.name}"[:120],
        message_type=MessageType.MARKETING,
        now=now,
        actor=actor,
    )
