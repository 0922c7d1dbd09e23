"""The workspace's own rules: sending window, caps, cart rule, scope of STOP.

No row means the factory's rules. Every change is validated, numbered and written to the audit log.
The law is not here: nobody can set it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction

from api.problems import FieldError, Invalid, Problem
from consent.core import caps
from consent.core.caps import CapRules, Limit, rules_from_json, rules_to_json
from consent.core.hours import Week, clock_text, country_row, minutes
from consent.core.ledger import OPT_IN_SOURCES
from consent.core.quiet_hours import FACTORY_WEEK, PRESETS, QuietRules
from consent.models import CartRule, FrequencyCap, QuietHours, StopScope
from people.domain.queries import workspace_defaults
from tenancy.audit import record_audit
from tenancy.models import ApiKey, User

DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
# Who only tells us about a person is asked to have the person confirm.
FACTORY_DOUBLE = ("web_form", "api", "import", "agent")
_MAX_LIMITS = 8
_MAX_SPAN = 366 * caps.DAY

Actor = User | ApiKey | None


@dataclass(frozen=True, slots=True)
class Compliance:
    """Everything the workspace chose, as plain values. `updated_at` is None for the factory's."""

    quiet: QuietRules
    us_cart_rule: str
    stop_scope: str
    review_is_opt_out: bool
    double_opt_in_sources: tuple[str, ...]
    updated_at: datetime | None

    @property
    def week_as_text(self) -> dict[str, dict[str, str] | None]:
        """{"monday": {"start": "09:00", "end": "20:00"}, ..., "sunday": None}."""
        return {
            day: {"start": clock_text(window[0]), "end": clock_text(window[1])} if window else None
            for day, window in zip(DAYS, self.quiet.brand, strict=True)
        }


def read_compliance() -> Compliance:
    """The choices in force. One query."""
    return _compliance_of(QuietHours.objects.first())


def read_cap_rules() -> CapRules:
    """The caps in force, without any state's law. One query."""
    row = FrequencyCap.objects.first()
    return rules_from_json(row.rules, version=row.version) if row else caps.FACTORY


def set_sending_window(
    week: Mapping[str, Mapping[str, str] | None],
    *,
    transactional_obeys: bool = True,
    actor: Actor = None,
    now: datetime,
) -> Compliance:
    """Sets the brand's sending window: {"monday": {"start": "09:00", "end": "20:00"}, ...}.

    A day left out or None is closed; "24:00" ends at midnight. Raises `Invalid` with a code per
    day: unknown_day, not_a_time, empty_window, outside_legal_hours, no_open_day.
    """
    parsed = _parse_week(week)
    return _change(
        "quiet_hours.changed",
        {"week": list(parsed), "transactional_obeys": transactional_obeys},
        actor=actor,
        now=now,
    )


def use_window_preset(preset: str, *, actor: Actor = None, now: datetime) -> Compliance:
    """Sets the sending window to us_common, federal or strictest."""
    if preset not in PRESETS:
        raise Invalid(
            [FieldError("preset", "invalid_choice", f"One of: {', '.join(sorted(PRESETS))}.")]
        )
    change = {"week": list(PRESETS[preset])}
    return _change("quiet_hours.changed", change, actor=actor, now=now)


def set_us_cart_rule(
    rule: str, *, acknowledgment: str = "", actor: Actor = None, now: datetime
) -> Compliance:
    """How many texts one cart may get in the US: strict (one, more only after a reply) or
    acknowledged. The second needs the words the responsible person agreed to; they are audited.
    """
    if rule not in CartRule.values:
        raise Invalid([_unknown("us_cart_rule", CartRule.values)])
    if rule == CartRule.ACKNOWLEDGED and not acknowledgment.strip():
        raise Problem(
            "acknowledgment_missing",
            "More than one text per cart needs a written acknowledgment of the carriers' rule.",
            status=422,
        )
    return _change(
        "us_cart_rule.changed",
        {"us_cart_rule": rule},
        audit={"acknowledgment": acknowledgment.strip()},
        actor=actor,
        now=now,
    )


