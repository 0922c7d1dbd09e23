"""How a client is, in words."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from analytics.core.health import ClientFacts, Problem, failing_tone, judge

NOW = datetime(2026, 11, 17, 18, tzinfo=UTC)


def facts(**given: object) -> ClientFacts:
    values: dict[str, object] = {
        "delivered": 1000,
        "opt_outs": 0,
        "last_event_at": NOW,
        "senders": 1,
        "flows_live": 3,
        "paused_flows": [],
        **given,
    }
    return ClientFacts(**values)  # type: ignore[arg-type]


def test_all_is_well() -> None:
    assert judge(facts(), [], now=NOW) == []


@pytest.mark.parametrize(
    ("delivered", "opt_outs", "tone"),
    [
        (1000, 14, None),
        (1000, 15, "wait"),
        (1000, 29, "wait"),
        (1000, 30, "stop"),
        (49, 49, None),
        (50, 2, "stop"),
    ],
)
def test_opt_out_rate(delivered: int, opt_outs: int, tone: str | None) -> None:
    found = judge(facts(delivered=delivered, opt_outs=opt_outs), [], now=NOW)
    assert [problem.tone for problem in found] == ([tone] if tone else [])


@pytest.mark.parametrize(
    ("hours", "title"), [(47, ""), (48, "No event for 2 days"), (200, "No event for 8 days")]
)
def test_silence(hours: int, title: str) -> None:
    found = judge(facts(last_event_at=NOW - timedelta(hours=hours)), [], now=NOW)
    assert [problem.title for problem in found] == ([title] if title else [])


def test_the_worst_comes_first() -> None:
    gateway = Problem("concern", "The gateway is stopped", "", "stop")
    found = judge(facts(paused_flows=["A", "B", "C", "D"], flows_live=0), [gateway], now=NOW)
    assert [problem.tone for problem in found] == ["stop", "wait"]
    assert found[1].title == "4 flows are paused"
    assert found[1].detail == "A, B, C and others"


@pytest.mark.parametrize(
    ("count", "sent", "tone"), [(1, 0, "wait"), (9, 9, "wait"), (10, 90, "stop"), (10, 91, "wait")]
)
def test_one_text_that_did_not_arrive_is_no_alarm(count: int, sent: int, tone: str) -> None:
    assert failing_tone(count, sent) == tone
