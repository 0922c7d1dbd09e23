"""The same over HTTP against a running installation: web processes, workers, PostgreSQL, Valkey.

    KAIROS_FUZZ_EXAMPLES=200 pytest tests/api/test_live.py -s

asks more. Nothing is rolled back here: what is written reaches the workers, so they are looked at
as well.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import assume
from schemathesis.core.failures import Failure, FailureGroup

from tests.api.fuzzing import SAY_NO, fuzz
from tests.faults.stack import Stack

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

EXAMPLES = int(os.environ.get("KAIROS_FUZZ_EXAMPLES", "2"))
SETTLED = 180.0
# Calls before them, which here nobody takes back, have brought the import further.
SPENT = {"PUT /api/v1/imports/{job}/file", "POST /api/v1/imports/{job}/cancel"}
LONGEST_ADDRESS = 4000
PENDING = "SELECT count(*) FROM events_eventbatch WHERE state = 'pending'"


@pytest.fixture
def stack() -> Iterator[Stack]:
    made = Stack(seed=1)
    try:
        made.start()
        # Limits of requests and addresses of this machine are a matter of other tests.
        made.environment |= {"KAIROS_API_RATE": "10000000", "KAIROS_WEBHOOK_LOOPBACK": "yes"}
        made.start_web()
        made.start_worker("worker-1")
        yield made
    finally:
        made.stop()


def test_a_running_installation_answers_what_it_describes(stack: Stack) -> None:
    given = json.loads(stack.run("-m", "tests.api.prepare").strip().splitlines()[-1])
    schema: Any = schemathesis.openapi.from_url(f"{stack.base_url}/api/schema/")
    webhook = {"url": f"{stack.carrier.base_url}/fresh", "events": ["SMS Sent"]}
    bodies = {"POST /api/v1/webhooks": webhook}
    found: dict[str, str] = {}
    seen: dict[str, Counter[int]] = {}
    with requests.Session() as session:
        session.headers["Authorization"] = f"Bearer {given['api_key']}"
        for operation in sorted((each.ok() for each in schema.get_all_operations()), key=last_goes):
            counts = seen[operation.label] = Counter()

            def send(case: Any, counts: Counter[int] = counts) -> Any:
                # A longer address never reaches the API: the web server refuses it by itself.
                asked = case.as_transport_kwargs(base_url=stack.base_url)
                address = (
                    requests.Request("GET", asked["url"], params=asked["params"]).prepare().url
                )
                assume(len(address or "") < LONGEST_ADDRESS)
                answer = case.call(session=session, timeout=60)
                counts[answer.status_code] += 1
                return answer

            try:
                body = bodies.get(operation.label)
                fuzz(operation, given["ids"], send, body=body, examples=EXAMPLES)
            except (FailureGroup, Failure) as failure:
                found[operation.label] = str(failure)
    tell(seen)
    assert found == {}
    silent = {label for label, counts in seen.items() if min(counts) >= 300}
    assert silent - SAY_NO - SPENT == set()
    settle(stack)
    for name in ("web", "worker-1"):
        assert troubles(stack, name) == []


def last_goes(operation: Any) -> tuple[bool, int]:
    """What takes things away comes last, and the thing itself after what belongs to it."""
    deletes = operation.method.upper() == "DELETE"
    return deletes, -operation.path.count("/") if deletes else 0


def tell(seen: dict[str, Counter[int]]) -> None:
    total: Counter[int] = Counter()
    for counts in seen.values():
        total += counts
    sys.stderr.write(f"\n{sum(total.values())} calls to {len(seen)} operations: {dict(total)}\n")


def settle(stack: Stack) -> None:
    """Waits until the workers are through with what was written."""
    end = time.monotonic() + SETTLED
    while stack.ask(PENDING) != [(0,)]:
        assert time.monotonic() < end, stack.log_end("worker-1")
        time.sleep(0.2)


def troubles(stack: Stack, name: str) -> list[str]:
    """Lines of a process that tell of an error it did not expect."""
    text = (stack.folder / f"{name}.log").read_text(errors="replace")
    marks = ("Traceback", '"level":"error"', "[ERROR", "ERROR/")
    return [line[:2000] for line in text.splitlines() if any(mark in line for mark in marks)]
