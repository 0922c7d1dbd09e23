"""Consent over the API: acts with their evidence, a number's ledger, links to opt out."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from api.paging import Keyset
from api.problems import FieldError, Invalid, Problem
from api.schema import PAGE, such_as
from api.serializers import Choice, Strict, read_body, read_query
from consent.core.ledger import LEGAL_BASES
from consent.core.message_types import CONSENT_TYPES
from consent.domain.contact_points import find_tokens
from consent.domain.opt_ins import OptIn
from consent.domain.opt_outs import OptOut
from consent.domain.queries import evidence_of
from consent.models import ConsentRecord
from delivery.domain.opting_in import opt_in
from delivery.domain.opting_out import opt_out, opt_out_url
from people.core.identifiers import clean_phone
from people.domain.merged import present_contact
from people.domain.queries import workspace_defaults
from tenancy.api_base import TenantAPIView
from tenancy.clock import wall_now
from tenancy.ids import show_id
from tenancy.shapes import IdField

_BY_POSITION = Keyset(int)
_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
_SET = re.compile(r"^opt_(ins|outs)\[0\]\.")
_MOST_EVIDENCE = 20
_REFUSED = {
    "stop_stands": "This number opted out. Only its owner can take that back: by text, or with a "
    "YES after the sign-up page.",
    "older_than_opt_out": "This number opted out after that moment.",
}


class Whom(Strict):
    """One of `contact` and `phone`."""

    contact = IdField("con", required=False)
    phone = serializers.CharField(max_length=40, required=False, help_text="Such as +13105550142.")


class ConsentWrite(Whom):
    action = Choice(["opt_in", "opt_out"])
    occurred_at = serializers.DateTimeField(help_text="When the person did it.")
    evidence = serializers.DictField(
        child=serializers.CharField(max_length=2000),
        required=False,
        help_text="What proves it, by name: url, ip_address, user_agent, words ... An opt-in needs"
        f" at least one; at most {_MOST_EVIDENCE}.",
    )
    legal_basis = Choice(sorted(LEGAL_BASES), required=False, help_text="An opt-in must name it.")
    disclosure = serializers.CharField(
        max_length=4000, required=False, help_text="The text as the person read it."
    )
    message_types = serializers.ListField(
        child=Choice(list(CONSENT_TYPES)),
        required=False,
        min_length=1,
        max_length=len(CONSENT_TYPES),
        help_text="What the opt-in is for; all when left out. An opt-out ends what STOP ends.",
    )
    double_opt_in = serializers.BooleanField(
        required=False,
        help_text="false: the person has confirmed already. Left out: the workspace's choice.",
    )


class ConsentWritten(serializers.Serializer[Any]):
    """`code`: subscribed, pending (a text asks for the YES), unsubscribed, unchanged.
    `record` is the ledger's row behind it, null for an opt-in that changed nothing."""

    code = serializers.ChoiceField(["subscribed", "pending", "unsubscribed", "unchanged"])
    record = IdField("cns", allow_null=True)
    canceled_messages = serializers.IntegerField(help_text="Queued texts that now never go.")


class ConsentQuery(serializers.Serializer[Any]):
    contact = IdField("con", required=False, help_text="The number of this contact.")
    phone = serializers.CharField(
        max_length=40, required=False, help_text="This number. One of the two."
    )


class ConsentShown(serializers.Serializer[Any]):
    """One row of a number's ledger. `evidence` is empty once the contact was erased."""

    id = IdField("cns")
    position = serializers.IntegerField()
    kind = serializers.CharField()
    message_types = serializers.ListField(child=serializers.CharField())
    source = serializers.CharField()  # type: ignore[assignment]
    reason = serializers.CharField(allow_blank=True)
    legal_basis = serializers.CharField(allow_blank=True)
    rule = serializers.CharField(allow_blank=True)
    actor = serializers.CharField(allow_blank=True)
    occurred_at = serializers.DateTimeField()
    recorded_at = serializers.DateTimeField()
    disclosure = serializers.CharField(allow_blank=True)
    evidence = serializers.DictField(child=serializers.CharField(allow_blank=True))
    row_hash = serializers.CharField()


class ConsentPage(serializers.Serializer[Any]):
    consents = ConsentShown(many=True)
    next_cursor = serializers.CharField(allow_null=True)


class OptOutLinkShown(serializers.Serializer[Any]):
    url = serializers.CharField()


