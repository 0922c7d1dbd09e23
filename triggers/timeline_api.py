"""A contact's timeline over the API: what the contact's page tells, line by line."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from api.paging import Keyset
from api.schema import PAGE, list_of
from api.serializers import Choice, read_query
from people.domain.merged import present_contact
from people.domain.queries import workspace_defaults
from tenancy.api_base import TenantAPIView, path_id
from triggers.domain.timeline import KINDS, Item, timeline_of

by_instant = Keyset(datetime)


class TimelineQuery(serializers.Serializer[Any]):
    show = Choice(KINDS, default="all", help_text="Only lines of this kind.")


class CheckTold(serializers.Serializer[Any]):
    """`ok` is null where an earlier check had already failed."""

    name = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]
    ok = serializers.BooleanField(allow_null=True)
    text = serializers.CharField(allow_blank=True)


class ItemShown(serializers.Serializer[Any]):
    """One line in words. `quote`: a text as it was sent, or `from_contact` as it came in."""

    at = serializers.DateTimeField()
    kind = serializers.CharField()
    title = serializers.CharField()
    detail = serializers.CharField(allow_blank=True)
    quote = serializers.CharField(allow_blank=True)
    from_contact = serializers.BooleanField()
    lines = serializers.ListField(child=serializers.CharField())
    checks = CheckTold(many=True)


class ContactTimeline(TenantAPIView):
    required_scope = "contacts:read"
    leads_on = True

    @extend_schema(
        operation_id="readTimeline",
        parameters=[TimelineQuery, *PAGE],
        responses=list_of("timeline", ItemShown),
    )
    def get(self, request: Request, ref: str) -> Response:
        """Events, texts with their checks, replies, entries and endings, newest first.

        A page may hold a line less than `limit`, so that one instant is never torn apart.
        """
        contact_id = path_id("con", ref, "This contact")
        contact = present_contact(contact_id)
        page = by_instant.read(request.query_params)
        found = timeline_of(
            contact_id,
            zone=contact.timezone or workspace_defaults().timezone,
            now=request.now,  # type: ignore[attr-defined]
            kind=read_query(TimelineQuery, request)["show"],
            before=page.after[0] if page.after else None,
            limit=page.limit,
        )
        return Response(
            {
                "timeline": [_shown(item) for item in found.items],
                "next_cursor": by_instant.write([found.before]) if found.before else None,
            }
        )


def _shown(item: Item) -> dict[str, Any]:
    return {
        "at": item.at,
        "kind": item.kind,
        "title": item.title,
        "detail": item.sub,
        "quote": item.quote,
        "from_contact": item.mine,
        "lines": list(item.lines),
        "checks": [
            {
                "name": line.name,
                "label": line.label,
                "ok": {"ok": True, "no": False}.get(line.tone),
                "text": line.text,
            }
            for line in item.checks
        ],
    }
