from __future__ import annotations

import json
from pathlib import Path

import pytest

from delivery.gateways import errors
from delivery.gateways.errors import classify_error, error_table

DATA = Path(errors.__file__).parent.parent / "data"


def test_all_107_codes_have_a_known_class() -> None:
    rows = json.loads((DATA / "twilio_error_actions.json").read_text())
    assert len(rows) == len(error_table()) == 107
    assert {row["cls"] for row in rows} <= set(errors._REACTIONS)
    for row in rows:
        found = classify_error(row["code"], 400 if row["where"] == "sync" else None)
        assert (found.code, found.name) == (row["code"], row["cls"])


@pytest.mark.parametrize(
    ("code", "name", "retry", "scope", "pauses", "suppresses"),
    [
        (21610, "opt_out", "no", "number", False, True),
        (21614, "number_permanent", "no", "number", False, True),
        (30003, "soft_bounce", "no", "number", False, False),
        (30005, "hard_bounce", "no", "number", False, False),
        (30007, "filtered", "no", "message", False, False),
        (30034, "sender_compliance", "no", "sender", True, False),
        (21606, "sender_config", "no", "sender", True, False),
        (21408, "tenant_config", "no", "workspace", False, False),
        (20003, "credential", "no", "gateway", True, False),
        (30036, "expired", "later", "message", False, False),
        (30017, "retry_later", "later", "message", False, False),
        (21611, "sender_backpressure", "later", "sender", True, False),
        (30023, "daily_cap", "later", "workspace", True, False),
        (20429, "throttle", "throttle", "sender", False, False),
        (14107, "throttle", "no", "pair", False, False),
        (20500, "ambiguous", "reconcile", "message", False, False),
        (21617, "content", "no", "message", False, False),
    ],
)
def test_reactions(
    code: int, name: str, retry: str, scope: str, pauses: bool, suppresses: bool
) -> None:
    found = classify_error(code)
    assert (found.name, found.retry, found.scope) == (name, retry, scope)
    assert (found.pauses, found.suppresses) == (pauses, suppresses)
    assert found.title
    assert found.action


def test_an_unknown_code_is_never_retried() -> None:
    for status in (None, 400):
        found = classify_error(99_999, status)
        assert (found.name, found.retry, found.pauses) == ("unknown", "no", False)


def test_the_status_alone() -> None:
    assert classify_error(None).name == "ok"
    assert classify_error(None, 201).name == "ok"
    assert classify_error(None, 429).retry == "throttle"
    assert classify_error(None, 503).retry == "reconcile"
    assert classify_error(21610, 500).retry == "reconcile"
    assert classify_error(None, 404).name == "unknown"


def test_what_was_definitely_never_taken() -> None:
    assert classify_error(21610, 400).never_taken
    assert classify_error(99_999, 400).never_taken
    assert classify_error(30036).never_taken
    assert not classify_error(30003).never_taken
    assert not classify_error(30007).never_taken
    assert not classify_error(20500, 500).never_taken
