"""A workspace's own rules: they narrow the law, never widen it, and each change is on record."""

from __future__ import annotations

from typing import Any

import pytest

from api.problems import Invalid, Problem
from consent.core.quiet_hours import FACTORY_WEEK
from consent.domain.facts import facts_for
from consent.domain.settings import (
    DAYS,
    read_cap_rules,
    read_compliance,
    set_consent_choices,
    set_frequency_cap,
    set_sending_window,
    set_us_cart_rule,
    use_cap_preset,
    use_window_preset,
)
from consent.models import FrequencyCap, QuietHours
from tenancy.models import AuditEntry
from tenancy.scope import tenant_scope
from tests.consent.conftest import PHONES, People

NINE_TO_FIVE = {day: {"start": "09:00", "end": "17:00"} for day in DAYS[:5]}


def test_the_factory_needs_no_row(shop: People) -> None:
    compliance = read_compliance()
    assert compliance.quiet.brand == FACTORY_WEEK
    assert (compliance.us_cart_rule, compliance.stop_scope) == ("strict", "all")
    assert compliance.week_as_text["sunday"] == {"start": "12:00", "end": "20:00"}
    assert read_cap_rules().preset == "normal"
    assert not QuietHours.objects.exists()
    assert not FrequencyCap.objects.exists()


def test_a_window_is_set_numbered_and_audited(shop: People) -> None:
    first = set_sending_window(NINE_TO_FIVE, now=shop.now)
    assert first.quiet.version == 1
    assert first.week_as_text["saturday"] is None
    second = set_sending_window(
        {**NINE_TO_FIVE, "saturday": None}, transactional_obeys=False, now=shop.now
    )
    assert second.quiet.version == 2
    assert read_compliance() == second
    assert not second.quiet.transactional_obeys
    contact = shop.facts(PHONES[0])
    assert facts_for([contact], now=shop.now)[contact.id].quiet == second.quiet
    entries = AuditEntry.objects.filter(action="quiet_hours.changed")
    assert entries.count() == 2
    assert entries.order_by("id")[0].data["after"]["week"][5] is None


@pytest.mark.parametrize(
    ("week", "field", "code"),
    [
        ({"monday": {"start": "07:00", "end": "20:00"}}, "week.monday", "outside_legal_hours"),
        ({"monday": {"start": "09:00", "end": "21:30"}}, "week.monday", "outside_legal_hours"),
        ({"monday": {"start": "09:00", "end": "09:00"}}, "week.monday", "empty_window"),
        ({"monday": {"start": "20:00", "end": "09:00"}}, "week.monday", "empty_window"),
        ({"monday": {"start": "9", "end": "20:00"}}, "week.monday", "not_a_time"),
        ({"monday": {"start": "09:00", "end": "25:00"}}, "week.monday", "not_a_time"),
        ({"monday": {"start": "09:60", "end": "20:00"}}, "week.monday", "not_a_time"),
        ({"monday": {}}, "week", "no_open_day"),
        ({"someday": {"start": "09:00", "end": "20:00"}}, "week.someday", "unknown_day"),
        ({}, "week", "no_open_day"),
    ],
)
def test_bad_windows_change_nothing(
    shop: People, week: dict[str, Any], field: str, code: str
) -> None:
    with pytest.raises(Invalid) as caught:
        set_sending_window(week, now=shop.now)
    assert (caught.value.errors[0].field, caught.value.errors[0].code) == (field, code)
    assert not QuietHours.objects.exists()
    assert not AuditEntry.objects.filter(action="quiet_hours.changed").exists()


def test_presets(shop: People) -> None:
    set_sending_window(NINE_TO_FIVE, now=shop.now)
    assert use_window_preset("us_common", now=shop.now).quiet.brand == FACTORY_WEEK
    with pytest.raises(Invalid):
        use_window_preset("whenever", now=shop.now)


def test_the_cart_rule_needs_words_to_be_loosened(shop: People) -> None:
    with pytest.raises(Problem) as caught:
        set_us_cart_rule("acknowledged", acknowledgment="  ", now=shop.now)
    assert caught.value.code == "acknowledgment_missing"
    set_us_cart_rule("acknowledged", acknowledgment="Counsel agreed on 2 May.", now=shop.now)
    contact = shop.facts(PHONES[0])
    assert facts_for([contact], now=shop.now)[contact.id].us_cart_rule == "acknowledged"
    assert read_compliance().quiet.brand == FACTORY_WEEK
    entry = AuditEntry.objects.get(action="us_cart_rule.changed")
    assert entry.data["acknowledgment"] == "Counsel agreed on 2 May."
    assert set_us_cart_rule("strict", now=shop.now).us_cart_rule == "strict"
    with pytest.raises(Invalid):
        set_us_cart_rule("lenient", now=shop.now)


def test_consent_choices(shop: People) -> None:
    changed = set_consent_choices(
        stop_scope="marketing", double_opt_in_sources=["api"], now=shop.now
    )
    assert (changed.stop_scope, changed.double_opt_in_sources) == ("marketing", ("api",))
    assert set_consent_choices(review_is_opt_out=True, now=shop.now).stop_scope == "marketing"
    with pytest.raises(Invalid):
        set_consent_choices(stop_scope="nothing", now=shop.now)
    with pytest.raises(Invalid):
        set_consent_choices(double_opt_in_sources=["gossip"], now=shop.now)


def test_caps_are_replaced_and_come_back(shop: People) -> None:
    rules = set_frequency_cap(
        limits=[{"seconds": 7 * 86400, "max": 3}, {"seconds": 7200, "max": 1}],
        min_gap_seconds=3600,
        now=shop.now,
    )
    assert [(limit.rule, limit.maximum) for limit in rules.limits] == [
        ("per_2_hours", 1),
        ("per_week", 3),
    ]
    assert read_cap_rules() == rules
    assert use_cap_preset(now=shop.now).version == 2
    assert read_cap_rules().preset == "normal"
    assert AuditEntry.objects.filter(action="frequency_cap.changed").count() == 2


@pytest.mark.parametrize(
    ("limits", "gap", "code"),
    [
        ([], 0, "no_limits"),
        ([{"seconds": 60, "max": 1}], 0, "out_of_range"),
        ([{"seconds": 86400, "max": -1}], 0, "out_of_range"),
        ([{"seconds": 86400, "max": True}], 0, "out_of_range"),
        ([{"seconds": 86400}], 0, "out_of_range"),
        ([{"seconds": 86400, "max": 1}, {"seconds": 86400, "max": 2}], 0, "repeated"),
        ([{"seconds": 86400, "max": 1}], -1, "out_of_range"),
        ([{"seconds": 86400 + 3600 * n, "max": 1} for n in range(9)], 0, "too_many_limits"),
    ],
)
def test_bad_caps_change_nothing(shop: People, limits: Any, gap: int, code: str) -> None:
    with pytest.raises(Invalid) as caught:
        set_frequency_cap(limits=limits, min_gap_seconds=gap, now=shop.now)
    assert code in {error.code for error in caught.value.errors}
    assert not FrequencyCap.objects.exists()


def test_workspaces_have_their_own_rules(people: People) -> None:
    with tenant_scope(people.shop_id):
        set_sending_window(NINE_TO_FIVE, now=people.now)
        set_frequency_cap(limits=[{"seconds": 86400, "max": 1}], min_gap_seconds=0, now=people.now)
    with tenant_scope(people.other_id):
        assert read_compliance().quiet.brand == FACTORY_WEEK
        assert read_cap_rules().preset == "normal"
