"""A flow's versions over the API: what each changed, and going back to one."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from api.paging import Keyset
from api.problems import NotFound
from api.schema import PAGE, list_of
from tenancy.ids import show_id
from triggers.api import FlowVersions, FlowView, VersionSaved, key_of
from triggers.domain.versions import VersionStory, roll_back, version_stories
from triggers.models import Flow, FlowVersion

by_number = Keyset(int)


class ChangeTold(serializers.Serializer[Any]):
    """One difference in plain words. `step` is a step's key, or "trigger"."""

    what = serializers.CharField()
    before = serializers.CharField()
    after = serializers.CharField()
    step = serializers.CharField()


class VersionTold(VersionSaved):
    """`changes` are against the version before; the first has none. `published_at`: when it went
    live last, null when it never did; `published_by`: an address, a key, or empty."""

    live = serializers.BooleanField()
    created_at = serializers.DateTimeField()
    created_by = serializers.CharField(allow_blank=True)
    published_at = serializers.DateTimeField(allow_null=True)
    published_by = serializers.CharField(allow_blank=True)
    changes = ChangeTold(many=True)


class FlowVersionList(FlowVersions):
    @extend_schema(
        operation_id="listFlowVersions",
        parameters=PAGE,
        responses=list_of("versions", VersionTold),
    )
    def get(self, request: Request, slug: str) -> Response:
        """Newest first, each with what it changed: texts, delays, filters, rules."""
        flow = _access(slug)
        page = by_number.read(request.query_params)
        rows = list(by_number.cut(FlowVersion.objects.filter(flow=flow), page, "number"))
        stories = version_stories(flow, rows)
        answer = by_number.answer(
            "versions", stories, page, key=lambda one: (one.version.number,), show=_shown
        )
        return Response(answer)


class FlowRollback(FlowView):
    refusals = {"POST": {"409": "`flow_archived`: an archived flow stays as it is."}}

    @extend_schema(operation_id="rollBackFlow", request=None, responses={201: VersionSaved})
    def post(self, request: Request, slug: str, number: int) -> Response:
        """A new version that says what an old one said, its texts too. It is not live before it is
        published; going back to what is newest already makes none."""
        context: Any = request
        actor = key_of(request)
        version = roll_back(_access(slug), number=number, now=context.now, actor=actor)
        return Response({"id": show_id("ver", version.id), "number": version.number}, status=201)


def _access(slug: str) -> Flow:
    flow: Flow | None = Flow.objects.filter(slug=slug).select_related("live_version").first()
    if flow is None:
        raise NotFound("This flow")
    return flow


def _shown(story: VersionStory) -> dict[str, Any]:
    version = story.version
    return {
        "id": show_id("ver", version.id),
        "number": version.number,
        "live": story.is_live,
        "created_at": version.created_at,
        "created_by": version.created_by,
        "published_at": story.went_live.at if story.went_live else None,
        "published_by": story.went_live.by if story.went_live else "",
        "changes": [
            {
                "what": change.what,
                "before": change.before,
                "after": change.after,
                "step": change.step_key,
            }
            for change in story.changes
        ],
    }
