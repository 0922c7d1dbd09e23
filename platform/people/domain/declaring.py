"""Deciding about attributes: their type, what is sensitive, how long a value is believed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.db import connection

from api.problems import FieldError, Invalid, NotFound
from people.attribute_uses import tell_retyped
from people.core.identifiers import PRIORITY
from people.core.kinds import (
    ALIASES,
    CHOICE,
    DECLARABLE,
    MAX_CHOICE,
    MAX_CHOICES,
    STANDARD,
    Misfit,
    Rule,
    fit,
)
from people.core.traits import MAX_NAME, read_traits
from people.domain.attribute_list import FIELD_RULE, shorten
from people.domain.defaults import workspace_defaults
from people.domain.definitions import MAX_NAMES, forget_rules, read_rules
from people.domain.described import COLUMNS
from people.models import AttributeDefinition
from tenancy.audit import record_audit
from tenancy.models import ApiKey, User
from tenancy.scope import current_tenant_id

# So many different values are tried; whoever has more of them has an id, not an attribute.
MAX_VALUES = 100_000
EXAMPLES = 5
MAX_KEPT_DAYS = 3_660
CHANGEABLE = ("kind", "choices", "is_sensitive", "kept_days")


@dataclass(frozen=True, slots=True)
class Trial:
    """What a type would do to the values that are there: how many contacts `fit` as they are, are
    `read` as something else ("12" as 12), are `unfit`, with the most frequent of those. `is_whole`:
    every value was tried."""

    fit: int
    read: int
    unfit: int
    examples: tuple[tuple[str, int], ...]
    is_whole: bool

    @property
    def tried(self) -> int:
        return self.fit + self.read + self.unfit


def try_type(name: str, rule: Rule) -> Trial:
    """The dry run over every contact that has the attribute. One query; only reads."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT v::text, count(*) FROM (
                SELECT c.attributes -> %s AS v FROM people_contact c
                WHERE c.tenant_id = %s AND c.erased_at IS NULL) AS held
            WHERE v IS NOT NULL AND v <> 'null'::jsonb GROUP BY v ORDER BY 2 DESC, 1 LIMIT %s
            """,
            [name, current_tenant_id(), MAX_VALUES + 1],
        )
        rows = cursor.fetchall()
    zone = workspace_defaults().timezone
    counts = {"fit": 0, "read": 0, "unfit": 0}
    examples: list[tuple[str, int]] = []
    for said, many in rows[:MAX_VALUES]:
        value = json.loads(said)
        try:
            found = fit(value, rule, zone=zone)
            outcome = "fit" if found == value and type(found) is type(value) else "read"
        except Misfit:
            outcome = "unfit"
            if len(examples) < EXAMPLES:
                examples.append((shorten(value), many))
        counts[outcome] += many
    return Trial(**counts, examples=tuple(examples), is_whole=len(rows) <= MAX_VALUES)


def plan_attribute(name: str, changes: Mapping[str, Any]) -> Rule:
    """The rule as it would be. Raises `Invalid` naming the field, `NotFound` for a name that nobody
    declared or told and that `changes` give no type."""
    return _plan(name, changes)[1]


def declare_attribute(
    name: str,
    changes: Mapping[str, Any],
    *,
    now: datetime,
    actor: User | ApiKey | None = None,
) -> Rule:
    """Writes what is given of `CHANGEABLE`, the rest stays. Values that are there stay as they are:
    those that do not fit are not said, and count as missing, until somebody tells a better one.

    Raises as `plan_attribute`.
    """
    before, after = _plan(name, changes)
    if after == before:
        return after
    AttributeDefinition.objects.update_or_create(
        name=name,
        defaults=_columns(after),
        create_defaults={**_columns(after), "first_seen_at": now},
    )
    forget_rules()
    if before is None or _reading(before) != _reading(after):
        tell_retyped(name)
    record_audit(
        "attribute.changed",
        target=name[:120],
        data={"before": _columns(before) if before else None, "after": _columns(after)},
        actor=actor,
        now=now,
    )
    return after


def _reading(rule: Rule) -> tuple[Any, ...]:
    """What decides how a stored value is read."""
    return rule.kind, rule.choices, rule.is_declared, rule.kept_days


def _plan(name: str, changes: Mapping[str, Any]) -> tuple[Rule | None, Rule]:
    _check_name(name)
    rules = read_rules()
    before = rules.get(name) or (FIELD_RULE if name in COLUMNS else None)
    if before is None and "kind" not in changes:
        before = _told(name)
    errors = _flaws(name, changes, before)
    if before is None and len(rules.by_name) >= MAX_NAMES:
        errors.append(FieldError("name", "too_many", f"At most {MAX_NAMES} attributes."))
    if errors:
        raise Invalid(errors)
    after = before or Rule(str(changes["kind"]))
    if "kind" in changes:
        after = replace(after, kind=changes["kind"], is_declared=True)
    if "choices" in changes:
        after = replace(after, choices=tuple(each.strip() for each in changes["choices"]))
    if after.kind != CHOICE:
        after = replace(after, choices=())
    for one in ("is_sensitive", "kept_days"):
        if one in changes:
            after = replace(after, **{one: changes[one]})
    return before, after


def _told(name: str) -> Rule:
    """Of an attribute that contacts have and nobody listed yet."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT 1 FROM people_contact c WHERE c.tenant_id = %s AND c.erased_at IS NULL"
            " AND c.attributes -> %s IS NOT NULL LIMIT 1",
            [current_tenant_id(), name],
        )
        if cursor.fetchone() is None:
            raise NotFound("This attribute")
    return Rule("text", is_declared=False)


