"""Whatever is sent, the API answers what its description says, and never with an error of its own."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.db import close_old_connections, transaction
from schemathesis.core.failures import Failure, FailureGroup

from api.views import openapi
from config.wsgi import application
from tests.api.calling import Api
from tests.api.fuzzing import SAY_NO, fuzz
from tests.isolation.table import WEBHOOK

EXAMPLES = 8


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
    bodies = {"POST /api/v1/webhooks": WEBHOOK}

    def send(case: Any) -> Any:
        return case.call(headers={"Authorization": f"Bearer {api.brand.api_key}"})

    for each in described().get_all_operations():
        operation = each.ok()
        with transaction.atomic():
            try:
                seen[operation.label] = fuzz(
                    operation, api.ids, send, body=bodies.get(operation.label), examples=EXAMPLES
                )
            except (FailureGroup, Failure) as failure:
                found[operation.label] = str(failure)
            transaction.set_rollback(True)
    assert found == {}
    # Every operation had something to say besides "no", but where the state of things forbids it.
    assert {label for label, codes in seen.items() if min(codes) >= 300} - SAY_NO == set()
