"""Attributes over the API: what contacts have, how well it is told, and what type it is to be."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from api.data import check_data
from api.paging import Keyset
from api.problems import Invalid
from api.schema import PAGE, list_of, such_as
from api.serializers import Choice, Strict, read_body
from people.attribute_uses import AttributeUse, list_attribute_uses
from people.core.kinds import DECLARABLE, LABELS, MAX_CHOICE, MAX_CHOICES
from people.domain.attribute_list import AttributeFacts, find_attribute, list_attributes
from people.domain.declaring import (
    MAX_KEPT_DAYS,
    Trial,
    declare_attribute,
    plan_attribute,
    try_type,
)
from tenancy.api_base import TenantAPIView
from tenancy.models import ApiKey

by_name = Keyset(str)


class AttributeShown(serializers.Serializer[Any]):
    """One attribute. `is_declared`: a value has to fit the type; else the type is what the first
    value seemed to be. `is_field`: a field of every contact, sent beside `attributes`. Of the
    `looked_at` newest contacts `filled` have it, `unfit` have a value that no text says."""

    name = serializers.CharField()
    kind = serializers.ChoiceField(choices=list(LABELS))
    choices = serializers.ListField(child=serializers.CharField())
    is_declared = serializers.BooleanField()
    is_standard = serializers.BooleanField()
    is_field = serializers.BooleanField()
    is_sensitive = serializers.BooleanField()
    kept_days = serializers.IntegerField(allow_null=True)
    first_seen_at = serializers.DateTimeField(allow_null=True)
    looked_at = serializers.IntegerField()
    filled = serializers.IntegerField()
    unfit = serializers.IntegerField()


class ExampleShown(serializers.Serializer[Any]):
    value = serializers.CharField()
    contacts = serializers.IntegerField()


class AttributeUseShown(serializers.Serializer[Any]):
    """`kind`: segment or text."""

    kind = serializers.CharField()
    name = serializers.CharField()


class TypeTrialShown(serializers.Serializer[Any]):
    """Of all contacts that have the attribute: how many values `fit`, are `read` as something else
    ("12" as 12), and are `unfit`. `is_whole`: every value was tried."""

    fit = serializers.IntegerField()
    read = serializers.IntegerField()
    unfit = serializers.IntegerField()
    unfit_examples = ExampleShown(many=True)
    is_whole = serializers.BooleanField()


class AttributeDetailed(AttributeShown):
    """`reasons`: why values are unfit, with how often. `misfits`: values of another type. `refused`:
    contacts of whom something was told last that did not fit. `told_by`: through which door the
    values came. `examples` of a sensitive attribute are not shown. `trial`: of a type that was given."""

    reasons = serializers.DictField(child=serializers.IntegerField())
    misfits = serializers.IntegerField()
    refused = serializers.IntegerField()
    told_by = serializers.DictField(child=serializers.IntegerField())
    examples = ExampleShown(many=True)
    used_in = AttributeUseShown(many=True)
    trial = TypeTrialShown(allow_null=True)


class AttributeChange(Strict):
    """What is left out stays."""

    kind = Choice(choices=DECLARABLE, required=False, help_text="Declares the type.")
    choices = serializers.ListField(
        child=serializers.CharField(max_length=MAX_CHOICE),
        required=False,
        max_length=MAX_CHOICES,
        help_text="Of a choice: what can be chosen.",
    )
    is_sensitive = serializers.BooleanField(
        required=False, help_text="Its values stand in no text."
    )
    kept_days = serializers.IntegerField(
        required=False,
        allow_null=True,
        min_value=1,
        max_value=MAX_KEPT_DAYS,
        help_text="A value that was told longer ago counts as missing; null: none does.",
    )
    dry_run = serializers.BooleanField(
        required=False, default=False, help_text="Say what would not fit, and change nothing."
    )


class AttributeList(TenantAPIView):
    required_scope = "contacts:read"

    @extend_schema(
        operation_id="listAttributes",
        parameters=PAGE,
        responses=list_of("attributes", AttributeShown),
    )
    def get(self, request: Request) -> Response:
        """Every attribute that is standard, was declared, or was told of the newest contacts, by name."""
        page = by_name.read(request.query_params)
        rows = sorted(list_attributes(now=request.now), key=lambda row: row.name)  # type: ignore[attr-defined]
        after = page.after[0] if page.after else ""
        shown = [row for row in rows if row.name > after][: page.fetch]
        return Response(
            by_name.answer(
                "attributes", shown, page, key=lambda row: (row.name,), show=show_attribute
            )
        )


class AttributeDetail(TenantAPIView):
    required_scopes = {"GET": "contacts:read", "PATCH": "contacts:write"}

    @extend_schema(operation_id="readAttribute", responses=AttributeDetailed)
    def get(self, request: Request, attribute_name: str) -> Response:
        """One attribute: how many have it, what is wrong with its values, where it is used."""
        found = find_attribute(attribute_name, now=request.now)  # type: ignore[attr-defined]
        return Response(show_detail(found))

    @extend_schema(
        operation_id="changeAttribute",
        request=AttributeChange,
        responses=AttributeDetailed,
        examples=such_as({"kept_days": 365}),
    )
    def patch(self, request: Request, attribute_name: str) -> Response:
        """Declares a type, or says what else holds for the attribute; a name that nobody knows is made
        when `kind` is given. From then on `POST /contacts` refuses a value that does not fit
        (`wrong_type`, `invalid_choice`), and events keep it out of the contact. Values that are there
        stay: what does not fit is not said in a text. A key without contacts:read sees no counts and
        no values."""
        context: Any = request
        name = attribute_name
        given = read_body(AttributeChange, request)
        if wrong := check_data(dict(request.data), "body"):
            raise Invalid(wrong)
        changes = {key: value for key, value in given.items() if key != "dry_run"}
        after = plan_attribute(name, changes)
        trial = try_type(name, after) if changes.keys() & {"kind", "choices"} else None
        if not given["dry_run"]:
            actor = ApiKey.objects.get(id=context.key.id)
            declare_attribute(name, changes, now=context.now, actor=actor)
            found = find_attribute(name, now=context.now)
        else:
            found = AttributeFacts(name, after)
        if "contacts:read" not in context.key.scopes:
            return Response(show_detail(AttributeFacts(name, found.rule)))
        return Response(show_detail(found, trial))


def show_attribute(one: AttributeFacts) -> dict[str, Any]:
    rule = one.rule
    return {
        "name": one.name,
        "kind": rule.kind,
        "choices": list(rule.choices),
        "is_declared": rule.is_declared,
        "is_standard": one.is_standard,
        "is_field": one.is_field,
        "is_sensitive": rule.is_sensitive,
        "kept_days": rule.kept_days,
        "first_seen_at": one.first_seen_at,
        "looked_at": one.looked_at,
        "filled": one.filled,
        "unfit": one.failing,
    }


def show_detail(one: AttributeFacts, trial: Trial | None = None) -> dict[str, Any]:
    hidden = one.rule.is_sensitive
    uses: list[AttributeUse] = list_attribute_uses().get(one.name, [])
    return {
        **show_attribute(one),
        "reasons": dict(one.reasons),
        "misfits": one.misfits,
        "refused": one.refused,
        "told_by": {by or "unknown": many for by, many in one.doors},
        "examples": [] if hidden else _examples(one.examples),
        "used_in": [{"kind": use.kind, "name": use.label} for use in uses],
        "trial": None
        if trial is None
        else {
            "fit": trial.fit,
            "read": trial.read,
            "unfit": trial.unfit,
            "unfit_examples": [] if hidden else _examples(trial.examples),
            "is_whole": trial.is_whole,
        },
    }


def _examples(found: Any) -> list[dict[str, Any]]:
    return [{"value": value, "contacts": many} for value, many in found]
