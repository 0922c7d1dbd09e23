"""What each message type obeys: the whole table, written out a second time."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from consent.core.message_types import (
    MATRIX,
    check_consent,
    check_review_pause,
    check_suppression,
    obeys,
)
from consent.core.quiet_hours import QuietRules, next_allowed
from consent.core.zones import ZoneInput, candidates

MIDNIGHT = datetime(2026, 11, 18, 8, 0, tzinfo=UTC)  # in Los Angeles
PLACE = candidates(ZoneInput(phone="+13105550100"))

CONSENT = [
    # type, status, established, allowed
    ("marketing", "subscribed", False, True),
    ("marketing", "pending", False, False),
    ("marketing", "never_subscribed", False, False),
    ("marketing", "never_subscribed", True, False),
    ("marketing", "unsubscribed", True, False),
    ("transactional", "subscribed", False, True),
    ("transactional", "never_subscribed", False, False),
    ("transactional", "never_subscribed", True, True),
    ("transactional", "pending", True, True),
    ("transactional", "unsubscribed", True, False),
    ("conversational", "never_subscribed", False, True),
    ("conversational", "subscribed", False, True),
    ("conversational", "pending", False, True),
    ("conversational", "unsubscribed", True, False),
    ("compliance", "never_subscribed", False, True),
    ("compliance", "unsubscribed", False, True),
]


@pytest.mark.parametrize(("kind", "status", "established", "allowed"), CONSENT)
def test_consent(kind: str, status: str, established: bool, allowed: bool) -> None:
    verdict = check_consent(kind, {kind: status}, established=established)
    assert verdict.ok is allowed
    assert verdict.reason == ("" if allowed else status)


@pytest.mark.parametrize(
    ("kind", "suppression", "review", "quiet", "cap", "holdout"),
    [
        ("marketing", True, True, True, True, True),
        ("transactional", True, False, True, False, False),
        ("conversational", True, False, False, False, False),
        ("compliance", False, False, False, False, False),
    ],
)
def test_other_checks(
    kind: str, suppression: bool, review: bool, quiet: bool, cap: bool, holdout: bool
) -> None:
    binding = MATRIX[kind]
    assert (binding.frequency_cap, binding.holdout) == (cap, holdout)
    assert check_suppression(kind, "landline").ok is not suppression
    assert check_suppression(kind, None).ok
    assert check_review_pause(kind, True).ok is not review
    assert check_review_pause(kind, False).ok
    assert next_allowed(PLACE, QuietRules(), kind, MIDNIGHT).ok is not quiet


def test_a_workspace_may_free_transactional_texts_but_not_marketing() -> None:
    rules = QuietRules(transactional_obeys=False)
    assert next_allowed(PLACE, rules, "transactional", MIDNIGHT).ok
    assert not next_allowed(PLACE, rules, "marketing", MIDNIGHT).ok
    assert obeys("marketing", transactional_obeys=False).quiet_hours


def test_the_table_names_every_type() -> None:
    assert set(MATRIX) == {"marketing", "transactional", "conversational", "compliance"}
