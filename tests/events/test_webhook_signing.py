"""Signatures, retries and bodies: the pure parts of webhooks."""

from __future__ import annotations

import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from events.core.backoff import GIVE_UP_AFTER, is_hopeless, next_attempt, pause
from events.core.payloads import body_of
from events.core.signing import sign, verify

BODY = b'{"id":"evt_1"}'
NOW = 1_763_748_000
ID = UUID("0190f8a0-0000-7000-8000-000000000001")


def test_a_signature_is_the_hmac_of_time_and_body() -> None:
    header = sign(BODY, ["s1"], at=NOW)
    right = hmac.new(b"s1", f"{NOW}.".encode() + BODY, hashlib.sha256).hexdigest()
    assert header == f"t={NOW},v1={right}"
    assert verify(BODY, header, "s1", now=NOW + 300)


@pytest.mark.parametrize(
    ("body", "secret", "now"),
    [(BODY + b" ", "s1", NOW), (BODY, "s2", NOW), (BODY, "s1", NOW + 301), (BODY, "s1", NOW - 301)],
)
def test_another_body_secret_or_time_does_not_fit(body: bytes, secret: str, now: int) -> None:
    assert not verify(body, sign(BODY, ["s1"], at=NOW), secret, now=now)


@pytest.mark.parametrize(
    "header", ["", "t=1", "v1=aa", f"t={NOW}", f"t={NOW},t={NOW}", "t=x,v1=y", "t=²,v1=é", ",,="]
)
def test_headers_from_anywhere_are_just_wrong(header: str) -> None:
    assert not verify(BODY, header, "s1", now=NOW)


def test_a_moved_time_breaks_the_signature() -> None:
    header = sign(BODY, ["s1"], at=NOW - 1000).replace(str(NOW - 1000), str(NOW))
    assert not verify(BODY, header, "s1", now=NOW)


def test_while_a_secret_is_replaced_either_fits() -> None:
    header = sign(BODY, ["new", "old"], at=NOW)
    assert [verify(BODY, header, each, now=NOW) for each in ("new", "old", "else")] == [
        True, True, False,
    ]  # fmt: skip


def test_attempts_spread_over_a_day_and_end() -> None:
    first = at = datetime(2026, 11, 21, tzinfo=UTC)
    gaps, attempts = [], 1
    while (following := next_attempt(attempts, first_at=first, now=at, delivery_id=ID)) is not None:
        gaps.append((following - at).total_seconds())
        at, attempts = following, attempts + 1
    assert gaps == sorted(gaps)
    assert 10 <= gaps[0] < 12
    assert attempts == 11
    assert GIVE_UP_AFTER - timedelta(hours=6.6) < at - first <= GIVE_UP_AFTER
    assert next_attempt(10_000, first_at=first, now=first, delivery_id=ID) is not None


def test_an_endpoint_is_left_alone_longer_and_longer_and_then_switched_off() -> None:
    assert [pause(n).total_seconds() for n in (3, 4, 5, 20, 10_000)] == [5, 10, 20, 300, 300]
    now = datetime(2026, 11, 21, tzinfo=UTC)
    assert not is_hopeless(9, now - timedelta(days=3), now)
    assert not is_hopeless(500, now - timedelta(hours=23), now)
    assert not is_hopeless(500, None, now)
    assert is_hopeless(10, now - timedelta(hours=24), now)


def test_bodies_show_typed_ids_of_ours_and_leave_others_as_they_came() -> None:
    properties = {"message_id": str(ID), "run_id": None, "segment_id": "no id", "status": "sent"}

    def made(is_own: bool) -> dict[str, object]:
        body = body_of(
            event_id=ID,
            name="SMS Sent",
            occurred_at=datetime(2026, 11, 21, 18, 4, 5, tzinfo=UTC),
            properties=properties,
            contact=(ID, "u1"),
            subject=None,
            is_own=is_own,
        )
        found: dict[str, object] = json.loads(body)
        return found

    assert made(True) == {
        "id": f"evt_{ID.hex}",
        "type": "SMS Sent",
        "created_at": "2026-11-21T18:04:05Z",
        "data": {
            "contact": {"id": f"con_{ID.hex}", "external_id": "u1"},
            "subject": None,
            "properties": {**properties, "message_id": f"msg_{ID.hex}"},
        },
    }
    assert made(False)["data"]["properties"] == properties  # type: ignore[index]
