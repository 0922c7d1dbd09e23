"""Conditions on attributes of a declared type: dates compare as dates, numbers as numbers."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import connection
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from events.core.filters import compare
from people.core.identifiers import IdentityRef
from people.core.kinds import Rule, Rules, typed
from people.domain.attributes import TraitChange, apply_traits
from people.domain.declaring import declare_attribute
from people.domain.resolving import resolve_contacts
from segments.core.definition import AttributeCondition
from segments.core.sql import Statement
from segments.domain.segments import build_segment, create_segment
from segments.models import SegmentMembership
from tenancy.scope import tenant_scope
from tests.support.world import World

NOW = datetime(2026, 11, 17, 18, 0, tzinfo=UTC)
ZONE = "America/Chicago"
SAID = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-20, 20),
    st.sampled_from([10.5, -3.0, 1]),
    st.sampled_from(
        ["", " ", "yes", "No", "1", "10", " 10.50 ", "+3", "1e3", "many", "2026-03-14", "2026-3-14",
         "2026-02-30", "2026-03-14T10:00", "2026-03-14 10:00:00", "2026-03-14T10:00:00Z",
         "2026-03-14T10:00:00+02:00", "2026-03-14T10:00:00.5-0600", "2026-13-14T10:00:00Z",
         "2026-03-08T02:30", "2026-03-14T25:00", "2026-03-14 at ten"]
    ),
    st.datetimes(datetime(1999, 1, 1), datetime(2100, 1, 1)).map(  # noqa: DTZ001 (without a zone)
        lambda each: each.replace(microsecond=0).isoformat()
    ),
)  # fmt: skip
OPS = st.sampled_from(["is", "is_not", "gt", "gte", "lt", "lte", "is_set", "is_not_set", "in"])


@pytest.mark.django_db
@settings(
    max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    kind=st.sampled_from(["number", "boolean", "date", "datetime"]),
    op=OPS,
    found=SAID | st.lists(SAID, max_size=2),
    value=SAID,
)
@example("number", "gt", "10", "9")
@example("date", "lt", "2026-03-14T10:00:00Z", "2026-03-15")
@example("datetime", "is", "2026-03-14T10:00:00+02:00", "2026-03-14T08:00:00Z")
def test_sql_and_python_agree_in_every_type(kind: str, op: str, found: Any, value: Any) -> None:
    rules = Rules({"it": Rule(kind)}, ZONE)
    if op == "in":
        value = [value]
    statement = Statement(NOW, some=False, rules=rules)
    sql = statement.predicate(AttributeCondition("it", op, value))
    held = {} if found is None else {"it": found}
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {sql} FROM (SELECT %(row)s::jsonb AS attributes) AS c",
            {**statement.params, "row": json.dumps(held)},
        )
        [(answer,)] = cursor.fetchall()
    left, right = typed(found, op, value, rules, "it")
    assert answer is compare(left, op, right)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("kind", "op", "value", "members"),
    [
        ("number", "gt", "9", {"b", "c"}),
        ("number", "is", 10, {"b", "c"}),
        ("date", "gte", "2026-03-14", {"d", "e"}),
        ("datetime", "lt", "2026-03-14T09:00:00Z", {"d"}),
    ],
)
def test_a_segment_compares_in_the_declared_type(
    world: World, now: datetime, kind: str, op: str, value: Any, members: set[str]
) -> None:
    said = {
        "a": "9", "b": "10", "c": 10, "d": "2026-03-14T10:00:00+02:00", "e": "2026-03-14T09:00:00Z",
        "f": "many",
    }  # fmt: skip
    for brand in (world.other, world.shop):
        with tenant_scope(brand.tenant.id):
            keys = resolve_contacts([IdentityRef(external_id=name) for name in said], now=now)
            names = dict(zip(keys, said, strict=True))
            told = [TraitChange(key, {"it": said[name]}) for key, name in names.items() if key]
            apply_traits(told, now=now)
    with tenant_scope(world.shop.tenant.id):
        declare_attribute("it", {"kind": kind}, now=now)
    with tenant_scope(world.shop.tenant.id):
        definition = {"all": [{"attribute": "it", "op": op, "value": value}]}
        segment = create_segment("Typed", definition=definition, now=now)
        build_segment(segment.id, now=now)
        inside = SegmentMembership.objects.filter(segment=segment).values_list("contact", flat=True)
        assert {names[key] for key in inside} == members
