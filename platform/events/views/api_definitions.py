"""The event catalogue over the API: what came, and what a person decided about it."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from api.paging import Keyset
from api.schema import PAGE, list_of, such_as
from api.serializers import Strict, read_body
from events.core.names import aliases_of, canonical
from events.domain.catalogue import (
    EventTypeFacts,
    find_event_type,
    list_event_types,
    observations_of,
    set_event_flags,
)
from events.domain.usage import list_usages
from tenancy.api_base import TenantAPIView
from tenancy.models import ApiKey

by_name = Keyset(str)


class VolumeShown(serializers.Serializer[Any]):
    """How many came. The hour that runs counts as the first."""

    total = serializers.IntegerField()
    last_24h = serializers.IntegerField()
    last_7d = serializers.IntegerField()
    last_30d = serializers.IntegerField()


class DefinitionShown(serializers.Serializer[Any]):
    """One event name. `is_own`: only Kairos records it. `is_standard`: Kairos knows what its
    properties should be; then `valid_share` says how many of the bodies read were right (0 to 1).
    `is_expected`: customers expect the shop to know of it; null while nobody has said."""

    name = serializers.CharField()
    aliases = serializers.ListField(child=serializers.CharField())
    is_own = serializers.BooleanField()
    is_standard = serializers.BooleanField()
    volume = VolumeShown()
    first_seen_at = serializers.DateTimeField()
    last_seen_at = serializers.DateTimeField()
    valid_share = serializers.FloatField(allow_null=True)
    is_expected = serializers.BooleanField(allow_null=True)
    is_sensitive = serializers.BooleanField()


class PropertyShown(serializers.Serializer[Any]):
    """A property of the bodies read. `types`: how often it was which JSON type. `wrong`: how often
    it was not what it should be (`expected`, in words), or was missing though needed."""

    name = serializers.CharField()
    types = serializers.DictField(child=serializers.IntegerField())
    seen = serializers.IntegerField()
    expected = serializers.CharField(allow_blank=True)
    wrong = serializers.IntegerField()


class UseShown(serializers.Serializer[Any]):
    """`role`: the event starts, ends or moves on (waits) a flow, or a segment asks about it."""

    kind = serializers.CharField()
    name = serializers.CharField()
    role = serializers.CharField()
    live = serializers.BooleanField()


class DefinitionDetailed(DefinitionShown):
    """`spellings`: how the event was called when it came. `looked_at`: how many bodies were read."""

    looked_at = serializers.IntegerField()
    spellings = serializers.DictField(child=serializers.IntegerField())
    properties = PropertyShown(many=True)
    used_in = UseShown(many=True)


class DefinitionChange(Strict):
    is_expected = serializers.BooleanField(
        required=False,
        allow_null=True,
        default=None,
        help_text="Null: as is usual for this event.",
    )
    is_sensitive = serializers.BooleanField(
        required=False, help_text="Nothing of it may stand in a text."
    )


class DefinitionList(TenantAPIView):
    required_scope = "events:read"

    @extend_schema(
        operation_id="listEventDefinitions",
        parameters=PAGE,
        responses=list_of("event_definitions", DefinitionShown),
    )
    def get(self, request: Request) -> Response:
        """Every event name that came, by name."""
        page = by_name.read(request.query_params)
        rows = sorted(list_event_types(now=request.now), key=lambda row: row.name)  # type: ignore[attr-defined]
        after = page.after[0] if page.after else ""
        shown = [row for row in rows if row.name > after][: page.fetch]
        return Response(
            by_name.answer(
                "event_definitions", shown, page, key=lambda row: (row.name,), show=show_definition
            )
        )


class DefinitionDetail(TenantAPIView):
    required_scopes = {"GET": "events:read", "PATCH": "events:manage"}

    @extend_schema(operation_id="readEventDefinition", responses=DefinitionDetailed)
    def get(self, request: Request, name: str) -> Response:
        """One event, by its name or any alias: properties with their types, spellings, uses."""
        found = find_event_type(canonical(name), now=request.now)  # type: ignore[attr-defined]
        return Response(show_detail(found))

    @extend_schema(
        operation_id="changeEventDefinition",
        request=DefinitionChange,
        responses=DefinitionDetailed,
        examples=such_as({"is_sensitive": False}),
    )
    def patch(self, request: Request, name: str) -> Response:
        """Sets what is given."""
        given = read_body(DefinitionChange, request)
        context: Any = request
        found = set_event_flags(
            canonical(name),
            changes={key: value for key, value in given.items() if key in request.data},
            actor=ApiKey.objects.get(id=context.key.id),
            now=context.now,
        )
        return Response(show_detail(found))


def show_definition(row: EventTypeFacts) -> dict[str, Any]:
    return {
        "name": row.name,
        "aliases": aliases_of(row.name),
        "is_own": row.is_own,
        "is_standard": row.is_standard,
        "volume": {
            "total": row.volume,
            "last_24h": row.last_24h,
            "last_7d": row.last_7d,
            "last_30d": row.last_30d,
        },
        "first_seen_at": row.first_seen_at,
        "last_seen_at": row.last_seen_at,
        "valid_share": None if row.valid_share is None else round(row.valid_share, 4),
        "is_expected": row.is_expected,
        "is_sensitive": row.is_sensitive,
    }


def show_detail(row: EventTypeFacts) -> dict[str, Any]:
    seen = observations_of(row.name)
    return {
        **show_definition(row),
        "looked_at": row.looked_at,
        "spellings": dict(seen.spellings),
        "properties": [
            {
                "name": one.name,
                "types": dict(one.types),
                "seen": one.seen,
                "expected": one.expected,
                "wrong": one.wrong,
            }
            for one in seen.properties
        ],
        "used_in": [
            {"kind": use.kind, "name": use.label, "role": use.role, "live": use.live}
            for use in list_usages().get(row.name, [])
        ],
    }
