"""Conditions on attributes of a declared type: dates compare as dates, numbers as numbers."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import connection
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from events.core.filters import compare
from events.domain.queries import events_for
from events.domain.recording import append_events, contact_changed
from events.models import Event
from people.core.identifiers import IdentityRef
from people.core.kinds import Rule, Rules, typed
from people.domain.attributes import TraitChange, apply_traits
from people.domain.declaring import declare_attribute
from people.domain.resolving import resolve_contacts
from segments.core.definition import AttributeCondition
from segments.core.sql import Statement
from segments.domain.membership import update_memberships
from segments.domain.segments import build_forgotten, build_segment, create_segment
from segments.models import Segment, SegmentMembership
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


def test_a_type_that_changes_says_anew_who_belongs_and_tells_nobody(world: World) -> None:
    for brand in (world.shop, world.other):
        with tenant_scope(brand.tenant.id):
            refs = [IdentityRef(external_id=name) for name in ("ten", "nine", "none")]
            people = resolve_contacts(refs, now=NOW)
            said = zip(people, ("10", "9", "many"), strict=True)
            apply_traits(
                [TraitChange(person, {"points": value}) for person, value in said if person],
                now=NOW,
            )
            definition = {"attribute": "points", "op": "gt", "value": "9"}
            segment = create_segment("Many points", definition=definition, now=NOW)
            build_segment(segment.id, now=NOW)
            create_segment("Elsewhere", definition={**definition, "attribute": "city"}, now=NOW)
            # As texts, letter by letter.
            assert _names(segment.id) == {"none"}
    with tenant_scope(world.shop.tenant.id):
        elsewhere = Segment.objects.get(slug="elsewhere")
        build_segment(elsewhere.id, now=NOW)
        declare_attribute("points", {"kind": "text"}, now=NOW)
        assert Segment.objects.get(id=elsewhere.id).state == "live"
        held = Segment.objects.get(slug="many-points")
        assert (held.state, _names(held.id)) == ("building", {"none"})
        # What happens meanwhile counts at once.
        (late,) = resolve_contacts([IdentityRef(external_id="late")], now=NOW)
        assert late is not None
        changes = apply_traits([TraitChange(late, {"points": "95"})], now=NOW)
        append_events(contact_changed(changes, occurred_at=NOW), now=NOW)
        update_memberships(events_for([late], None, since=None, until=NOW), now=NOW)
        before = _told()
        declare_attribute("points", {"kind": "number"}, now=NOW)
    assert build_forgotten(world.shop.tenant.id, now=NOW + timedelta(minutes=1)) == 1
    with tenant_scope(world.shop.tenant.id):
        again = Segment.objects.get(slug="many-points")
        assert (again.state, again.size, _names(again.id)) == ("live", 2, {"ten", "late"})
        declare_attribute("points", {"kind": "number", "is_sensitive": True}, now=NOW)
        assert Segment.objects.get(id=again.id).state == "live"
        declare_attribute("points", {"kind": "date"}, now=NOW)
        build_segment(again.id, now=NOW)
        assert (Segment.objects.get(id=again.id).size, _names(again.id)) == (0, set())
        # A stay that was over stays as it was.
        stays = dict(SegmentMembership.objects.values_list("contact__external_id", "left_at"))
        assert stays == {"none": NOW + timedelta(minutes=1), "ten": NOW, "late": NOW}
        assert _told() == before
    with tenant_scope(world.other.tenant.id):
        held = Segment.objects.get(slug="many-points")
        assert (held.state, _names(held.id)) == ("live", {"none"})


def _names(segment_id: UUID) -> set[str]:
    rows = SegmentMembership.objects.filter(segment_id=segment_id, left_at=None)
    return set(rows.values_list("contact__external_id", flat=True))


def _told() -> int:
    return int(Event.objects.filter(name__startswith="Segment ").count())
