"""What merging two contacts would do, in words for the person who decides it."""

from __future__ import annotations

from typing import Any

from django.db import connection

from events.domain.merging import Planned
from people.core.merging import IDENTIFYING
from people.domain.facts import ContactFacts
from tenancy.scope import current_tenant_id
from web.templatetags.ui import phone

_COUNTS = """
    SELECT (SELECT count(*) FROM events_event e
            WHERE e.tenant_id = %(tenant)s AND e.contact_id = %(merged)s),
           (SELECT count(*) FROM commerce_order o
            WHERE o.tenant_id = %(tenant)s AND o.contact_id = %(merged)s),
           (SELECT count(*) FROM delivery_message m
            WHERE m.tenant_id = %(tenant)s AND m.contact_id = %(merged)s
              AND m.status NOT IN ('skipped', 'canceled'))
"""
_RUNS = """
    SELECT f.name, EXISTS (
        SELECT 1 FROM triggers_flowrun own WHERE own.tenant_id = r.tenant_id
          AND own.contact_id = %(survivor)s AND own.flow_id = r.flow_id
          AND own.entry_key = r.entry_key AND own.ended_at IS NULL)
    FROM triggers_flowrun r JOIN triggers_flow f ON f.tenant_id = r.tenant_id AND f.id = r.flow_id
    WHERE r.tenant_id = %(tenant)s AND r.contact_id = %(merged)s AND r.ended_at IS NULL
    ORDER BY f.name, r.id
"""
_READABLE = {"locale": "Language", "timezone": "Time zone", "region": "State or region"}
_SILENT = frozenset({"phone_type", "timezone_source", "told", "refused"})


def name_of(contact: ContactFacts) -> str:
    """What to call somebody: a name, a number, an id."""
    if contact.name:
        return contact.name
    return phone(contact.phone) or contact.email or contact.external_id or "Contact without a name"


def words_of(planned: Planned) -> list[str]:
    """One sentence per thing that happens. Two queries."""
    survivor, merged = planned.survivor, planned.merged
    keeps, goes = name_of(survivor), name_of(merged)
    if keeps == goes:
        keeps, goes = "the one that stays", "the other one"
    said = [_moves(planned), *_runs(planned), *_numbers(planned)]
    values = [_value(planned, name) for name in planned.changes.columns if name not in _SILENT]
    values += [f"{name}: {value}" for name, value in planned.changes.attributes.items()]
    if values:
        said.append(f"Taken over from {goes}: {', '.join(values)}.")
    if survivor.external_id and merged.external_id:
        said.append(
            f"{survivor.external_id} stays the external id; {merged.external_id} still finds"
            f" {keeps}."
        )
    return [each for each in said if each]


def _value(planned: Planned, name: str) -> str:
    readable = _READABLE.get(name, name.replace("_", " ").capitalize())
    value = planned.changes.columns[name]
    shown = phone(value) if name == "phone" else value
    old = getattr(planned.survivor, name)
    return (
        f"{readable}: {shown} instead of {old}"
        if old and name not in IDENTIFYING
        else (f"{readable}: {shown}")
    )


def _moves(planned: Planned) -> str:
    [(events, orders, texts)] = _ask(_COUNTS, planned)
    counted = [
        f"{count} {word if count == 1 else f'{word}s'}"
        for count, word in ((events, "event"), (orders, "order"), (texts, "text"))
        if count
    ]
    if not counted:
        return "Nothing has happened to the other contact yet, so nothing moves."
    return f"{_listed(counted)} of the other contact move to this one."


def _runs(planned: Planned) -> list[str]:
    return [
        f"Both are in {flow}: the run of the contact that stays goes on, the other one ends."
        if both
        else f"The run in {flow} goes on with the contact that stays."
        for flow, both in _ask(_RUNS, planned)
    ]


def _numbers(planned: Planned) -> list[str]:
    own, other = planned.survivor.phone, planned.merged.phone
    if own and other and own != other:
        return [
            f"{phone(own)} stays the number that is texted. Whoever writes from {phone(other)} is"
            " still recognized.",
            "Consent belongs to a number: neither gains any by the merge.",
        ]
    return []


def _listed(parts: list[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def _ask(statement: str, planned: Planned) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(
            statement,
            {
                "tenant": current_tenant_id(),
                "survivor": planned.survivor.id,
                "merged": planned.merged.id,
            },
        )
        rows: list[tuple[Any, ...]] = cursor.fetchall()
        return rows
