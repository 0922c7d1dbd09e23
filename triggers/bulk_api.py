"""Many contacts changed in one call."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from api.data import check_data
from api.problems import Invalid
from api.schema import such_as
from api.serializers import Strict, read_body
from people.models import AddedBy
from tenancy.api_base import TenantAPIView
from tenancy.shapes import IdField
from triggers.api import key_of
from triggers.domain.bulk import (
    LONGEST_REASON,
    MOST,
    BulkDone,
    change_attribute_of,
    opt_out_many,
)

_SOME = "con_0190f8a0d3b47c1e8f00000000000001"


class _Chosen(Strict):
    contacts = serializers.ListField(
        child=IdField("con"),
        allow_empty=False,
        max_length=MOST,
        help_text="Their ids, 1,000 at most.",
    )


class AttributeOfMany(_Chosen):
    name = serializers.CharField(
        max_length=128, help_text="An attribute; fields are changed one by one."
    )
    value = serializers.JSONField(allow_null=True, help_text="null takes it away.")


class OptOutOfMany(_Chosen):
    reason = serializers.CharField(max_length=LONGEST_REASON, help_text="How they told you.")


class ManyChanged(serializers.Serializer[Any]):
    """Each contact counts once. `skipped`: gone or merged, or for an opt-out without a number."""

    changed = serializers.IntegerField()
    unchanged = serializers.IntegerField()
    skipped = serializers.IntegerField()
    canceled = serializers.IntegerField(help_text="Texts that waited and never go now.")


class AttributeChanges(TenantAPIView):
    required_scope = "contacts:write"

    @extend_schema(
        operation_id="changeContacts",
        request=AttributeOfMany,
        responses=ManyChanged,
        examples=such_as({"contacts": [_SOME], "name": "plan", "value": "gold"}),
    )
    def post(self, request: Request) -> Response:
        """One attribute of many contacts, set or taken away. All or nothing: a value that does not
        fit the declared type changes nobody."""
        given = read_body(AttributeOfMany, request)
        if wrong := check_data({"value": given["value"]}, "body"):
            raise Invalid(wrong)
        done = change_attribute_of(
            given["contacts"],
            given["name"],
            given["value"],
            by=AddedBy.API,
            actor=key_of(request),
            now=request.now,  # type: ignore[attr-defined]
        )
        return Response(_shown(done))


class OptOuts(TenantAPIView):
    required_scope = "consent:write"

    @extend_schema(
        operation_id="optOutContacts",
        request=OptOutOfMany,
        responses=ManyChanged,
        examples=such_as({"contacts": [_SOME], "reason": "Answers to our letter of May"}),
    )
    def post(self, request: Request) -> Response:
        """Writes down that many contacts want no more texts. In force at once; what waits is
        canceled, and nobody is told by text."""
        given = read_body(OptOutOfMany, request)
        done = opt_out_many(
            given["contacts"],
            given["reason"],
            actor=key_of(request),
            now=request.now,  # type: ignore[attr-defined]
        )
        return Response(_shown(done))


def _shown(done: BulkDone) -> dict[str, int]:
    return {
        "changed": done.changed,
        "unchanged": done.unchanged,
        "skipped": done.skipped,
        "canceled": done.canceled,
    }
