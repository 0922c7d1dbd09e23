"""What delivery knows of one contact, over the API."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from api.serializers import Choice, read_query
from delivery.api.shapes import CheckShown
from delivery.domain.asking import TYPES
from delivery.domain.eligibility import check_eligibility
from people.domain.merged import present_contact
from tenancy.api_base import TenantAPIView, path_id
from tenancy.ids import show_id
from tenancy.shapes import IdField


class EligibilityQuery(serializers.Serializer[Any]):
    message_type = Choice(TYPES, default="marketing", help_text="For a text of this type.")


class EligibilityShown(serializers.Serializer[Any]):
    """`status`: queued (a text would go now), scheduled (not before `due_at`) or skipped."""

    contact = IdField("con")
    message_type = serializers.ChoiceField(TYPES)
    eligible = serializers.BooleanField(help_text="A text would go now.")
    status = serializers.CharField()
    reason = serializers.CharField(allow_blank=True)
    due_at = serializers.DateTimeField(allow_null=True)
    checks = CheckShown(many=True)


class Eligibility(TenantAPIView):
    required_scope = "contacts:read"
    leads_on = True

    @extend_schema(
        operation_id="readEligibility",
        parameters=[EligibilityQuery],
        responses=EligibilityShown,
    )
    def get(self, request: Request, ref: str) -> Response:
        """Could this contact be texted now? A dry run, with every check it made."""
        contact_id = path_id("con", ref, "This contact")
        present_contact(contact_id)
        kind = read_query(EligibilityQuery, request)["message_type"]
        verdict = check_eligibility(contact_id, message_type=kind, now=request.now)  # type: ignore[attr-defined]
        return Response(
            {
                "contact": show_id("con", contact_id),
                "message_type": kind,
                "eligible": verdict.status == "queued",
                "status": verdict.status,
                "reason": verdict.reason,
                "due_at": verdict.due_at,
                "checks": [check.as_dict() for check in verdict.checks],
            }
        )
