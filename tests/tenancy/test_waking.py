"""Wakes of a burst become a few; none is lost and none goes before its rows are committed."""

from __future__ import annotations

import time
from typing import Any

import pytest
from django.db import transaction

from tenancy import waking
from tests.support.carrier import wait_for


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch, settings: Any) -> list[tuple[float, str]]:
    settings.CELERY_BROKER_URL = "redis://127.0.0.1:1/0"
    sent: list[tuple[float, str]] = []
    monkeypatch.setattr(waking, "_latest", {})
    monkeypatch.setattr(
        waking,
        "_send",
        lambda task, queue, kwargs: sent.append((time.monotonic(), kwargs["tenant_id"])),
    )
    return sent


@pytest.fixture(autouse=True)
def _long_bursts(monkeypatch: pytest.MonkeyPatch) -> None:
    """A slow machine must not need longer for a burst than wakes are merged for."""
    monkeypatch.setattr(waking, "MERGE_SECONDS", 1.0)


def _settle(sent: list[Any], wakes: int) -> None:
    """Waits for the wakes that stand for bursts, and until the next one goes at once again."""
    wait_for(lambda: len(sent) >= wakes)
    time.sleep(waking.MERGE_SECONDS * 1.5)


@pytest.mark.django_db(transaction=True)
def test_the_first_wake_goes_at_once_and_the_rest_of_the_burst_as_one(sent: list[Any]) -> None:
    waking.wake("some.work", tenant_id="a")
    assert len(sent) == 1
    for _ in range(20):
        waking.wake("some.work", tenant_id="a")
    _settle(sent, 2)
    assert len(sent) == 2
    # The one that stands for the burst went after the last of it was committed.
    assert sent[1][0] - sent[0][0] >= waking.MERGE_SECONDS * 0.9
    waking.wake("some.work", tenant_id="a")
    assert len(sent) == 3


@pytest.mark.django_db(transaction=True)
def test_workspaces_do_not_share_a_wake(sent: list[Any]) -> None:
    for tenant_id in ("a", "b", "a", "b"):
        waking.wake("some.work", tenant_id=tenant_id)
    _settle(sent, 4)
    assert sorted(name for _, name in sent) == ["a", "a", "b", "b"]


@pytest.mark.django_db(transaction=True)
def test_a_wake_waits_for_the_commit_and_a_rollback_sends_none(sent: list[Any]) -> None:
    with transaction.atomic():
        waking.wake("some.work", tenant_id="a")
        assert sent == []
    assert len(sent) == 1
    with transaction.atomic():
        waking.wake("some.work", tenant_id="b")
        transaction.set_rollback(True)
    _settle(sent, 1)
    assert len(sent) == 1