def set_consent_choices(
    *,
    stop_scope: str | None = None,
    review_is_opt_out: bool | None = None,
    double_opt_in_sources: Sequence[str] | None = None,
    actor: Actor = None,
    now: datetime,
) -> Compliance:
    """What STOP ends (all, marketing), whether doubtful replies are opt-outs, and which sources
    must be confirmed by a YES from the phone. None keeps the present choice."""
    errors = []
    if stop_scope is not None and stop_scope not in StopScope.values:
        errors.append(_unknown("stop_scope", StopScope.values))
    if set(double_opt_in_sources or ()) - OPT_IN_SOURCES:
        errors.append(_unknown("double_opt_in_sources", sorted(OPT_IN_SOURCES)))
    if errors:
        raise Invalid(errors)
    given: dict[str, Any] = {
        "stop_scope": stop_scope,
        "review_is_opt_out": review_is_opt_out,
        "double_opt_in_sources": (
            None if double_opt_in_sources is None else sorted(set(double_opt_in_sources))
        ),
    }
    changes = {name: value for name, value in given.items() if value is not None}
    return _change("consent_choices.changed", changes, actor=actor, now=now)


def set_frequency_cap(
    *,
    limits: Sequence[Mapping[str, int]],
    min_gap_seconds: int,
    actor: Actor = None,
    now: datetime,
) -> CapRules:
    """Replaces the caps: limits are [{"seconds": 86400, "max": 2}, ...], all rolling.

    Raises `Invalid`: no_limits, too_many_limits, out_of_range, repeated. What a state's law allows
    stays in force beside them.
    """
    rules = _parse_limits(limits, min_gap_seconds)
    return _save_caps(rules, actor=actor, now=now)


def use_cap_preset(*, actor: Actor = None, now: datetime) -> CapRules:
    """Back to the factory preset."""
    return _save_caps(caps.FACTORY, actor=actor, now=now)


def _compliance_of(row: QuietHours | None) -> Compliance:
    zone = workspace_defaults().timezone
    if row is None:
        return Compliance(
            QuietRules(tenant_zone=zone),
            CartRule.STRICT,
            StopScope.ALL,
            False,
            FACTORY_DOUBLE,
            None,
        )
    week: Week = tuple((day[0], day[1]) if day else None for day in row.week)
    return Compliance(
        QuietRules(week, row.transactional_obeys, zone, row.version),
        row.us_cart_rule,
        row.stop_scope,
        row.review_is_opt_out,
        tuple(row.double_opt_in_sources),
        row.updated_at,
    )


def _change(
    action: str,
    changes: dict[str, Any],
    *,
    audit: dict[str, Any] | None = None,
    actor: Actor,
    now: datetime,
) -> Compliance:
    row = _locked_row(now)
    before = {name: getattr(row, name) for name in changes}
    for name, value in changes.items():
        setattr(row, name, value)
    row.version += 1
    row.updated_at = now
    row.save()
    record_audit(
        action, data={"before": before, "after": changes, **(audit or {})}, actor=actor, now=now
    )
    return _compliance_of(row)


def _locked_row(now: datetime) -> QuietHours:
    held = QuietHours.objects.select_for_update().first()
    if held is not None:
        return held  # type: ignore[no-any-return]
    try:
        with transaction.atomic():
            return QuietHours.objects.create(  # type: ignore[no-any-return]
                week=list(FACTORY_WEEK),
                double_opt_in_sources=list(FACTORY_DOUBLE),
                version=0,
                updated_at=now,
            )
    except IntegrityError:  # somebody else made it meanwhile
        return QuietHours.objects.select_for_update().get()  # type: ignore[no-any-return]


