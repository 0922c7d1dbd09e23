"""Who waits at a delay that was changed since, over the API: counted, and moved."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from api.schema import such_as
from api.serializers import Strict, read_body
from triggers.api import FlowView, access_flow, key_of
from triggers.domain.waits import move_waiting_at


class MoveWish(Strict):
    """Nothing said means everybody who keeps an earlier time, at every step."""

    steps = serializers.ListField(
        child=serializers.CharField(max_length=100),
        allow_empty=False,
        max_length=100,
        required=False,
        help_text="Keys of steps that wait; left out, all of them.",
    )
    dry_run = serializers.BooleanField(
        default=False, help_text="Only count: nobody is moved, nothing is written."
    )


class StepMoved(serializers.Serializer[Any]):
    """One step at which somebody kept an earlier time."""

    step = serializers.CharField()
    delay = serializers.CharField(help_text="The length that is live, an ISO 8601 duration.")
    contacts = serializers.IntegerField(help_text="How many are moved.")
    at_once = serializers.IntegerField(help_text="Those whose new time is past: they go on now.")
    too_late = serializers.IntegerField(
        help_text="Those among them for whom the text behind the step is skipped."
    )


class WaitingMoved(serializers.Serializer[Any]):
    """`moved`: contacts in all; with `dry_run` those who would be."""

    dry_run = serializers.BooleanField()
    version = serializers.IntegerField(help_text="The live version's number.")
    moved = serializers.IntegerField()
    steps = StepMoved(many=True)


class FlowWaiting(FlowView):
    refusals = {"POST": {"409": "`not_live`: only who is in a live flow can be moved."}}

    @extend_schema(
        operation_id="moveWaiting",
        request=MoveWish,
        responses=WaitingMoved,
        examples=such_as({"dry_run": True}),
    )
    def post(self, request: Request, slug: str) -> Response:
        """Moves whoever waits by an earlier length to the delays of the live version, counted from
        when their wait began. Asked again it moves nobody. Nothing is sent by moving: whoever goes
        on at once is decided by every check."""
        flow = access_flow(slug)
        given = read_body(MoveWish, request)
        version, steps = move_waiting_at(
            flow,
            steps=given.get("steps"),
            dry_run=given["dry_run"],
            now=request.now,  # type: ignore[attr-defined]
            actor=key_of(request),
        )
        return Response(
            {
                "dry_run": given["dry_run"],
                "version": version.number,
                "moved": sum(one.people for one in steps),
                "steps": [
                    {
                        "step": one.key,
                        "delay": one.to,
                        "contacts": one.people,
                        "at_once": one.at_once,
                        "too_late": one.too_late,
                    }
                    for one in steps
                ],
            }
        )
