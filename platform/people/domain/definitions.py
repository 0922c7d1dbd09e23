"""What the workspace in scope says of its attributes: the rules, and learning new names."""

from __future__ import annotations

import time
from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from people.core.kinds import STANDARD, Rule, Rules, infer
from people.domain.defaults import workspace_defaults
from people.models import AttributeDefinition
from tenancy.ids import new_id
from tenancy.scope import current_tenant_id

_SECONDS = 5.0
# Beyond this many a workspace's names are data, not attributes: they are stored and not listed.
MAX_NAMES = 500


def attribute_rules() -> Rules:
    """The rules of the workspace in scope, by attribute name; a few seconds old at most."""
    tenant_id = current_tenant_id()
    held = _rules.get(tenant_id)
    if held is not None and held[0] > time.monotonic():
        return held[1]
    found = read_rules()
    if len(_rules) > 10_000:
        _rules.clear()
    _rules[tenant_id] = (time.monotonic() + _SECONDS, found)
    return found


def read_rules() -> Rules:
    """The same as they stand now. One query."""
    rows = AttributeDefinition.objects.values_list(
        "name", "kind", "choices", "is_declared", "is_sensitive", "kept_days"
    )
    own = {
        name: Rule(kind, tuple(choices), declared, sensitive, kept)
        for name, kind, choices, declared, sensitive, kept in rows
    }
    return Rules({**STANDARD, **own}, workspace_defaults().timezone)


def forget_rules() -> None:
    """After a change: this process takes the new rules from the next call on."""
    tenant_id = current_tenant_id()
    _rules.pop(tenant_id, None)
    # Another thread may read and keep the old ones until this is committed.
    transaction.on_commit(lambda: _rules.pop(tenant_id, None))


def note_names(seen: Iterable[tuple[str, Any, str]], *, now: datetime) -> None:
    """Defines the attributes that are new here, by what their first value seems to be.

    `seen`: (name, value, door), the first of a name counts. One statement, and none when every name
    is known. The rows come in the order of names, so that two calls wait instead of deadlocking.
    """
    rules = attribute_rules()
    fresh: dict[str, tuple[str, str]] = {}
    for name, value, door in seen:
        if rules.get(name) is None:
            fresh.setdefault(name, (infer(value), door))
    room = MAX_NAMES - len(rules.by_name)
    rows = sorted(fresh.items())[: max(room, 0)]
    if not rows:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO people_attributedefinition (id, tenant_id, name, kind, choices, is_declared,
                is_sensitive, kept_days, first_seen_at, first_told_by)
            SELECT id, %s, name, kind, '[]', false, false, NULL, %s, door
            FROM unnest(%s::uuid[], %s::text[], %s::text[], %s::text[])
              AS made(id, name, kind, door)
            ON CONFLICT (tenant_id, name) DO NOTHING
            """,
            [
                current_tenant_id(),
                now,
                [new_id() for _ in rows],
                [name for name, _ in rows],
                [kind for _, (kind, _) in rows],
                [door for _, (_, door) in rows],
            ],
        )


_rules: dict[UUID, tuple[float, Rules]] = {}
