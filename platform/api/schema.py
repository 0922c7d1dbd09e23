"""How the API describes itself: one error shape, keys, tags and headers on every operation."""

from __future__ import annotations

import re
from typing import Any

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiExample, OpenApiParameter
from rest_framework import serializers

from api.paging import DEFAULT_LIMIT, MAX_LIMIT

PROBLEM_TYPE = "application/problem+json"
IDEMPOTENCY_HEADER = "Idempotency-Key"
_BODIES = frozenset({"POST", "PUT", "PATCH"})
_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")

_WRITTEN = {" api ": " API ", "opt out": "opt-out"}

PAGE: list[Any] = [
    OpenApiParameter("cursor", str, description="`next_cursor` of the page before."),
    OpenApiParameter(
        "limit",
        {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": DEFAULT_LIMIT},
        description="Rows a page.",
    ),
]
_IDEMPOTENCY = OpenApiParameter(
    IDEMPOTENCY_HEADER,
    {"type": "string", "minLength": 1, "maxLength": 200, "pattern": "^[!-~]+$"},
    OpenApiParameter.HEADER,
    description="Sending again with the same key within 24 hours does nothing twice and is"
    " answered as the first time.",
)
_RATE = [
    OpenApiParameter(name, int, OpenApiParameter.HEADER, description=text, response=[200, 201, 202])
    for name, text in (
        ("RateLimit-Limit", "Requests a key may send in a minute."),
        ("RateLimit-Remaining", "Requests left."),
        ("RateLimit-Reset", "Seconds until the window turns."),
    )
]
_LEADS = OpenApiParameter(
    "Location",
    {"type": "string", "format": "uri-reference"},
    OpenApiParameter.HEADER,
    description="The same address with the survivor's id.",
    response=[307],
)
_PROBLEMS = {
    "307": "`contact_merged`: an old id. `Location` is the same address with the id of the contact it"
    " is a part of now, which `errors` names too.",
    "400": "`unknown_parameter`: a query parameter that is not listed here; the answer names those"
    " that are.",
    "401": "`unauthenticated`: no key, or one that opens nothing.",
    "403": "`forbidden`: the key lacks the scope, or is a write key.",
    "404": "`not_found`: it does not exist in this workspace.",
    "409": "",
    "413": "`body_too_large`: the body is larger than allowed.",
    "415": "`unsupported_media_type`: the body is not JSON.",
    "422": "`invalid`: Fields that cannot be accepted, each named with a code of its own.",
    "429": "`rate_limited`: too many requests; `Retry-After` says when to come back.",
    "503": "`unavailable`: the database is away; sending again is safe.",
}
_MALFORMED = "`malformed_json`: the body is no valid JSON."
_REPEATED = (
    "`idempotency_conflict`: this `Idempotency-Key` came with another request."
    " `idempotency_in_progress`: the first request with it is still at work."
)
_MERGED = (
    "`contact_merged`: an old id; `errors` names the contact it is a part of now, and nothing was"
    " changed."
)
# What stands in paths, by the first word of the path: what it is, and how one looks.
_ID = "0190f8a0d3b47c1e8f00000000000001"
_PLACES = {
    ("contacts", "ref"): ("The contact's id.", f"con_{_ID}"),
    ("messages", "ref"): ("The message's id.", f"msg_{_ID}"),
    ("imports", "job"): ("The import's id.", f"imp_{_ID}"),
    ("keys", "ref"): ("The key's id.", f"key_{_ID}"),
    ("campaigns", "campaign"): ("The campaign's id.", f"cmp_{_ID}"),
    ("event-definitions", "name"): ("The event's name, or an alias of it.", "checkout_started"),
    ("connectors", "connector"): ("The connector's id.", f"cnr_{_ID}"),
    ("connectors", "body"): ("The stored body's id.", f"bdy_{_ID}"),
    ("attributes", "attribute_name"): ("The attribute's name.", "lifecycle_stage"),
    ("watched-dates", "date"): ("The watched date's id.", f"dat_{_ID}"),
    ("webhooks", "hook"): ("The webhook's id.", f"whk_{_ID}"),
    ("flows", "slug"): ("The flow's slug.", "cart-recovery"),
    ("flows", "number"): ("The version's number.", 1),
    ("segments", "slug"): ("The segment's slug.", "in-austin"),
    ("templates", "slug"): ("The template's slug.", "cart-1"),
}


def such_as(body: dict[str, Any]) -> list[OpenApiExample]:
    """A body that makes sense: told in the description and on the page, and sent by a test."""
    return [OpenApiExample("Such as", value=body, request_only=True)]


class FieldProblem(serializers.Serializer[Any]):
    """One wrong field. `field` is a path into what was sent."""

    field = serializers.CharField(allow_blank=True)
    code = serializers.CharField()
    detail = serializers.CharField()


class ProblemShown(serializers.Serializer[Any]):
    """Problem details (RFC 9457). `code` is stable."""

    type = serializers.CharField()
    title = serializers.CharField()
    status = serializers.IntegerField()
    code = serializers.CharField()
    detail = serializers.CharField()
    errors = FieldProblem(many=True)  # type: ignore[assignment]
    request_id = serializers.CharField(allow_blank=True)


def list_of(plural: str, item: type[serializers.Serializer[Any]]) -> Any:
    """The serializer of {plural: [...], "next_cursor": text or None}."""
    return type(
        f"{item.__name__}List",
        (serializers.Serializer,),
        {
            plural: item(many=True),
            "next_cursor": serializers.CharField(allow_null=True),
            "__doc__": f"One page. `next_cursor` is null on the last one. `{plural}` in order.",
        },
    )


class KairosSchema(AutoSchema):
    """What every operation has without saying so.

    A view whose body or query names things that may not be there sets `names_in_body`; one whose
    POST keeps no answers, `takes_key = False`; one whose id may be that of a merged contact,
    `leads_on = True`. What it refuses besides what all do stands in `refusals`: {method: {status:
    words}}.
    """

    def get_tags(self) -> list[str]:
        return [self.path.removeprefix("/api/v1/").partition("/")[0]]

    def get_auth(self) -> list[dict[str, list[str]]]:
        return [{"Bearer": []}, {"Basic": []}]

    def get_summary(self) -> str:
        words = _WORD.findall(self.get_operation_id().replace("_", " "))
        told = " ".join(words).lower().capitalize()
        for plain, written in _WRITTEN.items():
            told = told.replace(plain, written)
        return told

    def get_description(self) -> str:  # type: ignore[override]
        scope = self._scope()
        said: str = super().get_description() if self._is_told() else ""
        needs = f"Needs the scope `{scope}`." if scope else ""
        return "\n\n".join(part for part in (said.strip(), needs) if part)

    def get_override_parameters(self) -> list[Any]:
        leads = [_LEADS] if "307" in self._merged_codes() else []
        return [*_RATE, *leads, *([_IDEMPOTENCY] if self._takes_key() else [])]

    def get_extensions(self) -> dict[str, Any]:
        return {"x-scope": self._scope()}

    def _scope(self) -> str:
        scopes: dict[str, str] = getattr(self.view, "required_scopes", {})
        return scopes.get(self.method, getattr(self.view, "required_scope", ""))

    def _is_told(self) -> bool:
        """A class's docstring tells of several methods: only a method's own counts."""
        handler = getattr(self.view, self.method.lower(), None)
        return bool(getattr(handler, "__doc__", None))

    def _get_response_bodies(self, direction: Any = "response") -> dict[str, Any]:
        bodies: dict[str, Any] = super()._get_response_bodies(direction)
        for code in self._problem_codes():
            if code in bodies:
                continue
            answer = self._get_response_for_code(  # type: ignore[no-untyped-call]
                ProblemShown, code, [PROBLEM_TYPE], direction
            )
            bodies[code] = {**answer, "description": self._words(code)}
        return dict(sorted(bodies.items()))

    def _words(self, code: str) -> str:
        parts = [_PROBLEMS[code]]
        if code == "400" and self.method in _BODIES:
            parts.append(_MALFORMED)
        if code == "409" and self._takes_key():
            parts.append(_REPEATED)
        if code == "409" and code in self._merged_codes():
            parts.append(_MERGED)
        return " ".join(part for part in (*parts, self._own_refusals().get(code, "")) if part)

    def _own_refusals(self) -> dict[str, str]:
        given: dict[str, str] = getattr(self.view, "refusals", {}).get(self.method, {})
        return given

    def _merged_codes(self) -> list[str]:
        """Whoever reads by an old id is led on; whoever writes is refused."""
        if not getattr(self.view, "leads_on", False):
            return []
        return ["307" if self.method == "GET" else "409"]

    def _takes_key(self) -> bool:
        return self.method == "POST" and getattr(self.view, "takes_key", True)

    def _resolve_path_parameters(self, variables: Any) -> Any:
        found = super()._resolve_path_parameters(variables)  # type: ignore[no-untyped-call]
        for each in found:
            words, value = _PLACES.get((self.get_tags()[0], each["name"]), ("", None))
            each |= {"description": words, "example": value} if words else {}
        return found

    def _problem_codes(self) -> list[str]:
        codes = ["400", "401", "403", "429", "503", *self._own_refusals(), *self._merged_codes()]
        if "{" in self.path or getattr(self.view, "names_in_body", False):
            codes.append("404")
        if self._takes_key():
            codes.append("409")
        if self.method in _BODIES:
            codes += ["413", "415", "422"]
        elif self._get_parameters():
            codes.append("422")
        return sorted(set(codes))
