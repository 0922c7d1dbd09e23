"""What arrives, over the API: the same that the page of arrivals shows."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from api.paging import Keyset
from api.schema import PAGE, FieldProblem, list_of
from api.serializers import Choice, read_query
from events.core.masking import mask_body
from events.core.names import canonical
from events.domain.arrivals import OUTCOMES, Arrival, list_arrivals
from tenancy.api_base import TenantAPIView
from tenancy.ids import show_id
from tenancy.shapes import IdField

by_id = Keyset(UUID)


class ArrivalQuery(serializers.Serializer[Any]):
    outcome = Choice(OUTCOMES, required=False, help_text="Only what became this.")
    name = serializers.CharField(
        required=False, max_length=200, help_text="An event's name, or an alias of it."
    )


class ArrivalShown(serializers.Serializer[Any]):
    """One item as it arrived. `event`: its id when it was accepted. `errors`: why it was rejected.
    `body`: null where it was not kept."""

    outcome = serializers.ChoiceField(OUTCOMES)
    name = serializers.CharField(allow_blank=True)
    original_name = serializers.CharField(allow_blank=True)
    at = serializers.DateTimeField()
    source = serializers.CharField()  # type: ignore[assignment]
    message_id = serializers.CharField(allow_blank=True)
    event = IdField("evt", allow_null=True)
    contact = IdField("con", allow_null=True)
    errors = FieldProblem(many=True)  # type: ignore[assignment]
    body = serializers.JSONField(allow_null=True)


class ArrivalList(TenantAPIView):
    required_scope = "events:read"

    @extend_schema(
        operation_id="listArrivals",
        parameters=[ArrivalQuery, *PAGE],
        responses=list_of("arrivals", ArrivalShown),
    )
    def get(self, request: Request) -> Response:
        """What arrived, newest first: accepted, known already (`duplicate`), or wrong. What was not
        stored is kept for a week, the last 1,000 of it. Bodies are masked for keys without
        `contacts:read`. A name is looked for among the last 5,000."""
        page = by_id.read(request.query_params)
        query = read_query(ArrivalQuery, request)
        found = list_arrivals(
            outcome=query.get("outcome"),
            name=canonical(query["name"]) if "name" in query else None,
            before=page.after[0] if page.after else None,
            limit=page.fetch,
        )
        context: Any = request
        personal = "contacts:read" in context.key.scopes

        def show(one: Arrival) -> dict[str, Any]:
            return show_arrival(one, personal=personal)

        return Response(by_id.answer("arrivals", found, page, key=lambda one: (one.id,), show=show))


def show_arrival(one: Arrival, *, personal: bool) -> dict[str, Any]:
    return {
        "outcome": one.outcome,
        "name": one.name,
        "original_name": one.original_name,
        "at": one.at,
        "source": one.source,
        "message_id": one.message_id,
        "event": show_id("evt", one.id) if one.outcome == "accepted" else None,
        "contact": show_id("con", one.contact_id) if one.contact_id else None,
        "errors": one.errors,
        "body": one.body if personal else mask_body(one.body),
    }
