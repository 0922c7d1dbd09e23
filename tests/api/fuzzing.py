"""Valid and invalid requests to every operation, each answer held against the description."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import Failure
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from api.views import openapi
from tests.isolation.table import FLOW, OPT_OUT, SEGMENT

SLUGS = {"flows": "cart-recovery", "templates": "plain", "segments": "angelenos"}

# Bodies that make sense, where chance would not find one.
BODIES: dict[str, Any] = {
    "POST /api/v1/contacts": {"external_id": "fresh", "attributes": {"plan": "gold"}},
    "PATCH /api/v1/attributes/{attribute_name}": {"kept_days": 365},
    "POST /api/v1/products": {"products": [{"product_id": "fresh", "price": "9.50"}]},
    "POST /api/v1/segments": SEGMENT,
    "POST /api/v1/messages": {"template": "shipped", "contact": {"external_id": "maya"}},
    "POST /api/v1/flows": FLOW,
    "POST /api/v1/flows/{slug}/versions": {"definition": FLOW["definition"]},
    "POST /api/v1/consents": OPT_OUT,
    "POST /api/v1/contact-changes": {"contacts": [f"con_{1:032x}"], "name": "plan", "value": 1},
    "POST /api/v1/opt-outs": {"contacts": [f"con_{1:032x}"], "reason": "Letter"},
    "POST /api/v1/watched-dates": {"field": "birthday", "days": -1},
    "POST /api/v1/imports": {"kind": "contacts", "name": "fresh.csv"},
    "POST /api/v1/imports/{job}/check": {},
    "POST /api/v1/opt-out-links": {"phone": "+13105550142"},
    "POST /api/v1/connectors": {"kind": "webhook", "name": "Help desk"},
    "POST /api/v1/connectors/{connector}/secret": {},
}
# Nothing is paused, started or undelivered in this workspace, nobody is merged, and chance finds
# neither the id that confirms an erasure nor the name of an event.
SAY_NO = {
    "POST /api/v1/contacts/{ref}/erase",
    "POST /api/v1/contacts/{ref}/merge",
    "POST /api/v1/contacts/{ref}/unmerge",
    "GET /api/v1/event-definitions/{name}",
    "PATCH /api/v1/event-definitions/{name}",
    "POST /api/v1/webhooks/{hook}/replays",
    "POST /api/v1/campaigns/{campaign}/pause",
    "POST /api/v1/campaigns/{campaign}/resume",
    "POST /api/v1/campaigns/{campaign}/stop",
    "DELETE /api/v1/flows/{slug}/pause",
    "POST /api/v1/imports/{job}/start",
    "POST /api/v1/imports/{job}/pause",
    "POST /api/v1/imports/{job}/resume",
    "GET /api/v1/consents",
}

Send = Callable[[Any], Any]


def refusal_is_described(context: Any, response: Any, case: Any) -> None:
    """The code of a refusal stands in the description of its status."""
    if response.status_code < 400:
        return
    told = openapi()["paths"][case.operation.path][case.operation.method.lower()]["responses"]
    said = told.get(str(response.status_code), {}).get("description", "")
    try:
        code = response.json().get("code")
    except ValueError:
        code = f"no code but {response.text[:80]!r}"
    if f"`{code}`" not in said:
        raise Failure(
            operation=case.operation.label,
            title="A code that is not described",
            message=f"{response.status_code} {code}",
        )


CHECKS: list[Any] = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    refusal_is_described,
]


def fuzz(
    operation: Any, ids: Mapping[str, str], send: Send, *, body: Any = None, examples: int
) -> set[int]:
    """Valid and invalid requests, and one that makes sense; the statuses they were answered."""
    codes: set[int] = set()
    path = real_path(operation, ids)

    def run(strategy: Any, most: int) -> None:
        @settings(
            max_examples=most,
            deadline=None,
            database=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        )
        @given(case=strategy)
        def call(case: Any) -> None:
            response = send(case)
            codes.add(response.status_code)
            case.validate_response(response, checks=CHECKS)

        call()

    sense = body if body is not None else BODIES.get(operation.label)
    if sense is not None:
        run(operation.as_strategy(path_parameters=path, query={}, headers={}, body=sense), 1)
    valid = operation.as_strategy(GenerationMode.POSITIVE, path_parameters=path)
    run(st.one_of(valid, operation.as_strategy(GenerationMode.NEGATIVE)), examples)
    return codes


def real_path(operation: Any, ids: Mapping[str, str]) -> dict[str, Any] | None:
    """Something that is there, for the placeholders of the path."""
    noun = operation.path.split("/")[3]
    known = {
        "ref": ids.get(noun),
        "slug": SLUGS.get(noun),
        "campaign": ids["campaigns"],
        "job": ids["imports"],
        "date": ids["watched-dates"],
        "hook": ids["webhooks"],
        "connector": ids["connectors"],
        "body": ids["bodies"],
        "attribute_name": "first_name",
        "number": 1,
    }
    names = re.findall(r"{(\w+)}", operation.path)
    return {name: known[name] for name in names if known.get(name)} or None
