"""Contacts over the API: list, create, read, change."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from api.paging import Keyset
from api.problems import FieldError, Invalid
from api.schema import PAGE, list_of, such_as
from api.serializers import Strict, read_body
from events.core.contact_spec import read_changes, read_contact
from events.domain.changing import change_contact, taken
from events.domain.contacts import CREATED, REFUSED, NewContact, save_contacts
from people.core.lines import line_of, line_source
from people.domain.definitions import attribute_rules
from people.domain.described import describe_values
from people.domain.listing import NEWEST, SORTS
from people.domain.merged import present_contact
from people.domain.queries import (
    ContactFacts,
    list_contacts,
    workspace_defaults,
)
from people.filters import all_filters, read_filters
from people.models import NEVER, AddedBy
from tenancy.api_base import TenantAPIView, path_id
from tenancy.ids import show_id
from tenancy.shapes import IdField

_KEYS = {
    name: Keyset(each.kind, UUID) if each.kind else Keyset(UUID) for name, each in SORTS.items()
}
MAX_SEARCH = 200
_TAKEN = "`identifier_taken`: an identifier belongs to another contact, or is one too many."


def _text(most: int) -> serializers.CharField:
    return serializers.CharField(
        required=False, allow_null=True, allow_blank=True, max_length=most, trim_whitespace=False
    )


class ContactChange(Strict):
    """What is left out stays; null takes a value away."""

    phone = _text(40)
    email = _text(254)
    first_name = _text(200)
    last_name = _text(200)
    locale = _text(35)
    timezone = _text(64)
    city = _text(200)
    region = _text(200)
    postal_code = _text(32)
    country = _text(2)
    attributes = serializers.DictField(
        required=False, help_text="The brand's own, each with its JSON type; null takes one away."
    )


class ContactWrite(ContactChange):
    """At least one of external_id, phone and email."""

    external_id = _text(256)


class PhoneLineShown(serializers.Serializer[Any]):
    """`kind`: mobile, landline, voip, unknown. `source`: numbering_plan, or carrier: what a text met."""

    kind = serializers.CharField()
    source = serializers.CharField()  # type: ignore[assignment]


class ToldShown(serializers.Serializer[Any]):
    """Through which door a value came, and when it was said."""

    by = serializers.CharField(allow_blank=True)
    at = serializers.DateTimeField(allow_null=True)


class UnfitShown(serializers.Serializer[Any]):
    """Why no text says a value. `code` is stable."""

    code = serializers.CharField()
    reason = serializers.CharField()


class RefusedShown(serializers.Serializer[Any]):
    """The last value that did not fit the attribute's type and was kept out."""

    code = serializers.CharField()
    said = serializers.CharField(allow_blank=True)
    by = serializers.CharField(allow_blank=True)
    at = serializers.DateTimeField(allow_null=True)


class ContactShown(serializers.Serializer[Any]):
    """One person. Phone numbers are E.164. `told`, `unfit` and `refused` are by field or attribute."""

    id = IdField("con")
    external_id = serializers.CharField(allow_null=True)
    phone = serializers.CharField(allow_null=True)
    phone_type = serializers.CharField(allow_blank=True)
    email = serializers.CharField(allow_null=True)
    first_name = serializers.CharField(allow_blank=True)
    last_name = serializers.CharField(allow_blank=True)
    locale = serializers.CharField(allow_blank=True)
    timezone = serializers.CharField(allow_blank=True)
    city = serializers.CharField(allow_blank=True)
    region = serializers.CharField(allow_blank=True)
    postal_code = serializers.CharField(allow_blank=True)
    country = serializers.CharField(allow_blank=True)
    attributes = serializers.DictField()
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()
    last_seen_at = serializers.DateTimeField(
        allow_null=True, help_text="When an event last came from them, to the hour."
    )
    phone_line = PhoneLineShown(allow_null=True)
    told = serializers.DictField(child=ToldShown())
    unfit = serializers.DictField(child=UnfitShown())
    refused = serializers.DictField(child=RefusedShown())


