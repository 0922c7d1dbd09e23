"""Merging contacts over the API, and taking a merge back."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from api.problems import FieldError, Invalid, NotFound
from api.schema import such_as
from api.serializers import Strict, read_body
from events.domain.merging import (
    last_merge,
    merge_contacts,
    rows_moved,
    survivor_of,
    unmerge_contacts,
)
from people.domain.merged import present_contact
from people.models import ContactMerge
from tenancy.api_base import TenantAPIView, path_id
from tenancy.audit import record_audit
from tenancy.ids import show_id
from tenancy.models import ApiKey
from tenancy.shapes import IdField

_EXAMPLE = "con_0190f8a0d3b47c1e8f00000000000002"


class MergeWish(Strict):
    """`contact`: the other one. `survivor`: which of the two stays; left out, the one with an
    external id does, then the older one."""

    contact = IdField("con")
    survivor = IdField("con", required=False)


class UnmergeWish(Strict):
    """`merge`: which one; left out, the newest that can be undone."""

    merge = IdField("mrg", required=False)


class MergeShown(serializers.Serializer[Any]):
    """`merged` became a part of `survivor`. `moved`: how many events, messages and so on."""

    id = IdField("mrg")
    survivor = IdField("con")
    merged = IdField("con")
    at = serializers.DateTimeField()
    undo_until = serializers.DateTimeField()
    undone_at = serializers.DateTimeField(allow_null=True)
    moved = serializers.DictField(child=serializers.IntegerField())


class ContactMergeView(TenantAPIView):
    required_scope = "contacts:write"
    leads_on = True
    names_in_body = True

    @extend_schema(
        operation_id="mergeContacts",
        request=MergeWish,
        responses=MergeShown,
        examples=such_as({"contact": _EXAMPLE}),
    )
    def post(self, request: Request, ref: str) -> Response:
        """Makes two contacts one. Events, orders, runs, texts and identifiers move to the one that
        stays; consent stays with each number. The old id leads to the survivor from then on. Can be
        undone for 30 days."""
        one = path_id("con", ref, "This contact")
        present_contact(one)
        given = read_body(MergeWish, request)
        other = given["contact"]
        _same(one, other)
        chosen = given.get("survivor")
        if chosen is None:
            present_contact(other)
            survivor, merged = survivor_of(one, other)
        elif chosen in {one, other}:
            survivor, merged = chosen, other if chosen == one else one
        else:
            detail = "One of the two contacts."
            raise Invalid([FieldError("survivor", "invalid_choice", detail)])
        key = _key(request)
        merge = merge_contacts(
            survivor,
            merged,
            actor=f"key:{key.prefix}",
            now=request.now,  # type: ignore[attr-defined]
        )
        _note(request, key, "contact.merged", merge)
        return Response(_shown(merge))


class ContactUnmergeView(TenantAPIView):
    required_scope = "contacts:write"
    names_in_body = True
    refusals = {
        "POST": {
            "409": "`already_undone`; `undo_too_late`: after 30 days; `newer_merge`: undo that first."
        }
    }

    @extend_schema(
        operation_id="unmergeContacts",
        request=UnmergeWish,
        responses=MergeShown,
        examples=such_as({"merge": "mrg_0190f8a0d3b47c1e8f00000000000001"}),
    )
    def post(self, request: Request, ref: str) -> Response:
        """Takes a merge back: every row that it moved returns, and what came since stays with the
        survivor. `ref` may be either id."""
        given = read_body(UnmergeWish, request)
        contact_id = path_id("con", ref, "This contact")
        merge = last_merge(contact_id, merge_id=given.get("merge"))
        if merge is None:
            raise NotFound("This merge")
        key = _key(request)
        merge = unmerge_contacts(
            merge.id,
            actor=f"key:{key.prefix}",
            now=request.now,  # type: ignore[attr-defined]
        )
        _note(request, key, "contact.unmerged", merge)
        return Response(_shown(merge))


def _same(one: UUID, other: UUID) -> None:
    if one == other:
        raise Invalid([FieldError("contact", "same_contact", "A contact is one already.")])


def _key(request: Request) -> ApiKey:
    key: ApiKey = ApiKey.objects.get(id=request.key.id)  # type: ignore[attr-defined]
    return key


def _note(request: Request, key: ApiKey, action: str, merge: ContactMerge) -> None:
    record_audit(
        action,
        target=show_id("con", merge.survivor_id),
        data={"merged": show_id("con", merge.merged_id), "merge": show_id("mrg", merge.id)},
        actor=key,
        now=request.now,  # type: ignore[attr-defined]
    )


def _shown(merge: ContactMerge) -> dict[str, Any]:
    return {
        "id": show_id("mrg", merge.id),
        "survivor": show_id("con", merge.survivor_id),
        "merged": show_id("con", merge.merged_id),
        "at": merge.at,
        "undo_until": merge.undo_until,
        "undone_at": merge.undone_at,
        "moved": rows_moved([merge.id]).get(merge.id, {}),
    }
