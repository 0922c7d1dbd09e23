"""Filters over what a contact itself says: number, country, time zone, how it was added."""

from __future__ import annotations

from django.db import connection

from people.filters import Choice, Condition, Filter
from people.models import AddedBy
from tenancy.scope import current_tenant_id

_NUMBER = {"true": "With a number", "false": "Without a number"}
_MANY = 500


def _number(value: str) -> Condition | None:
    if value not in _NUMBER:
        return None
    return Condition(f"c.phone IS {'NOT ' if value == 'true' else ''}NULL")


def _country(value: str) -> Condition | None:
    code = value.upper()
    return Condition("c.country = %s", [code]) if len(code) == 2 and code.isalpha() else None


def _zone(value: str) -> Condition | None:
    return Condition("c.timezone = %s", [value]) if len(value) <= 64 else None


def _door(value: str) -> Condition | None:
    return Condition("c.added_by = %s", [value]) if value in AddedBy.values else None


def _doors() -> list[Choice]:
    return [Choice(str(value), str(label)) for value, label in AddedBy.choices]


def _numbers() -> list[Choice]:
    return [Choice(value, label) for value, label in _NUMBER.items()]


def _countries() -> list[Choice]:
    return [Choice(code, code) for code in _distinct("country")]


def _zones() -> list[Choice]:
    names = _distinct("timezone")
    return [Choice(name, name.replace("_", " ")) for name in names]


def _distinct(column: str) -> list[str]:
    """What stands in an indexed column, from one value to the next: not a look at every contact."""
    tenant_id = current_tenant_id()
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            WITH RECURSIVE step (value) AS (
                (SELECT c.{column} FROM people_contact c WHERE c.tenant_id = %s
                    AND c.{column} <> '' AND c.{column} > '' ORDER BY c.{column} LIMIT 1)
                UNION ALL
                SELECT (SELECT c.{column} FROM people_contact c WHERE c.tenant_id = %s
                    AND c.{column} <> '' AND c.{column} > step.value
                    ORDER BY c.{column} LIMIT 1)
                FROM step WHERE step.value IS NOT NULL)
            SELECT value FROM step WHERE value IS NOT NULL LIMIT %s
            """,
            [tenant_id, tenant_id, _MANY],
        )
        return [row[0] for row in cursor.fetchall()]


OWN_FILTERS = (
    Filter(
        "has_phone", "Number", _numbers, _number, 20, "With or without a number.", tuple(_NUMBER)
    ),
    Filter("country", "Country", _countries, _country, 30, "Two letters, such as US."),
    Filter("timezone", "Time zone", _zones, _zone, 40, "Such as America/Chicago."),
    Filter(
        "added_by", "Added by", _doors, _door, 60, "How they came in first.",
        tuple(map(str, AddedBy.values)),
    ),
)  # fmt: skip