def _save_caps(rules: CapRules, *, actor: Actor, now: datetime) -> CapRules:
    row = FrequencyCap.objects.select_for_update().first()
    before = row.rules if row else rules_to_json(caps.FACTORY)
    after = rules_to_json(rules)
    version = row.version + 1 if row else 1
    FrequencyCap.objects.bulk_create(
        [FrequencyCap(rules=after, version=version, updated_at=now)],
        update_conflicts=True,
        unique_fields=["tenant"],
        update_fields=["rules", "version", "updated_at"],
    )
    record_audit(
        "frequency_cap.changed", data={"before": before, "after": after}, actor=actor, now=now
    )
    return rules_from_json(after, version=version)


def _parse_week(week: Mapping[str, Mapping[str, str] | None]) -> Week:
    errors = [
        FieldError(f"week.{day}", "unknown_day", "A day of the week in English.")
        for day in week
        if day not in DAYS
    ]
    country = workspace_defaults().country or "US"
    legal = country_row(country)
    parsed: list[tuple[int, int] | None] = []
    for index, day in enumerate(DAYS):
        given = week.get(day)
        parsed.append(None)
        if not given:
            continue
        field = f"week.{day}"
        try:
            start, end = minutes(str(given.get("start", ""))), minutes(str(given.get("end", "")))
        except ValueError:
            errors.append(
                FieldError(field, "not_a_time", "Start and end as HH:MM, 00:00 to 24:00.")
            )
            continue
        bounds = legal.week[index]
        if start >= end:
            errors.append(FieldError(field, "empty_window", "The start must lie before the end."))
        elif bounds is None or start < bounds[0] or end > bounds[1]:
            allowed = (
                f"allows {clock_text(bounds[0])} to {clock_text(bounds[1])}"
                if bounds
                else "allows nothing that day"
            )
            errors.append(FieldError(field, "outside_legal_hours", f"The {legal.name} {allowed}."))
        else:
            parsed[-1] = (start, end)
    if not errors and not any(parsed):
        errors.append(FieldError("week", "no_open_day", "At least one day must be open."))
    if errors:
        raise Invalid(errors)
    return tuple(parsed)


def _parse_limits(limits: Sequence[Mapping[str, int]], min_gap_seconds: int) -> CapRules:
    errors = []
    if not limits:
        errors.append(FieldError("limits", "no_limits", "At least one limit."))
    if len(limits) > _MAX_LIMITS:
        errors.append(FieldError("limits", "too_many_limits", f"At most {_MAX_LIMITS}."))
    if not _within(min_gap_seconds, 0, 30 * caps.DAY):
        errors.append(FieldError("min_gap_seconds", "out_of_range", "0 seconds to 30 days."))
    parsed: dict[int, Limit] = {}
    for index, limit in enumerate(limits):
        seconds, maximum = limit.get("seconds"), limit.get("max")
        if not (_within(seconds, caps.HOUR, _MAX_SPAN) and _within(maximum, 0, 1000)):
            errors.append(
                FieldError(
                    f"limits[{index}]", "out_of_range", "One hour to a year, 0 to 1000 texts."
                )
            )
        elif seconds in parsed:
            errors.append(FieldError(f"limits[{index}]", "repeated", "This span has a limit."))
        elif seconds is not None and maximum is not None:
            parsed[seconds] = Limit(_limit_rule(seconds), seconds, maximum)
    if errors:
        raise Invalid(errors)
    return CapRules(tuple(parsed[key] for key in sorted(parsed)), min_gap_seconds, "custom")


def _limit_rule(seconds: int) -> str:
    named = {limit.seconds: limit.rule for limit in caps.FACTORY.limits}
    return named.get(seconds) or f"per_{seconds // caps.HOUR}_hours"


def _within(value: object, low: int, high: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and low <= value <= high


def _unknown(field: str, allowed: Sequence[str]) -> FieldError:
    return FieldError(field, "invalid_choice", f"One of: {', '.join(allowed)}.")
