"""What delivery asks about a campaign's text before it goes: is the campaign on, is it still for
this contact?"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from django.db import connection

from delivery.core.facts import SourceView
from delivery.core.intents import SendIntent
from delivery.core.reasons import Reason
from tenancy.scope import current_tenant_id
from triggers.domain.audiences import Audience, members_among
from triggers.models import Campaign

# A text of a paused campaign is looked at again this often; resuming looks at once.
LOOK_AGAIN = timedelta(minutes=5)
_STOPPED = SourceView(live=False, reason=Reason.CAMPAIGN_STOPPED)


def load_campaign_sources(
    intents: Sequence[SendIntent], *, now: datetime
) -> Mapping[str, SourceView]:
    """A view per dedupe key. One query, and one for each campaign with segments.

    Holds the campaigns FOR SHARE until the transaction ends: a pause or stop waits for claims
    that are being written, and whatever is claimed after it sees it.
    """
    by_campaign: dict[UUID, list[SendIntent]] = defaultdict(list)
    for intent in intents:
        by_campaign[intent.flow_id or UUID(int=0)].append(intent)
    campaigns = _hold(list(by_campaign))
    views: dict[str, SourceView] = {}
    for campaign_id, members in by_campaign.items():
        views.update(_views(campaigns.get(campaign_id), members, now))
    return views


def _hold(ids: Sequence[UUID]) -> dict[UUID, tuple[str, Audience]]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id, status, segment_id, excluded FROM triggers_campaign"
            " WHERE tenant_id = %s AND id = ANY(%s) ORDER BY id FOR SHARE",
            [current_tenant_id(), list(ids)],
        )
        return {row[0]: (row[1], Audience(row[2], tuple(row[3]))) for row in cursor.fetchall()}


def _views(
    campaign: tuple[str, Audience] | None, intents: Sequence[SendIntent], now: datetime
) -> Mapping[str, SourceView]:
    if campaign is None or campaign[0] == Campaign.Status.STOPPED:
        return {intent.dedupe_key: _STOPPED for intent in intents}
    status, audience = campaign
    if status == Campaign.Status.PAUSED:
        waits = SourceView(live=False, reason=Reason.CAMPAIGN_PAUSED, until=now + LOOK_AGAIN)
        return {intent.dedupe_key: waits for intent in intents}
    asked = [one for one in (audience.segment_id, *audience.excluded) if one is not None]
    ids = [intent.contact_id for intent in intents if intent.contact_id is not None]
    stays = members_among(asked, ids) if asked else {}
    return {
        intent.dedupe_key: _view(audience, stays.get(intent.contact_id, set()))
        if intent.contact_id is not None
        else SourceView()
        for intent in intents
    }


def _view(audience: Audience, segments: set[UUID]) -> SourceView:
    why = ""
    if audience.segment_id is not None and audience.segment_id not in segments:
        why = "left_segment"
    elif segments & set(audience.excluded):
        why = "excluded"
    if not why:
        return SourceView()
    return SourceView(conditions_ok=False, reason=Reason.CONDITIONS_NOT_MET, detail={"why": why})
