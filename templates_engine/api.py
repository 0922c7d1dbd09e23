"""Templates over the API: list, read, save, approve."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from api.paging import Keyset
from api.problems import NotFound
from api.schema import PAGE, list_of, such_as
from api.serializers import Choice, Strict, read_body
from templates_engine.domain.templates import approve_version, save_draft
from templates_engine.models import MessageType, Syntax, Template, TemplateVersion
from tenancy.api_base import TenantAPIView
from tenancy.ids import show_id
from tenancy.shapes import IdField

by_slug = Keyset(str)


class TemplateWrite(Strict):
    slug = serializers.SlugField(max_length=80)
    name = serializers.CharField(max_length=120, required=False)
    body = serializers.CharField(max_length=1600, trim_whitespace=False)
    message_type = Choice(MessageType.choices, required=False)
    syntax = Choice(Syntax.choices, default=Syntax.BRACKETS)
    fields_ = serializers.DictField(required=False)
    ttl_seconds = serializers.IntegerField(min_value=60, max_value=30 * 86_400, required=False)
    approve = serializers.BooleanField(default=False)

    def get_fields(self) -> dict[str, Any]:
        # `fields` is a property of every serializer, so the body's name is set here.
        found = super().get_fields()
        found["fields"] = found.pop("fields_")
        return found


class TemplateShown(serializers.Serializer[Any]):
    """`version` and `body` are those that go out now; null while there are only drafts."""

    id = IdField("tpl")
    slug = serializers.CharField()
    name = serializers.CharField()
    message_type = serializers.ChoiceField(MessageType.choices)
    ttl_seconds = serializers.IntegerField(allow_null=True)
    state = serializers.ChoiceField(["approved", "draft"])
    version = serializers.IntegerField(allow_null=True)
    body = serializers.CharField(allow_null=True)


class TemplateList(TenantAPIView):
    required_scopes = {"GET": "templates:read", "POST": "templates:write"}

    @extend_schema(
        operation_id="listTemplates",
        parameters=PAGE,
        responses=list_of("templates", TemplateShown),
    )
    def get(self, request: Request) -> Response:
        """By slug."""
        page = by_slug.read(request.query_params)
        rows = Template.objects.select_related("approved_version")
        found = list(by_slug.cut(rows, page, "slug", newest_first=False))
        return Response(
            by_slug.answer("templates", found, page, key=lambda each: (each.slug,), show=_shown)
        )

    @extend_schema(
        operation_id="saveTemplate",
        request=TemplateWrite,
        responses={201: TemplateShown},
        examples=such_as(
            {
                "slug": "order-shipped",
                "message_type": "transactional",
                "body": "Order [OrderNumber or 'of yours'] is on its way.",
                "approve": True,
            }
        ),
    )
    def post(self, request: Request) -> Response:
        """Saves a version; with `approve` it goes out from now on, or nothing is saved."""
        given = read_body(TemplateWrite, request)
        approve = given.pop("approve")
        now = request.now  # type: ignore[attr-defined]
        version = save_draft(given.pop("slug"), now=now, **given)
        if approve:
            approve_version(version, now=now)
        return Response(_shown(Template.objects.get(id=version.template_id)), status=201)


class TemplateDetail(TenantAPIView):
    required_scope = "templates:read"

    @extend_schema(operation_id="readTemplate", responses=TemplateShown)
    def get(self, request: Request, slug: str) -> Response:
        """One template with the words that go out now."""
        template = Template.objects.filter(slug=slug).first()
        if template is None:
            raise NotFound("This template")
        return Response(_shown(template))


def _shown(template: Template) -> dict[str, Any]:
    version: TemplateVersion | None = template.approved_version
    return {
        "id": show_id("tpl", template.id),
        "slug": template.slug,
        "name": template.name,
        "message_type": template.message_type,
        "ttl_seconds": template.ttl_seconds,
        "state": "approved" if version else "draft",
        "version": version.number if version else None,
        "body": version.body if version else None,
    }
