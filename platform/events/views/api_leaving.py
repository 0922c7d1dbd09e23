"""A person's data over the API: all of it as a file, or gone for good."""

from __future__ import annotations

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from api.problems import FieldError, Invalid
from api.schema import such_as
from api.serializers import Strict, read_body
from events.domain.leaving import erase_contact, export_contact
from people.domain.merged import present_contact
from tenancy.api_base import TenantAPIView, path_id
from tenancy.audit import record_audit
from tenancy.ids import show_id
from tenancy.models import ApiKey
from tenancy.shapes import IdField


class EraseWish(Strict):
    """`confirm`: the contact's id once more. There is no way back."""

    confirm = IdField("con")


class ErasedShown(serializers.Serializer[Any]):
    """Whom it was about, and when everything was gone."""

    id = IdField("con")
    erased_at = serializers.DateTimeField()


class ContactExport(TenantAPIView):
    required_scope = "contacts:read"
    leads_on = True

    @extend_schema(
        operation_id="exportContact",
        responses={200: OpenApiResponse(OpenApiTypes.OBJECT, "Lists of values by heading.")},
    )
    def get(self, request: Request, ref: str) -> Response:
        """Everything kept of one person: what is known, events, orders, texts with their words,
        replies, consent with its proof, runs, segments."""
        contact_id = path_id("con", ref, "This contact")
        kept = export_contact(contact_id)
        _note(request, "contact.exported", ref)
        return Response(kept)


class ContactErase(TenantAPIView):
    required_scope = "contacts:erase"
    leads_on = True

    @extend_schema(
        operation_id="eraseContact",
        request=EraseWish,
        responses=ErasedShown,
        examples=such_as({"confirm": "con_0190f8a0d3b47c1e8f00000000000001"}),
    )
    def post(self, request: Request, ref: str) -> Response:
        """Removes for good who this was and what they did. Waiting texts are canceled and runs end.
        Sums stay without a name, and an opt-out stays in force if the number ever comes back."""
        contact_id = path_id("con", ref, "This contact")
        present_contact(contact_id)
        given = read_body(EraseWish, request)
        if given["confirm"] != contact_id:
            detail = "The id of this contact, once more."
            raise Invalid([FieldError("confirm", "not_confirmed", detail)])
        erase_contact(contact_id, now=request.now)  # type: ignore[attr-defined]
        _note(request, "contact.erased", ref)
        now = request.now  # type: ignore[attr-defined]
        return Response({"id": show_id("con", contact_id), "erased_at": now})


def _note(request: Request, action: str, ref: str) -> None:
    key = ApiKey.objects.get(id=request.key.id)  # type: ignore[attr-defined]
    record_audit(action, target=ref, actor=key, now=request.now)  # type: ignore[attr-defined]
