"""Telling over the API that a contact's number belongs to somebody else now."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from api.serializers import Strict, read_body
from delivery.domain.reassigning import give_up_number
from people.domain.merged import present_contact
from tenancy.api_base import TenantAPIView, path_id
from tenancy.audit import record_audit
from tenancy.ids import show_id
from tenancy.models import ApiKey
from tenancy.shapes import IdField


class Nothing(Strict):
    """No fields."""


class ReassignedShown(serializers.Serializer[Any]):
    """The number that is suppressed now."""

    contact = IdField("con")
    phone = serializers.CharField()


class NumberReassigned(TenantAPIView):
    required_scope = "contacts:write"
    leads_on = True

    @extend_schema(operation_id="giveUpNumber", request=Nothing, responses=ReassignedShown)
    def post(self, request: Request, ref: str) -> Response:
        """The contact's number belongs to somebody else now: it is suppressed, the contact stays
        without it, and what waits for it is canceled."""
        contact_id = path_id("con", ref, "This contact")
        present_contact(contact_id)
        read_body(Nothing, request)
        key = ApiKey.objects.get(id=request.key.id)  # type: ignore[attr-defined]
        now = request.now  # type: ignore[attr-defined]
        phone = give_up_number(contact_id, actor=f"key:{key.prefix}", source="api", now=now)
        record_audit("contact.number_reassigned", target=ref, actor=key, now=now)
        return Response({"contact": show_id("con", contact_id), "phone": phone})
