"""The SQL of a filter and its Python say the same about every event."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from events.core.filters import matches
from segments.core.sql import Statement

NOW = datetime(2026, 11, 17, 18, 0, tzinfo=UTC)
TEXTS = st.sampled_from(["", " ", "Austin", "austin", "Aus", "10", "10.50", "-3", "1e3", "ä", "\t"])
NUMBERS = st.one_of(st.integers(-20, 20), st.sampled_from([10.5, 0.1, -3.0]))
VALUES = st.one_of(st.none(), st.booleans(), NUMBERS, TEXTS)
NAMES = st.sampled_from(["city", "price", "new.city", "products.0.name", "tags", "gone"])
PROPERTIES = st.fixed_dictionaries(
    {},
    optional={
        "city": VALUES,
        "price": VALUES,
        "new": st.fixed_dictionaries({}, optional={"city": VALUES}),
        "new.city": VALUES,
        "products": st.lists(st.fixed_dictionaries({"name": VALUES}), max_size=2),
        "tags": st.one_of(VALUES, st.lists(VALUES, max_size=3)),
    },
)
ORDERED = st.sampled_from(["gt", "gte", "lt", "lte"])
EQUAL = st.sampled_from(["is", "is_not"])
LEAVES = st.one_of(
    st.builds(lambda p, op, v: {"property": p, "op": op, "value": v}, NAMES, EQUAL, VALUES),
    st.builds(
        lambda p, op, v: {"property": p, "op": op, "value": v},
        NAMES,
        ORDERED,
        st.one_of(NUMBERS, TEXTS),
    ),
    st.builds(
        lambda p, op, v: {"property": p, "op": op, "value": v},
        NAMES,
        st.sampled_from(["in", "not_in"]),
        st.lists(VALUES, min_size=1, max_size=3),
    ),
    st.builds(
        lambda p, op, v: {"property": p, "op": op, "value": v},
        NAMES,
        st.sampled_from(["contains", "starts_with"]),
        TEXTS,
    ),
    st.builds(
        lambda p, op: {"property": p, "op": op}, NAMES, st.sampled_from(["is_set", "is_not_set"])
    ),
)
FILTERS: st.SearchStrategy[dict[str, Any]] = st.recursive(
    LEAVES,
    lambda part: st.one_of(
        st.builds(lambda parts: {"all": parts}, st.lists(part, min_size=1, max_size=3)),
        st.builds(lambda parts: {"any": parts}, st.lists(part, min_size=1, max_size=3)),
        st.builds(lambda one: {"not": one}, part),
    ),
    max_leaves=5,
)


@pytest.mark.django_db
@settings(
    max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(condition=FILTERS, properties=PROPERTIES)
def test_sql_and_python_agree(condition: dict[str, Any], properties: dict[str, Any]) -> None:
    statement = Statement(NOW, some=False)
    text = f"SELECT {statement.filter(condition)} FROM (SELECT %(row)s::jsonb AS properties) AS e"
    with connection.cursor() as cursor:
        cursor.execute(text, {**statement.params, "row": json.dumps(properties)})
        found = cursor.fetchone()[0]
    assert found is matches(condition, properties)