class ConsentList(TenantAPIView):
    names_in_body = True
    leads_on = True
    refusals = {
        "POST": {
            "409": "`stop_stands`: this number opted out, and only its owner takes that back."
            " `older_than_opt_out`: it opted out after that moment."
        }
    }
    required_scopes = {"GET": "consent:read", "POST": "consent:write"}

    @extend_schema(
        operation_id="listConsents", parameters=[ConsentQuery, *PAGE], responses=ConsentPage
    )
    def get(self, request: Request) -> Response:
        """The ledger of one number, newest first, with its evidence."""
        page = _BY_POSITION.read(request.query_params)
        whom = _find(read_query(ConsentQuery, request))
        token = find_tokens([whom.phone])[whom.phone] if whom.phone else ""
        records = ConsentRecord.objects.filter(phone_token=token)
        rows = list(_BY_POSITION.cut(records, page, "position")) if token else []
        disclosures, personal = evidence_of(rows)

        def show(row: ConsentRecord) -> dict[str, Any]:
            return {
                "id": show_id("cns", row.id),
                **{name: getattr(row, name) for name in _SHOWN},
                "disclosure": disclosures.get(row.disclosure_hash, ""),
                "evidence": personal.get(row.id, {}),
            }

        return Response(
            _BY_POSITION.answer("consents", rows, page, key=lambda row: (row.position,), show=show)
        )

    @extend_schema(
        operation_id="recordConsent",
        request=ConsentWrite,
        responses={
            201: ConsentWritten,
            200: OpenApiResponse(ConsentWritten, "It was so already; nothing was written."),
        },
        examples=such_as(
            {
                "action": "opt_out",
                "phone": "+13105550142",
                "occurred_at": "2026-11-17T18:00:00Z",
                "evidence": {"words": "Asked on the telephone"},
            }
        ),
    )
    def post(self, request: Request) -> Response:
        """Records an opt-in or an opt-out with what proves it.

        An opt-out always holds, at once: queued texts are canceled before the answer. An opt-in
        never takes an opt-out back (409 `stop_stands`).
        """
        given = read_body(ConsentWrite, request)
        whom = _find(given)
        if not whom.phone:
            raise Invalid([FieldError("contact", "no_phone", "This contact has no phone number.")])
        act = _opt_out if given["action"] == "opt_out" else _opt_in
        try:
            answer = act(request, whom, given)
        except Invalid as problem:  # the verbs take sets and say which of them; here it is one
            raise Invalid(
                [replace(error, field=_SET.sub("", error.field)) for error in problem.errors]
            ) from None
        is_new = answer["record"] is not None and answer["code"] != "unchanged"
        return Response(answer, status=201 if is_new else 200)


class OptOutLinkList(TenantAPIView):
    names_in_body = True
    required_scope = "consent:write"

    @extend_schema(
        operation_id="makeOptOutLink",
        request=Whom,
        responses=OptOutLinkShown,
        examples=such_as({"phone": "+13105550142"}),
    )
    def post(self, request: Request) -> Response:
        """The public page where whoever holds the link can stop the texts to this number. Always
        the same for a number; looking at it changes nothing."""
        whom = _find(read_body(Whom, request))
        if not whom.phone:
            raise Invalid([FieldError("contact", "no_phone", "This contact has no phone number.")])
        return Response({"url": opt_out_url(whom.phone)})


_SHOWN = (
    "position", "kind", "message_types", "source", "reason", "legal_basis", "rule", "actor",
    "occurred_at", "recorded_at", "row_hash",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Whom:
    phone: str
    contact_id: UUID | None


def _find(given: dict[str, Any]) -> _Whom:
    """The number in question, "" when the contact has none. Raises `Invalid`, `NotFound`."""
    contact_id, phone = given.get("contact"), given.get("phone")
    if (contact_id is None) == (phone is None):
        raise Invalid([FieldError("contact", "one_of", "Send either contact or phone.")])
    if contact_id is not None:
        found = present_contact(contact_id)
        return _Whom(found.phone or "", contact_id)
    try:
        return _Whom(clean_phone(str(phone), workspace_defaults().country)[0], None)
    except ValueError as error:
        raise Invalid([FieldError("phone", "invalid_phone", str(error))]) from None


def _opt_in(request: Any, whom: _Whom, given: dict[str, Any]) -> dict[str, Any]:
    errors = [
        FieldError(name, "missing", detail)
        for name, detail in (
            ("legal_basis", "An opt-in must name its legal basis."),
            ("evidence", "An opt-in needs at least one piece of evidence."),
        )
        if not given.get(name)
    ]
    if given.get("legal_basis") == "pewc" and not given.get("disclosure", "").strip():
        detail = "Written consent is consent to a text: send the text as it was shown."
        errors.append(FieldError("disclosure", "missing", detail))
    if errors:
        raise Invalid(errors)
    result = opt_in(
        OptIn(
            phone=whom.phone,
            source="api",
            occurred_at=given["occurred_at"],
            contact_id=whom.contact_id,
            legal_basis=given["legal_basis"],
            message_types=tuple(sorted(set(given.get("message_types", CONSENT_TYPES)))),
            double_opt_in=given.get("double_opt_in"),
            evidence=_evidence(given),
            disclosure=given.get("disclosure", ""),
            actor=f"key:{request.key.prefix}",
        ),
        knows_contact=True,
        now=request.now,
        wall=wall_now(),
    )
    if result.code in _REFUSED:
        raise Problem(result.code, _REFUSED[result.code], status=409)
    return _written(result.code, result.record_id)


def _opt_out(request: Any, whom: _Whom, given: dict[str, Any]) -> dict[str, Any]:
    done = opt_out(
        OptOut(
            phone=whom.phone,
            contact_id=whom.contact_id,
            source="api",
            evidence=_evidence(given),
            occurred_at=given["occurred_at"],
            actor=f"key:{request.key.prefix}",
        ),
        now=request.now,
    )
    code = "unsubscribed" if done.is_new else "unchanged"
    return _written(code, done.record_id, done.canceled)


def _written(code: str, record_id: UUID | None, canceled: int = 0) -> dict[str, Any]:
    shown = show_id("cns", record_id) if record_id else None
    return {"code": code, "record": shown, "canceled_messages": canceled}


def _evidence(given: dict[str, Any]) -> dict[str, str]:
    evidence: dict[str, str] = given.get("evidence") or {}
    if len(evidence) > _MOST_EVIDENCE:
        detail = f"At most {_MOST_EVIDENCE} pieces."
        raise Invalid([FieldError("evidence", "too_many", detail)])
    wrong = [name for name in evidence if not _NAME.fullmatch(name) or name in {"phone", "keyword"}]
    if wrong:
        detail = "Names are lower-case words such as ip_address; phone and keyword are ours."
        raise Invalid(
            [FieldError(f"evidence.{name[:40]}", "invalid_name", detail) for name in wrong[:20]]
        )
    return evidence
