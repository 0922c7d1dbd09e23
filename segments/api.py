"""Segments over the API: list, create, read, members."""

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
from segments.domain.queries import live_segments, member_ids
from segments.domain.segments import access_segment, create_segment
from segments.models import Segment
from tenancy.api_base import TenantAPIView
from tenancy.ids import show_id
from tenancy.shapes import IdField

by_slug = Keyset(str)
by_contact = Keyset(UUID)


class SegmentWrite(Strict):
    name = serializers.CharField(max_length=120)
    slug = serializers.SlugField(max_length=80, required=False)
    definition = serializers.JSONField()


class SegmentShown(serializers.Serializer[Any]):
    """`size`: members when last counted; `built_at` is null while it is filled the first time."""

    id = IdField("seg")
    slug = serializers.CharField()
    name = serializers.CharField()
    state = serializers.ChoiceField(Segment.State.choices)
    size = serializers.IntegerField()
    built_at = serializers.DateTimeField(allow_null=True)


class SegmentDetailShown(SegmentShown):
    definition = serializers.JSONField()


class MembersShown(serializers.Serializer[Any]):
    """A page of current members, by id."""

    contacts = serializers.ListField(child=IdField("con"))
    next_cursor = serializers.CharField(allow_null=True)


class SegmentList(TenantAPIView):
    required_scopes = {"GET": "segments:read", "POST": "segments:write"}

    @extend_schema(
        operation_id="listSegments",
        parameters=PAGE,
        responses=list_of("segments", SegmentShown),
    )
    def get(self, request: Request) -> Response:
        """By slug; archived ones are left out."""
        page = by_slug.read(request.query_params)
        rows = list(by_slug.cut(live_segments(), page, "slug", newest_first=False))
        return Response(
            by_slug.answer("segments", rows, page, key=lambda each: (each.slug,), show=_shown)
        )

    @extend_schema(
        operation_id="createSegment",
        request=SegmentWrite,
        responses={201: SegmentShown},
        examples=such_as(
            {
                "name": "Looked twice",
                "definition": {
                    "all": [
                        {
                            "event": "Product Viewed",
                            "count": {"op": "gte", "value": 2},
                            "within": "P14D",
                        },
                        {"not": {"event": "Order Completed", "within": "P30D"}},
                    ]
                },
            }
        ),
    )
    def post(self, request: Request) -> Response:
        """Filled in the background, then kept current by events and by time passing."""
        given = read_body(SegmentWrite, request)
        segment = create_segment(
            given["name"],
            definition=given["definition"],
            slug=given.get("slug", ""),
            now=request.now,  # type: ignore[attr-defined]
        )
        return Response(_shown(segment), status=201)


class SegmentDetail(TenantAPIView):
    required_scope = "segments:read"

    @extend_schema(operation_id="readSegment", responses=SegmentDetailShown)
    def get(self, request: Request, slug: str) -> Response:
        """One segment with its conditions."""
        segment = access_segment(slug)
        return Response({**_shown(segment), "definition": segment.definition})


class SegmentMembers(TenantAPIView):
    required_scope = "segments:read"

    @extend_schema(operation_id="listSegmentMembers", parameters=PAGE, responses=MembersShown)
    def get(self, request: Request, slug: str) -> Response:
        """Ids of the contacts in it now."""
        segment = access_segment(slug)
        page = by_contact.read(request.query_params)
        after = page.after[0] if page.after else None
        found = member_ids(segment.id, after=after, limit=page.fetch)
        return Response(
            by_contact.answer(
                "contacts",
                found,
                page,
                key=lambda contact: (contact,),
                show=lambda contact: show_id("con", contact),
            )
        )


def _shown(segment: Segment) -> dict[str, Any]:
    return {
        "id": show_id("seg", segment.id),
        "slug": segment.slug,
        "name": segment.name,
        "state": segment.state,
        "size": segment.size,
        "built_at": segment.built_at,
    }