def _check_name(name: str) -> None:
    if name in COLUMNS:
        return
    if not name.strip() or len(name) > MAX_NAME or "\x00" in name:
        detail = f"Names have 1 to {MAX_NAME} characters."
        raise Invalid([FieldError("name", "invalid_name", detail)])
    if name in ALIASES:
        detail = f"This is another name of {ALIASES[name]}."
        raise Invalid([FieldError("name", "reserved_name", detail)])
    alone = read_traits({name: "x"}, country="US")
    if name in PRIORITY or name not in alone.attributes:
        detail = "This name is an identifier's, or a field's."
        raise Invalid([FieldError("name", "reserved_name", detail)])


def _flaws(name: str, changes: Mapping[str, Any], before: Rule | None) -> list[FieldError]:
    errors = []
    fixed = FIELD_RULE.kind if name in COLUMNS else None
    fixed = STANDARD[name].kind if name in STANDARD else fixed
    kind = changes.get("kind", before.kind if before else None)
    if "kind" in changes and fixed is not None and kind != fixed:
        detail = f"{name} is a standard field; its type stays {fixed}."
        errors.append(FieldError("kind", "fixed_type", detail))
    elif "kind" in changes and fixed is None and kind not in DECLARABLE:
        detail = f"Use one of: {', '.join(DECLARABLE)}."
        errors.append(FieldError("kind", "unknown_type", detail))
    errors += _choice_flaws(kind, changes, before)
    kept = changes.get("kept_days")
    if kept is not None and not 1 <= kept <= MAX_KEPT_DAYS:
        detail = f"Give 1 to {MAX_KEPT_DAYS:,} days, or nothing for ever."
        errors.append(FieldError("kept_days", "out_of_range", detail))
    return errors


def _choice_flaws(
    kind: str | None, changes: Mapping[str, Any], before: Rule | None
) -> list[FieldError]:
    choices = changes.get("choices")
    if choices is None:
        known = before.choices if before else ()
        if kind == CHOICE and not known:
            return [FieldError("choices", "required", "Name what can be chosen.")]
        return []
    if kind != CHOICE:
        return [FieldError("choices", "not_a_choice", "Only one of several has choices.")]
    said = [each.strip().casefold() for each in choices]
    if not said or len(said) > MAX_CHOICES or len(set(said)) < len(said):
        detail = f"Name 1 to {MAX_CHOICES} different choices."
        return [FieldError("choices", "invalid_choices", detail)]
    if any(not each or len(each) > MAX_CHOICE or "\x00" in each for each in said):
        detail = f"A choice has 1 to {MAX_CHOICE} characters."
        return [FieldError("choices", "invalid_choices", detail)]
    return []


def _columns(rule: Rule) -> dict[str, Any]:
    return {
        "kind": rule.kind,
        "choices": list(rule.choices),
        "is_declared": rule.is_declared,
        "is_sensitive": rule.is_sensitive,
        "kept_days": rule.kept_days,
    }
