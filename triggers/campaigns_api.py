"""Campaigns over the API: write, measure, launch, pause, resume, stop."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from api.paging import Keyset
from api.schema import PAGE, list_of, such_as
from api.serializers import Choice, Strict, read_body
from segments.models import Segment
from tenancy.api_base import TenantAPIView, path_id
from tenancy.ids import show_id
from tenancy.shapes import IdField
from triggers.domain.campaign_drafts import Wanted, create_campaign, save_campaign
from triggers.domain.campaign_numbers import progress_of
from triggers.domain.campaigns import (
    access_campaign,
    launch_campaign,
    pause_campaign,
    resume_campaign,
    stop_campaign,
)
from triggers.domain.funnels import Funnel, measure_funnel
from triggers.models import Campaign

newest = Keyset(datetime, UUID)
_NOT_SENDING = "`not_sending`: it is not on its way."


class CampaignChange(Strict):
    """What a draft may say. `audience` is `everybody` (subscribed) or `segment`."""

    name = serializers.CharField(max_length=120, required=False)
    audience = Choice(["everybody", "segment"], required=False)
    segment = serializers.SlugField(
        max_length=80, required=False, help_text="A segment's slug, with the audience `segment`."
    )
    exclude = serializers.ListField(
        child=serializers.SlugField(max_length=80),
        max_length=20,
        required=False,
        help_text="Slugs of segments whose members get nothing.",
    )
    body = serializers.CharField(
        max_length=1600, required=False, trim_whitespace=False, help_text="The text, with fields."
    )
    timing = Choice(Campaign.Timing.choices, required=False)
    send_at = serializers.DateTimeField(
        required=False, help_text="With the timing `at`: an instant, with its offset."
    )
    local_time = serializers.RegexField(
        r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}$",
        required=False,
        help_text="With the timing `local`: the wall clock at each contact.",
    )


class CampaignWrite(CampaignChange):
    name = serializers.CharField(max_length=120)


class CampaignShown(serializers.Serializer[Any]):
    """`selected` is the audience at the launch, 0 before."""

    id = IdField("cmp")
    name = serializers.CharField()
    status = serializers.ChoiceField(Campaign.Status.choices)
    audience = serializers.ChoiceField(["", "everybody", "segment"])
    segment = serializers.CharField(allow_null=True)
    exclude = serializers.ListField(child=serializers.CharField())
    body = serializers.CharField(allow_null=True)
    timing = serializers.ChoiceField(Campaign.Timing.choices)
    send_at = serializers.DateTimeField(allow_null=True)
    local_time = serializers.CharField(allow_null=True)
    selected = serializers.IntegerField()
    launched_at = serializers.DateTimeField(allow_null=True)
    started_at = serializers.DateTimeField(allow_null=True)
    finished_at = serializers.DateTimeField(allow_null=True)
    created_at = serializers.DateTimeField()


class NumbersShown(serializers.Serializer[Any]):
    """Texts by what became of them. `sent` counts delivered ones too."""

    sent = serializers.IntegerField()
    delivered = serializers.IntegerField()
    failed = serializers.IntegerField()
    queued = serializers.IntegerField()
    clicked = serializers.IntegerField()
    opted_out = serializers.IntegerField()
    held_back = serializers.DictField(child=serializers.IntegerField(), help_text="By reason.")
    waiting = serializers.DictField(child=serializers.IntegerField(), help_text="By reason.")
    planned = serializers.IntegerField(
        help_text="Contacts whose time has not come yet, or had not when it was stopped."
    )


class CampaignDetailShown(CampaignShown):
    numbers = NumbersShown()


class FunnelShown(serializers.Serializer[Any]):
    """Contacts left after each question. `sampled`: numbers were scaled up from a spread sample.
    `price_micros`: millionths of a unit of `currency` a part."""

    selected = serializers.IntegerField()
    subscribed = serializers.IntegerField()
    not_capped = serializers.IntegerField()
    in_window = serializers.IntegerField()
    will_send = serializers.IntegerField()
    waits_for_window = serializers.IntegerField()
    held_back = serializers.DictField(child=serializers.IntegerField(), help_text="By reason.")
    parts = serializers.IntegerField()
    cost_minor = serializers.IntegerField()
    price_micros = serializers.IntegerField()
    currency = serializers.CharField()
    sampled = serializers.BooleanField()
    asked = serializers.IntegerField(help_text="How many contacts the gate was asked about.")


class CampaignView(TenantAPIView):
    required_scopes = {
        "GET": "campaigns:read",
        "POST": "campaigns:write",
        "PATCH": "campaigns:write",
    }


class CampaignList(CampaignView):
    @extend_schema(
        operation_id="listCampaigns",
        parameters=PAGE,
        responses=list_of("campaigns", CampaignShown),
    )
    def get(self, request: Request) -> Response:
        """Newest first."""
        page = newest.read(request.query_params)
        rows = Campaign.objects.select_related("segment", "template_version")
        found = list(newest.cut(rows, page, "created_at", "id"))
        slugs = _slugs(found)
        return Response(
            newest.answer(
                "campaigns",
                found,
                page,
                key=lambda each: (each.created_at, each.id),
                show=lambda each: _shown(each, slugs),
            )
        )

    @extend_schema(
        operation_id="createCampaign",
        request=CampaignWrite,
        responses={201: CampaignShown},
        examples=such_as(
            {
                "name": "Autumn sale",
                "audience": "everybody",
                "body": "[FirstName or 'Hello'], everything is 20% off until Sunday.",
            }
        ),
    )
    def post(self, request: Request) -> Response:
        """A draft: nothing is sent before it is launched."""
        given = read_body(CampaignWrite, request)
        campaign = create_campaign(Wanted(**given), now=_now(request))
        return Response(_one(campaign), status=201)


class CampaignDetail(CampaignView):
    refusals = {"PATCH": {"409": "`campaign_launched`: a launched campaign stays as it is."}}

    @extend_schema(operation_id="readCampaign", responses=CampaignDetailShown)
    def get(self, request: Request, campaign: str) -> Response:
        """With what became of its texts so far."""
        found = _access(campaign)
        progress = progress_of(found, now=_now(request))
        numbers = {**asdict(progress.numbers), "planned": progress.planned}
        return Response({**_one(found), "numbers": numbers})

    @extend_schema(
        operation_id="changeCampaign",
        request=CampaignChange,
        responses=CampaignShown,
        examples=such_as({"name": "Autumn sale, last day"}),
    )
    def patch(self, request: Request, campaign: str) -> Response:
        """Changes what is named of a draft."""
        found = _access(campaign)
        given = read_body(CampaignChange, request)
        return Response(_one(save_campaign(found, Wanted(**given), now=_now(request))))


class CampaignFunnel(CampaignView):
    @extend_schema(operation_id="readCampaignFunnel", responses=FunnelShown)
    def get(self, request: Request, campaign: str) -> Response:
        """Whom it would reach if it were launched now, and at what cost. An estimate."""
        return Response(_funnel(measure_funnel(_access(campaign), now=_now(request))))


class CampaignLaunch(CampaignView):
    refusals = {
        "POST": {
            "409": "`campaign_stopped`: a stopped campaign cannot be sent again.",
            "422": "`not_ready`: each thing that is missing.",
        }
    }

    @extend_schema(operation_id="launchCampaign", request=None, responses=CampaignShown)
    def post(self, request: Request, campaign: str) -> Response:
        """Sends it, now or when its time comes. Launching it again changes nothing."""
        return Response(_one(launch_campaign(_access(campaign), now=_now(request))))


class CampaignPause(CampaignView):
    refusals = {"POST": {"409": _NOT_SENDING}}

    @extend_schema(operation_id="pauseCampaign", request=None, responses=CampaignShown)
    def post(self, request: Request, campaign: str) -> Response:
        """Nothing of it leaves until it is resumed."""
        return Response(_one(pause_campaign(_access(campaign), now=_now(request))))


class CampaignResume(CampaignView):
    refusals = {"POST": {"409": "`not_paused`: only a paused campaign can be resumed."}}

    @extend_schema(operation_id="resumeCampaign", request=None, responses=CampaignShown)
    def post(self, request: Request, campaign: str) -> Response:
        """Goes on where it was; every text is checked anew."""
        return Response(_one(resume_campaign(_access(campaign), now=_now(request))))


class CampaignStop(CampaignView):
    refusals = {"POST": {"409": _NOT_SENDING}}

    @extend_schema(operation_id="stopCampaign", request=None, responses=CampaignShown)
    def post(self, request: Request, campaign: str) -> Response:
        """For good: what has not left is canceled."""
        return Response(_one(stop_campaign(_access(campaign), now=_now(request))))


def _access(campaign: str) -> Campaign:
    return access_campaign(path_id("cmp", campaign, "This campaign"))


def _now(request: Request) -> datetime:
    return request.now  # type: ignore[attr-defined,no-any-return]


def _one(campaign: Campaign) -> dict[str, Any]:
    return _shown(campaign, _slugs([campaign]))


def _slugs(campaigns: list[Campaign]) -> dict[UUID, str]:
    ids = {one for campaign in campaigns for one in campaign.excluded}
    return dict(Segment.objects.filter(id__in=ids).values_list("id", "slug")) if ids else {}


def _shown(campaign: Campaign, slugs: dict[UUID, str]) -> dict[str, Any]:
    version = campaign.template_version
    return {
        "id": show_id("cmp", campaign.id),
        "name": campaign.name,
        "status": campaign.status,
        "audience": campaign.audience,
        "segment": campaign.segment.slug if campaign.segment else None,
        "exclude": [slugs[one] for one in campaign.excluded if one in slugs],
        "body": version.body if version else None,
        "timing": campaign.timing,
        "send_at": campaign.send_at,
        "local_time": campaign.local_time or None,
        "selected": campaign.selected_count,
        "launched_at": campaign.launched_at,
        "started_at": campaign.started_at,
        "finished_at": campaign.finished_at,
        "created_at": campaign.created_at,
    }


def _funnel(found: Funnel) -> dict[str, Any]:
    return {
        "selected": found.selected,
        "subscribed": found.subscribed,
        "not_capped": found.not_capped,
        "in_window": found.in_window,
        "will_send": found.will_send,
        "waits_for_window": found.waits,
        "held_back": dict(found.held_back),
        "parts": found.parts,
        "cost_minor": found.cost_minor,
        "price_micros": found.price.micros,
        "currency": found.price.currency,
        "sampled": found.is_sample,
        "asked": found.asked,
    }
