"""Watched dates over the API: listed, watched, and no longer."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from api.paging import Keyset
from api.schema import PAGE, list_of, such_as
from api.serializers import Strict, read_body
from tenancy.api_base import TenantAPIView
from tenancy.ids import show_id
from tenancy.shapes import IdField
from triggers.api import key_of
from triggers.core.dates import MOST_DAYS
from triggers.domain.watching import (
    WatchFacts,
    list_watches,
    read_watch_id,
    unwatch_date,
    watch_date,
)
from triggers.models import WatchedDate

by_id = Keyset(UUID)


class DateWish(Strict):
    field = serializers.CharField(
        max_length=128,
        help_text="An attribute that is declared as a date, or a worked-out date such as"
        " buying.reorder_at, appointment.due_at.",
    )
    days = serializers.IntegerField(
        default=0,
        min_value=-MOST_DAYS,
        max_value=MOST_DAYS,
        help_text="Days after the date; negative before it.",
    )
    at = serializers.RegexField(
        r"^([01][0-9]|2[0-3]):[0-5][0-9]$",
        default="09:00",
        help_text="The time of day where the contact is.",
    )
    yearly = serializers.BooleanField(
        default=False, help_text="Each year again, as birthdays always are."
    )


class DateShown(serializers.Serializer[Any]):
    """`waiting`: for how many it is still to come, `next_at` for the first of them."""

    id = IdField("dat")
    field = serializers.CharField()
    days = serializers.IntegerField()
    at = serializers.CharField()
    yearly = serializers.BooleanField()
    state = serializers.ChoiceField(WatchedDate.State.choices)
    waiting = serializers.IntegerField()
    next_at = serializers.DateTimeField(allow_null=True)
    created_at = serializers.DateTimeField()


class DateList(TenantAPIView):
    required_scopes = {"GET": "flows:read", "POST": "flows:write"}
    refusals = {
        "POST": {
            "409": "`already_watched`: with the same days and time. `too_many_dates`: 20 at most."
        }
    }

    @extend_schema(
        operation_id="listWatchedDates", parameters=PAGE, responses=list_of("dates", DateShown)
    )
    def get(self, request: Request) -> Response:
        """The newest first."""
        page = by_id.read(request.query_params)
        rows = list(by_id.cut(WatchedDate.objects.all(), page, "id"))
        shown = {facts.watch.id: facts for facts in list_watches(rows)}
        return Response(
            by_id.answer(
                "dates",
                rows,
                page,
                key=lambda one: (one.id,),
                show=lambda one: _shown(shown[one.id]),
            )
        )

    @extend_schema(
        operation_id="watchDate",
        request=DateWish,
        responses={201: DateShown},
        examples=such_as({"field": "birthday", "days": -3, "at": "10:00"}),
    )
    def post(self, request: Request) -> Response:
        """From now on *Date Reached* is an event of each contact whose date comes. Filled in the
        background; what is past is not told."""
        given = read_body(DateWish, request)
        watch = watch_date(
            given["field"],
            days=given["days"],
            at=given["at"],
            is_yearly=given["yearly"],
            now=request.now,  # type: ignore[attr-defined]
            actor=key_of(request),
        )
        return Response(_shown(list_watches([watch])[0]), status=201)


class DateDetail(TenantAPIView):
    required_scope = "flows:write"

    @extend_schema(operation_id="unwatchDate", responses={204: None})
    def delete(self, request: Request, date: str) -> Response:
        """No event from now on; what was told stays."""
        unwatch_date(
            read_watch_id(date),
            now=request.now,  # type: ignore[attr-defined]
            actor=key_of(request),
        )
        return Response(status=204)


def _shown(facts: WatchFacts) -> dict[str, Any]:
    watch = facts.watch
    return {
        "id": show_id("dat", watch.id),
        "field": watch.field,
        "days": watch.days,
        "at": watch.at,
        "yearly": watch.is_yearly,
        "state": watch.state,
        "waiting": facts.waiting,
        "next_at": facts.next_at,
        "created_at": watch.created_at,
    }
