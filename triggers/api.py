"""Flows over the API: list, create, read, save a version, publish, pause, resume."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from api.paging import Keyset
from api.problems import NotFound
from api.schema import PAGE, FieldProblem, list_of, such_as
from api.serializers import Choice, Strict, read_body, read_query
from tenancy.api_base import TenantAPIView
from tenancy.ids import show_id
from tenancy.models import ApiKey
from tenancy.shapes import IdField
from triggers.domain.flows import (
    create_flow,
    pause_flow,
    publish_flow,
    resume_flow,
    save_version,
)
from triggers.models import Flow, FlowVersion

by_slug = Keyset(str)
_ARCHIVED = "`flow_archived`: an archived flow stays as it is."
_DEFINITION: dict[str, Any] = {
    "trigger": {"type": "event", "event": "Checkout Started"},
    "reentry": {"mode": "every", "min_gap": "PT24H"},
    "exit": [{"event": "Order Completed"}],
    "steps": [
        {"key": "wait", "type": "delay", "for": "PT1H"},
        {"key": "text", "type": "message", "template": "cart-1"},
    ],
}


class FlowWrite(Strict):
    name = serializers.CharField(max_length=200)
    slug = serializers.SlugField(max_length=100, required=False)
    definition = serializers.JSONField()


class VersionWrite(Strict):
    definition = serializers.JSONField()


class ResumeQuery(serializers.Serializer[Any]):
    overdue = Choice(
        ["continue", "skip", "exit"],
        default="skip",
        help_text="What becomes of runs that are past their time: they go on, leave out what is"
        " late, or end.",
    )


class FlowShown(serializers.Serializer[Any]):
    """`live_version` is null while nothing was published."""

    id = IdField("flow")
    slug = serializers.CharField()
    name = serializers.CharField()
    status = serializers.ChoiceField(Flow.Status.choices)
    priority = serializers.IntegerField()
    live_version = IdField("ver", allow_null=True)
    published_at = serializers.DateTimeField(allow_null=True)


class VersionSaved(serializers.Serializer[Any]):
    id = IdField("ver")
    number = serializers.IntegerField()


class VersionShown(VersionSaved):
    definition = serializers.JSONField()
    live = serializers.BooleanField()


class FlowDetailShown(FlowShown):
    """With its versions, newest first."""

    versions = VersionShown(many=True)


class FlowPublished(FlowShown):
    """`notices` are worth knowing and stop nothing."""

    notices = FieldProblem(many=True)


class FlowView(TenantAPIView):
    required_scopes = {"GET": "flows:read", "POST": "flows:write", "DELETE": "flows:write"}


class FlowList(FlowView):
    refusals = {"POST": {"409": "`slug_taken`: another flow has this slug."}}

    @extend_schema(operation_id="listFlows", parameters=PAGE, responses=list_of("flows", FlowShown))
    def get(self, request: Request) -> Response:
        """By slug."""
        page = by_slug.read(request.query_params)
        rows = list(by_slug.cut(Flow.objects.all(), page, "slug", newest_first=False))
        return Response(
            by_slug.answer("flows", rows, page, key=lambda each: (each.slug,), show=_shown)
        )

    @extend_schema(
        operation_id="createFlow",
        request=FlowWrite,
        responses={201: FlowShown},
        examples=such_as({"name": "After checkout", "definition": _DEFINITION}),
    )
    def post(self, request: Request) -> Response:
        """Makes a draft; publishing puts it live."""
        given = read_body(FlowWrite, request)
        flow = create_flow(
            given["name"],
            definition=given["definition"],
            slug=given.get("slug"),
            now=request.now,  # type: ignore[attr-defined]
            actor=key_of(request),
        )
        return Response(_shown(flow), status=201)


class FlowDetail(FlowView):
    @extend_schema(operation_id="readFlow", responses=FlowDetailShown)
    def get(self, request: Request, slug: str) -> Response:
        """One flow with the definitions of its versions."""
        flow = access_flow(slug)
        versions = FlowVersion.objects.filter(flow=flow).order_by("-number")
        return Response(
            {
                **_shown(flow),
                "versions": [
                    {
                        "id": show_id("ver", version.id),
                        "number": version.number,
                        "definition": version.definition,
                        "live": version.id == flow.live_version_id,
                    }
                    for version in versions
                ],
            }
        )


class FlowVersions(FlowView):
    refusals = {"POST": {"409": _ARCHIVED}}

    @extend_schema(
        operation_id="saveFlowVersion",
        request=VersionWrite,
        responses={201: VersionSaved},
        examples=such_as({"definition": _DEFINITION}),
    )
    def post(self, request: Request, slug: str) -> Response:
        """Saves a new version beside the live one; runs keep the version they began with."""
        given = read_body(VersionWrite, request)
        version = save_version(
            access_flow(slug),
            definition=given["definition"],
            now=request.now,  # type: ignore[attr-defined]
            actor=key_of(request),
        )
        return Response({"id": show_id("ver", version.id), "number": version.number}, status=201)


class FlowPublication(FlowView):
    refusals = {
        "POST": {
            "409": _ARCHIVED,
            "422": "`not_publishable`: each finding that keeps it from going live.",
        }
    }

    @extend_schema(operation_id="publishFlow", request=None, responses=FlowPublished)
    def post(self, request: Request, slug: str) -> Response:
        """Puts the newest version live; answers with notices that do not stop it."""
        now = request.now  # type: ignore[attr-defined]
        published = publish_flow(access_flow(slug), now=now, actor=key_of(request))
        return Response(
            {
                **_shown(published.flow),
                "notices": [
                    {"field": finding.path, "code": finding.code, "detail": finding.detail}
                    for finding in published.notices
                ],
            }
        )


class FlowPause(FlowView):
    refusals = {
        "POST": {"409": "`not_live`: only a live flow can be paused."},
        "DELETE": {"409": "`not_paused`: only a paused flow can be resumed."},
    }

    @extend_schema(operation_id="pauseFlow", request=None, responses=FlowShown)
    def post(self, request: Request, slug: str) -> Response:
        """Nobody enters, nothing goes out; whoever is in it waits."""
        now = request.now  # type: ignore[attr-defined]
        return Response(_shown(pause_flow(access_flow(slug), now=now, actor=key_of(request))))

    @extend_schema(operation_id="resumeFlow", parameters=[ResumeQuery], responses={200: FlowShown})
    def delete(self, request: Request, slug: str) -> Response:
        """Ends the pause. `overdue` says what becomes of runs that are past their time."""
        found = access_flow(slug)
        query = read_query(ResumeQuery, request)
        flow = resume_flow(
            found,
            overdue=query["overdue"],
            now=request.now,  # type: ignore[attr-defined]
            actor=key_of(request),
        )
        return Response(_shown(flow))


def key_of(request: Any) -> ApiKey | None:
    """The key that asks: who did it, in the audit log and the history."""
    found: ApiKey | None = ApiKey.objects.filter(id=request.key.id).first()
    return found


def access_flow(slug: str) -> Flow:
    """Raises `NotFound`."""
    flow: Flow | None = Flow.objects.filter(slug=slug).first()
    if flow is None:
        raise NotFound("This flow")
    return flow


def _shown(flow: Flow) -> dict[str, Any]:
    return {
        "id": show_id("flow", flow.id),
        "slug": flow.slug,
        "name": flow.name,
        "status": flow.status,
        "priority": flow.priority,
        "live_version": show_id("ver", flow.live_version_id) if flow.live_version_id else None,
        "published_at": flow.published_at,
    }
