"""Whatever stands in an array arrives as it was."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from django.db import connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg.types.array import ListDumper

from tenancy.arrays import QuickListDumper

pytestmark = pytest.mark.django_db

NASTY = [
    '"',
    "\\",
    '\\"',
    "{}",
    "a,b",
    "",
    "null",
    "NULL",
    " x ",
    "\n\t",
    "\u3000",
    "é✅",
    "'",
    "%s",
]


def round_trip(values: list[Any], kind: str) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT given FROM unnest(%s::{kind}[]) AS given", [values])
        return [row[0] for row in cursor.fetchall()]


def test_nasty_texts_arrive_as_they_were() -> None:
    assert round_trip([*NASTY, None], "text") == [*NASTY, None]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    st.lists(
        st.none() | st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]))
    )
)
def test_any_text_arrives_as_it_was(db: None, values: list[str | None]) -> None:
    assert round_trip(values, "text") == values


@given(
    st.lists(st.lists(st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]))))
)
def test_nested_lists_are_written_as_psycopg_writes_them(values: list[list[str]]) -> None:
    ours, theirs = QuickListDumper(list), ListDumper(list)
    assert ours.dump(list(values)) == theirs.dump(list(values))


def test_a_nul_is_refused_not_cut_off() -> None:
    with pytest.raises(Exception, match="NUL"), transaction.atomic():
        round_trip(["a\x00b"], "text")


def test_other_types_arrive_as_they_were() -> None:
    moment, one = datetime(2026, 11, 17, 18, 0, tzinfo=UTC), UUID(int=7)
    assert round_trip([moment, None], "timestamptz") == [moment, None]
    assert round_trip([one, None], "uuid") == [one, None]
    naive = datetime(2026, 11, 17, 18, 0)  # noqa: DTZ001
    assert round_trip([naive], "timestamp") == [naive]
    assert round_trip([True, False], "boolean") == [True, False]
    assert round_trip([1.5, 2.0], "float8") == [1.5, 2.0]
    assert round_trip([], "text") == []


def test_json_is_dumped_several_times_faster() -> None:
    text = json.dumps({f"key {n}": [n, "value"] for n in range(40)})

    def cost(dumper: ListDumper) -> float:
        started = time.process_time()
        dumper.dump([text] * 500)
        return time.process_time() - started

    assert min(cost(QuickListDumper(list)) for _ in range(3)) < 0.5 * min(
        cost(ListDumper(list)) for _ in range(3)
    )
