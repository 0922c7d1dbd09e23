"""How the API describes itself: one error shape, keys, tags and headers on every operation."""

from __future__ import annotations

import re
from typing import Any

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers

from api.paging import DEFAULT_LIMIT, MAX_LIMIT

PROBLEM_TYPE = "application/problem+json"
IDEMPOTENCY_HEADER = "Idempotency-Key"
_BODIES = frozenset({"POST", "PUT", "PATCH"})
_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")

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
_PROBLEMS = {
    "400": "The body is no valid JSON.",
    "401": "No key, or one that opens nothing.",
    "403": "The key lacks the scope, or is a write key.",
    "404": "It does not exist in this workspace.",
    "409": "It is not possible in this state; the code says why.",
    "413": "The body is too large.",
    "415": "The body is not JSON.",
    "422": "Fields that cannot be accepted, each named.",
    "429": "Too many requests; `Retry-After` says when to come back.",
    "503": "The database is away; sending again is safe.",
}


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

    A view whose body or query names things that may not be there sets `names_in_body`.
    """

    def get_tags(self) -> list[str]:
        return [self.path.removeprefix("/api/v1/").partition("/")[0]]

    def get_auth(self) -> list[dict[str, list[str]]]:
        return [{"Bearer": []}, {"Basic": []}]

    def get_summary(self) -> str:
        words = _WORD.findall(self.get_operation_id().replace("_", " "))
        return (
            " ".join(words).lower().capitalize().replace("Api ", "API ").replace(" api ", " API ")
        )

    def get_description(self) -> str:  # type: ignore[override]
        scope = self._scope()
        said: str = super().get_description() if self._is_told() else ""
        needs = f"Needs the scope `{scope}`." if scope else ""
        return "\n\n".join(part for part in (said.strip(), needs) if part)

    def get_override_parameters(self) -> list[Any]:
        return [*_RATE, *([_IDEMPOTENCY] if self.method == "POST" else [])]

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
            bodies[code] = {**answer, "description": _PROBLEMS[code]}
        return dict(sorted(bodies.items()))

    def _problem_codes(self) -> list[str]:
        codes = ["401", "403", "429", "503"]
        if "{" in self.path or getattr(self.view, "names_in_body", False):
            codes.append("404")
        if self.method != "GET":
            codes.append("409")
        if self.method in _BODIES:
            codes += ["400", "413", "415", "422"]
        elif self._get_parameters():
            codes.append("422")
        return codes
