"""Whatever is sent, the API answers what its description says, and never with an error of its own."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.db import close_old_connections, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import Failure, FailureGroup
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from api.views import openapi
from config.wsgi import application
from tests.api.calling import Api
from tests.isolation.table import FLOW, OPT_OUT, SEGMENT, WEBHOOK

CHECKS: list[Any] = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
EXAMPLES = 8
SLUGS = {"flows": "cart-recovery", "templates": "plain", "segments": "angelenos"}


# Bodies that make sense, where chance would not find one.
BODIES: dict[str, Any] = {
    "POST /api/v1/contacts": {"external_id": "fresh", "attributes": {"plan": "gold"}},
    "POST /api/v1/products": {"products": [{"product_id": "fresh", "price": "9.50"}]},
    "POST /api/v1/segments": SEGMENT,
    "POST /api/v1/messages": {"template": "shipped", "contact": {"external_id": "maya"}},
    "POST /api/v1/flows": FLOW,
    "POST /api/v1/flows/{slug}/versions": {"definition": FLOW["definition"]},
    "POST /api/v1/consents": OPT_OUT,
    "POST /api/v1/opt-out-links": {"phone": "+13105550142"},
    "POST /api/v1/webhooks": WEBHOOK,
}
# Nothing is paused, started or undelivered in this workspace.
SAY_NO = {
    "POST /api/v1/webhooks/{hook}/replays",
    "POST /api/v1/campaigns/{campaign}/pause",
    "POST /api/v1/campaigns/{campaign}/resume",
    "POST /api/v1/campaigns/{campaign}/stop",
    "DELETE /api/v1/flows/{slug}/pause",
    "GET /api/v1/consents",
}


@pytest.fixture(autouse=True)
def _one_connection() -> Iterator[None]:
    """The test's transaction must outlive each request, as the test client sees to."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@lru_cache(maxsize=1)
def described() -> Any:
    schema = schemathesis.openapi.from_dict(openapi())
    schema.app = application
    return schema


def test_every_answer_is_described_and_none_is_a_server_error(api: Api) -> None:
    found: dict[str, str] = {}
    seen: dict[str, set[int]] = {}
    for each in described().get_all_operations():
        operation = each.ok()
        with transaction.atomic():
            try:
                seen[operation.label] = fuzz(operation, api)
            except (FailureGroup, Failure) as failure:
                found[operation.label] = str(failure)
            transaction.set_rollback(True)
    assert found == {}
    # Every operation had something to say besides "no", but where the state of things forbids it.
    assert {label for label, codes in seen.items() if min(codes) >= 300} - SAY_NO == set()


def fuzz(operation: Any, api: Api) -> set[int]:
    """Valid and invalid requests, and one that makes sense; the statuses they were answered."""
    codes: set[int] = set()
    path = real_path(operation, api)

    def run(strategy: Any, examples: int) -> None:
        @settings(
            max_examples=examples,
            deadline=None,
            database=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        )
        @given(case=strategy)
        def call(case: Any) -> None:
            response = case.call(headers={"Authorization": f"Bearer {api.brand.api_key}"})
            codes.add(response.status_code)
            case.validate_response(response, checks=CHECKS)

        call()

    sense = BODIES.get(operation.label)
    if sense is not None:
        run(operation.as_strategy(path_parameters=path, query={}, headers={}, body=sense), 1)
    valid = operation.as_strategy(GenerationMode.POSITIVE, path_parameters=path)
    run(st.one_of(valid, operation.as_strategy(GenerationMode.NEGATIVE)), EXAMPLES)
    return codes


def real_path(operation: Any, api: Api) -> dict[str, Any] | None:
    """Something that is there, for the placeholders of the path."""
    noun = operation.path.split("/")[3]
    known = {
        "ref": api.ids.get(noun),
        "slug": SLUGS.get(noun),
        "campaign": api.ids["campaigns"],
        "hook": api.ids["webhooks"],
        "number": 1,
    }
    names = re.findall(r"{(\w+)}", operation.path)
    return {name: known[name] for name in names} or None
