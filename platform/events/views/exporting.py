"""Events as CSV: from the catalogue's pages, and over the API."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from django.http import StreamingHttpResponse
from django.shortcuts import redirect
from django.utils.text import slugify
from django.views.decorators.http import require_POST
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request

from api.problems import FieldError, Invalid
from api.serializers import read_query
from events.core.keeping import clean
from events.core.names import canonical
from events.domain.exporting import EventExport, write_events
from tenancy.api_base import TenantAPIView
from tenancy.audit import record_audit
from tenancy.models import ApiKey
from tenancy.web import workspace_view

PERIODS = [(1, "24 hours"), (7, "7 days"), (30, "30 days"), (90, "90 days"), (365, "a year")]
USUAL = timedelta(days=30)
AUDITED = "events.exported"
# Events are younger: see `invalid_time`.
_FIRST = datetime(1990, 1, 1, tzinfo=UTC)


class ExportQuery(serializers.Serializer[Any]):
    name = serializers.CharField(
        required=False, max_length=200, help_text="An event's name, or an alias of it."
    )
    since = serializers.DateTimeField(
        required=False, help_text="Received from then on; left out: the 30 days before `until`."
    )
    until = serializers.DateTimeField(required=False, help_text="Received before; left out: now.")


class EventExportView(TenantAPIView):
    required_scope = "contacts:read"

    @extend_schema(
        operation_id="exportEvents",
        parameters=[ExportQuery],
        responses={(200, "text/csv"): OpenApiTypes.STR},
    )
    def get(self, request: Request) -> StreamingHttpResponse:
        """Events as CSV, newest first: event_id, event, contact_id, subject, occurred_at, received_at,
        source, message_id, history, properties (JSON). A cell that a spreadsheet would run gets an
        apostrophe in front. Each export stands in the audit log."""
        context: Any = request
        query = read_query(ExportQuery, request)
        until = query.get("until", context.now)
        since = query.get("since", max(until, _FIRST) - USUAL)
        if since >= until:
            raise Invalid([FieldError("since", "not_before", "Name a time before `until`.")])
        export = EventExport(
            context.tenant_id, True, since, until, canonical(query.get("name", ""))
        )
        _audit(export, actor=ApiKey.objects.get(id=context.key.id), now=context.now)
        return StreamingHttpResponse(write_events(export), content_type="text/csv; charset=utf-8")


@require_POST
@workspace_view()
def export_events(request: Any) -> Any:
    """Of one name or of all, of the last days. Bodies are whole for roles that see numbers."""
    name = clean(request.POST.get("name", ""))[:200]
    days = {str(each) for each, _ in PERIODS} & {request.POST.get("days", "")}
    if not days:
        return redirect("events:event_types", slug=request.tenant.slug)
    export = EventExport(
        request.tenant.id,
        request.can("view_pii"),
        request.now - timedelta(days=int(days.pop())),
        request.now,
        name,
    )
    _audit(export, actor=request.user, now=request.now)
    what = slugify(name) or "events"
    file = f"{what}-{request.tenant.slug}-{request.now:%Y-%m-%d}.csv"
    return StreamingHttpResponse(
        write_events(export),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{file}"'},
    )


def _audit(export: EventExport, *, actor: Any, now: Any) -> None:
    data = {
        "name": export.name,
        "since": export.since.isoformat(),
        "until": export.until.isoformat(),
        "with_numbers": export.with_personal,
    }
    record_audit(AUDITED, data=data, actor=actor, now=now)
