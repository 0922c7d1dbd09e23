"""GET and POST /api/v1/events in one place; the POST keeps its own, faster way."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from api.paging import Keyset
from api.parameters import refuse_unknown
from api.problems import FieldError, Invalid
from api.schema import PAGE, FieldProblem, list_of, such_as
from api.serializers import read_query
from events.domain.queries import EventRow, list_events
from events.views.api_events import receive_events
from tenancy.api_base import TenantAPIView
from tenancy.ids import show_id
from tenancy.shapes import IdField

by_id = Keyset(UUID)


class EventQuery(serializers.Serializer[Any]):
    contact = IdField("con", required=False, help_text="Only what this contact did.")
    name = serializers.CharField(
        required=False, max_length=200, help_text="Only together with `contact`."
    )


class EventShown(serializers.Serializer[Any]):
    """Something that happened. `subject` is set for events about a product."""

    id = IdField("evt")
    event = serializers.CharField()
    contact = IdField("con", allow_null=True)
    subject = serializers.CharField(allow_null=True)
    properties = serializers.DictField()
    occurred_at = serializers.DateTimeField()
    received_at = serializers.DateTimeField()
    message_id = serializers.CharField()
    source = serializers.CharField()  # type: ignore[assignment]
    backfill = serializers.BooleanField()


class EventContact(serializers.Serializer[Any]):
    external_id = serializers.CharField(required=False, allow_null=True, max_length=256)
    phone = serializers.CharField(required=False, allow_null=True, max_length=40)
    email = serializers.CharField(required=False, allow_null=True, max_length=254)
    anonymous_id = serializers.CharField(required=False, allow_null=True, max_length=256)
    attributes = serializers.DictField(required=False, allow_null=True)


class EventWrite(serializers.Serializer[Any]):
    event = serializers.CharField(max_length=200)
    contact = EventContact(required=False, allow_null=True)
    properties = serializers.DictField(required=False, allow_null=True)
    occurred_at = serializers.CharField(
        required=False, allow_null=True, help_text="ISO 8601; left out: now."
    )
    message_id = serializers.CharField(
        required=False,
        allow_null=True,
        max_length=256,
        help_text="Makes sending again harmless, for ever.",
    )
    context = serializers.DictField(required=False, allow_null=True)  # type: ignore[assignment]


class EventsWrite(serializers.Serializer[Any]):
    events = serializers.ListField(child=EventWrite(), min_length=1)
    backfill = serializers.BooleanField(required=False, help_text="History: starts no flow.")
    sent_at = serializers.CharField(
        required=False, allow_null=True, help_text="Your clock when you sent."
    )


class EventResult(serializers.Serializer[Any]):
    index = serializers.IntegerField()
    status = serializers.ChoiceField(["accepted", "duplicate", "rejected"])
    id = IdField("evt", required=False)
    errors = FieldProblem(many=True, required=False)  # type: ignore[assignment]


class EventsTaken(serializers.Serializer[Any]):
    """One result per event, in order; a rejected one changes nothing."""

    accepted = serializers.IntegerField()
    duplicates = serializers.IntegerField()
    rejected = serializers.IntegerField()
    results = EventResult(many=True)


class EventsView(TenantAPIView):
    required_scopes = {"GET": "contacts:read", "POST": "events:write"}
    takes_key = False
    refusals = {
        "POST": {
            "400": "`malformed_body`: no valid gzip.",
            "415": "`unsupported_encoding`: neither plain nor gzip.",
        }
    }

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if request.method == "POST":
            refuse_unknown(request, self, "POST")
            return receive_events(request)
        return super().dispatch(request, *args, **kwargs)

    @extend_schema(
        operation_id="listEvents",
        parameters=[EventQuery, *PAGE],
        responses=list_of("events", EventShown),
    )
    def get(self, request: Request) -> Response:
        """What happened, newest first, of everybody or of one contact. Events say what shops sent,
        numbers and addresses among it, so this needs the scope of contacts."""
        page = by_id.read(request.query_params)
        query = read_query(EventQuery, request)
        if "name" in query and "contact" not in query:
            raise Invalid([FieldError("name", "needs_contact", "Name a contact as well.")])
        rows = list_events(
            contact_id=query.get("contact"),
            name=query.get("name"),
            before=page.after[0] if page.after else None,
            limit=page.fetch,
        )
        return Response(by_id.answer("events", rows, page, key=lambda e: (e.id,), show=show_event))

    @extend_schema(
        operation_id="sendEvents",
        request=EventsWrite,
        responses={202: EventsTaken},
        examples=such_as(
            {
                "events": [
                    {
                        "event": "Loyalty Balance Changed",
                        "contact": {"external_id": "u-1001"},
                        "properties": {"balance": 12.5, "currency": "USD"},
                        "message_id": "balance-u-1001-17",
                    }
                ]
            }
        ),
    )
    def post(self, request: Request) -> Response:
        """Takes events in; always one result per event. `message_id` makes sending again harmless,
        so there is no need for an `Idempotency-Key` here, and no limit of requests."""
        raise AssertionError("dispatch answers it")


def show_event(event: EventRow) -> dict[str, Any]:
    return {
        "id": show_id("evt", event.id),
        "event": event.name,
        "contact": show_id("con", event.contact_id) if event.contact_id else None,
        "subject": event.subject_id,
        "properties": event.properties,
        "occurred_at": event.occurred_at,
        "received_at": event.received_at,
        "message_id": event.message_id,
        "source": event.source,
        "backfill": event.backfill,
    }