class ContactList(TenantAPIView):
    required_scopes = {"GET": "contacts:read", "POST": "contacts:write"}
    refusals = {"POST": {"409": _TAKEN}}

    @extend_schema(
        operation_id="listContacts",
        parameters=[
            OpenApiParameter(
                "search",
                {"type": "string", "maxLength": MAX_SEARCH},
                description="A name, number, e-mail or id.",
            ),
            OpenApiParameter(
                "sort",
                {"type": "string", "enum": list(SORTS), "default": NEWEST},
                description="Newest and last seen go backwards, names from A to Z.",
            ),
            *(
                OpenApiParameter(
                    one.name,
                    {"type": "string", "enum": list(one.values)}
                    if one.values
                    else {"type": "string", "maxLength": MAX_SEARCH},
                    description=one.told,
                )
                for one in all_filters()
            ),
            *PAGE,
        ],
        responses=list_of("contacts", ContactShown),
    )
    def get(self, request: Request) -> Response:
        """Everybody, or those that a search finds and every filter lets through.

        A cursor belongs to the order it came with.
        """
        sort = request.query_params.get("sort") or NEWEST
        if sort not in SORTS:
            detail = f"One of: {', '.join(SORTS)}."
            raise Invalid([FieldError("sort", "invalid_choice", detail)])
        key = _KEYS[sort]
        page = key.read(request.query_params)
        found = list_contacts(
            search=request.query_params.get("search", "")[:MAX_SEARCH],
            filters=read_filters(request.query_params, strict=True).conditions,
            sort=sort,
            after=page.after,
            limit=page.limit,
        )
        return Response(
            {
                "contacts": [show_contact(contact, now=request.now) for contact in found.contacts],  # type: ignore[attr-defined]
                "next_cursor": key.write(found.next_key) if found.next_key else None,
            }
        )

    @extend_schema(
        operation_id="saveContact",
        request=ContactWrite,
        responses={
            200: OpenApiResponse(ContactShown, "Somebody known was changed."),
            201: OpenApiResponse(ContactShown, "Somebody new."),
        },
        examples=such_as(
            {
                "external_id": "u-1001",
                "phone": "+1 213 555 0155",
                "first_name": "Ava",
                "timezone": "America/Los_Angeles",
                "attributes": {"plan": "gold", "visits": 3},
            }
        ),
    )
    def post(self, request: Request) -> Response:
        """Makes a contact (201), or changes the one that has these identifiers (200).

        409 `identifier_taken` when they belong to different people. Says nothing about consent:
        somebody who is written down may not be texted yet. A key without contacts:read gets the id
        back and nothing of what was known.
        """
        body = read_body(ContactWrite, request)
        ref, traits = read_contact(
            body, country=workspace_defaults().country, rules=attribute_rules()
        )
        [saved] = save_contacts([NewContact(ref, traits)], now=request.now)  # type: ignore[attr-defined]
        if saved.outcome == REFUSED or saved.contact_id is None:
            raise taken([saved.taken])
        status = 201 if saved.outcome == CREATED else 200
        return Response(_told(request, saved.contact_id), status=status)


class ContactDetail(TenantAPIView):
    required_scopes = {"GET": "contacts:read", "PATCH": "contacts:write"}
    leads_on = True
    refusals = {"PATCH": {"409": _TAKEN}}

    @extend_schema(operation_id="readContact", responses=ContactShown)
    def get(self, request: Request, ref: str) -> Response:
        """What is known of one contact."""
        found = access_contact(path_id("con", ref, "This contact"))
        return Response(show_contact(found, now=request.now))  # type: ignore[attr-defined]

    @extend_schema(
        operation_id="changeContact",
        request=ContactChange,
        responses=ContactShown,
        examples=such_as({"city": "Austin", "attributes": {"plan": None}}),
    )
    def patch(self, request: Request, ref: str) -> Response:
        """What is left out stays; null takes a value away. A number that is replaced stays known:
        whoever writes from it is still recognized. A key without contacts:read gets the id back and
        nothing of what is known."""
        found = access_contact(path_id("con", ref, "This contact"))
        body = read_body(ContactChange, request)
        rules = attribute_rules()
        traits = read_changes(body, country=workspace_defaults().country, rules=rules)
        change_contact(found.id, traits, by=AddedBy.API, now=request.now)  # type: ignore[attr-defined]
        return Response(_told(request, found.id))


def access_contact(contact_id: UUID) -> ContactFacts:
    """Raises `NotFound`, also for somebody erased."""
    found = present_contact(contact_id)
    return found


def _told(request: Request, contact_id: UUID) -> dict[str, Any]:
    """The contact after a change. Whoever may only write must not read by writing."""
    shown = show_contact(access_contact(contact_id), now=request.now)  # type: ignore[attr-defined]
    if "contacts:read" in request.key.scopes:  # type: ignore[attr-defined]
        return shown
    told = {**dict.fromkeys(shown, ""), "last_seen_at": None}
    kept = {name: shown[name] for name in ("id", "created_at", "updated_at")}
    empty: dict[str, Any] = {name: {} for name in ("attributes", "told", "unfit", "refused")}
    nobody = dict.fromkeys(("external_id", "phone", "email", "phone_line"))
    return {**told, **empty, **nobody, **kept}


def show_contact(contact: ContactFacts, *, now: datetime) -> dict[str, Any]:
    values = describe_values(contact, attribute_rules(), now=now)
    line = line_of(contact.phone_type)
    return {
        "id": show_id("con", contact.id),
        "external_id": contact.external_id,
        "phone": contact.phone,
        "phone_type": contact.phone_type,
        "email": contact.email,
        "first_name": contact.first_name,
        "last_name": contact.last_name,
        "locale": contact.locale,
        "timezone": contact.timezone,
        "city": contact.city,
        "region": contact.region,
        "postal_code": contact.postal_code,
        "country": contact.country,
        "attributes": contact.attributes,
        "created_at": contact.created_at,
        "updated_at": contact.updated_at,
        "last_seen_at": contact.last_seen_at if contact.last_seen_at > NEVER else None,
        "phone_line": {"kind": line, "source": line_source(contact.told)} if line else None,
        "told": {one.name: {"by": one.by, "at": one.at} for one in values if one.by or one.at},
        "unfit": {
            one.name: {"code": one.flaw.code, "reason": one.flaw.reason}
            for one in values
            if one.flaw is not None
        },
        "refused": contact.refused,
    }
