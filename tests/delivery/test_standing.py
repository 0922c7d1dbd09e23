"""The pure machine: news in any order, twice or late, ends in the same state."""

from __future__ import annotations

import itertools
from uuid import UUID

import pytest

from delivery.core.standing import Standing, Telling, hear
from delivery.core.statuses import later_status

ATTEMPT, OTHER = UUID(int=1), UUID(int=2)
SID = "SM" + "0" * 32
SENDING = Standing("sending", ATTEMPT)


def taken(status: str, **more: object) -> Telling:
    return Telling("taken", ATTEMPT, SID, status, **more)  # type: ignore[arg-type]


def walk(standing: Standing, *told: Telling) -> tuple[Standing, list[str]]:
    happened: list[str] = []
    for one in told:
        step = hear(standing, one)
        standing = step.standing
        happened += step.happened
    return standing, happened


@pytest.mark.parametrize(
    "order", list(itertools.permutations(["accepted", "queued", "sent", "delivered"]))
)
def test_whatever_the_order_it_is_delivered_and_told_once(order: tuple[str, ...]) -> None:
    standing, happened = walk(SENDING, *(taken(status) for status in (*order, *order)))
    assert standing.status == "delivered"
    assert sorted(happened) == ["delivered", "sent"]


def test_the_first_final_status_stands_except_for_a_late_receipt() -> None:
    failed = taken("failed", error_code=30007, reason="carrier_filtered")
    standing, happened = walk(SENDING, failed, taken("delivered"), taken("sent"))
    assert (standing.status, standing.reason) == ("failed", "carrier_filtered")
    assert happened == ["sent", "failed"]
    late = taken("undelivered", error_code=30003, reason="not_reached")
    standing, happened = walk(SENDING, late, taken("delivered"))
    assert (standing.status, standing.reason, standing.error_code) == ("delivered", "", None)
    assert happened == ["sent", "failed", "delivered"]


def test_read_is_more_than_delivered_and_an_unknown_word_moves_nothing() -> None:
    standing, happened = walk(SENDING, taken("delivered"), taken("read"), taken("glowing"))
    assert (standing.status, standing.carrier_status) == ("delivered", "read")
    assert happened == ["sent", "delivered"]
    assert later_status("sent", "glowing") == "sent"


@pytest.mark.parametrize(
    ("kind", "status", "happened"),
    [
        ("refused", "failed", ["failed"]),
        ("returned", "queued", []),
        ("put_off", "scheduled", []),
        ("unsure", "sending", []),
        ("lost", "failed", ["failed"]),
    ],
)
def test_what_a_posts_outcome_does(kind: str, status: str, happened: list[str]) -> None:
    told = Telling(kind, ATTEMPT, reason="why")  # type: ignore[arg-type]
    standing, what = walk(SENDING, told)
    assert (standing.status, what) == (status, happened)
    # News of another attempt, or the same again, changes nothing more.
    assert hear(standing, told).standing == standing
    assert hear(SENDING, Telling(kind, OTHER)).standing == SENDING  # type: ignore[arg-type]


def test_a_callback_wins_over_our_own_doubt() -> None:
    lost = Telling("lost", ATTEMPT, reason="lost")
    standing, happened = walk(SENDING, lost, taken("delivered"))
    assert (standing.status, standing.reason) == ("delivered", "")
    assert happened == ["failed", "sent", "delivered"]


def test_a_text_that_had_left_after_all_is_not_sent_again() -> None:
    standing, happened = walk(SENDING, Telling("returned", ATTEMPT), taken("sent"))
    assert (standing.status, standing.attempt_id) == ("sent", ATTEMPT)
    assert happened == ["sent"]


def test_a_second_text_of_one_message_is_seen_and_moves_nothing() -> None:
    standing, _ = walk(SENDING, taken("sent"))
    step = hear(standing, Telling("taken", OTHER, "SM" + "1" * 32, "delivered"))
    assert step.stray
    assert step.standing == standing
