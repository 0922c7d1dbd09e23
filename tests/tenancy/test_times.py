"""Times come from PostgreSQL as they went there."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tenancy.times import QuickTimeLoader

pytestmark = pytest.mark.django_db


def read(value: Any) -> datetime | None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT %s::timestamptz", [value])
        found: datetime | None = cursor.fetchone()[0]
        return found


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.datetimes(timezones=st.just(UTC)))
def test_any_time_comes_back_as_it_went(db: None, value: datetime) -> None:
    found = read(value)
    assert found == value
    assert found is not None
    assert found.tzinfo is UTC


@pytest.mark.parametrize("value", ["2026-11-17 18:00:00.1+00", "0001-01-01", "1999-12-31 23:59+05"])
def test_whatever_it_is_written_like(value: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT extract(epoch FROM %s::timestamptz)", [value])
        seconds = float(cursor.fetchone()[0])
    found = read(value)
    assert found is not None
    assert (found - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds() == pytest.approx(seconds)


def test_nothing_is_nothing() -> None:
    assert read(None) is None


@pytest.mark.parametrize("value", ["infinity", "0044-03-15 BC", "12026-01-01"])
def test_what_python_has_no_time_for_is_refused(value: str) -> None:
    with pytest.raises(Exception, match="timestamp"):
        read(value)


def test_a_session_in_another_zone_is_read_the_long_way() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL TIME ZONE 'America/Los_Angeles'")
        cursor.execute("SELECT '2026-07-01 12:00:00+00'::timestamptz")
        found = cursor.fetchone()[0]
    # Django says UTC of whatever it reads; the clock time is then the session's.
    assert (found.hour, found.tzinfo) == (5, UTC)


def test_it_is_the_one_in_use() -> None:
    connection.ensure_connection()
    oid = connection.connection.adapters.types["timestamptz"].oid
    from psycopg.pq import Format

    assert connection.connection.adapters.get_loader(oid, Format.TEXT) is QuickTimeLoader
