"""Set-up that every test shares: a real database with the real roles, and two workspaces."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime

import hypothesis
import pytest
from django.conf import settings
from django.test import TransactionTestCase

from tenancy.domain.keys import forget_found_keys
from tests.support import database
from tests.support.world import World, make_world

# The same examples in every run, however slow the machine: a red run is about the change at hand.
# KAIROS_EXPLORE=yes tries others.
EXPLORES = os.environ.get("KAIROS_EXPLORE") == "yes"
hypothesis.settings.register_profile(
    "kairos",
    deadline=None,
    derandomize=not EXPLORES,
    database=None,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.load_profile("kairos")


@pytest.fixture(scope="session")
def django_db_setup(
    request: pytest.FixtureRequest, django_db_blocker: pytest.FixtureRequest, worker_id: str = ""
) -> Iterator[None]:
    keep = bool(request.config.getvalue("reuse_db"))
    name = str(settings.DATABASES["default"]["NAME"])
    with django_db_blocker.unblock():  # type: ignore[attr-defined]
        database.make_database(name, keep=keep)
    yield
    if not keep:
        with django_db_blocker.unblock():  # type: ignore[attr-defined]
            database.drop_database(name)


@pytest.fixture(autouse=True, scope="session")
def _empty_instead_of_flush() -> Iterator[None]:
    """The application's role may not truncate, so committed rows are removed by the owner."""
    before = TransactionTestCase._fixture_teardown  # type: ignore[attr-defined]
    TransactionTestCase._fixture_teardown = lambda self: database.empty_tables()  # type: ignore[attr-defined]
    yield
    TransactionTestCase._fixture_teardown = before  # type: ignore[attr-defined]


@pytest.fixture(autouse=True)
def _no_keys_of_an_earlier_test() -> None:
    """Tests choose the same secrets; a key found for one test's workspace is not another's."""
    forget_found_keys()


@pytest.fixture(autouse=True)
def _defaults_are_kept_for_one_test(monkeypatch: pytest.MonkeyPatch) -> None:
    """Five seconds may run out while a slow machine counts queries, or outlive a test."""
    monkeypatch.setattr("people.domain.defaults._SECONDS", 600.0)
    monkeypatch.setattr("people.domain.defaults._defaults", {})


@pytest.fixture
def now() -> datetime:
    """A Tuesday, 18:00 UTC: eleven in the morning in Los Angeles, two in New York."""
    return datetime(2026, 11, 17, 18, 0, tzinfo=UTC)


@pytest.fixture
def world(db: None, now: datetime) -> World:
    """Two organizations' worth of look-alike workspaces; changes are rolled back."""
    return make_world(now)


@pytest.fixture
def committed_world(transactional_db: None, now: datetime) -> World:
    """The same with real commits, for threads, live servers and races."""
    return make_world(now)
