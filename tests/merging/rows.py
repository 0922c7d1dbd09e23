"""Every row of a workspace, to compare before and after."""

from __future__ import annotations

import json
from typing import Any

from django.db import connection

from tenancy.scope import tenant_scope
from tenancy.security import tenant_models
from tests.support.world import Brand

# What says that something happened, rather than how things are: the log of the merge itself, and
# what the log of events keeps beside its events.
LOGS = frozenset(
    {
        "people_contactmerge",
        "people_movedrows",
        "events_eventbatch",
        "events_eventtally",
        "events_eventtype",
        "events_webhookfeed",
        "tenancy_auditentry",
        "tenancy_apikey",
    }
)


def all_rows(brand: Brand, *, without: frozenset[str] = LOGS) -> dict[str, dict[str, Any]]:
    """table -> key -> row. Search tokens have no id: they are their own key."""
    found: dict[str, dict[str, Any]] = {}
    with tenant_scope(brand.tenant.id), connection.cursor() as cursor:
        for model in tenant_models():
            table = model._meta.db_table
            if table in without:
                continue
            cursor.execute(f"SELECT to_jsonb(t)::text FROM {table} t")
            rows = [json.loads(row[0]) for row in cursor.fetchall()]
            found[table] = {str(row.get("id") or json.dumps(row)): row for row in rows}
    return found


def changed(
    before: dict[str, dict[str, Any]], after: dict[str, dict[str, Any]]
) -> dict[str, list[Any]]:
    """What differs, by table; events that were appended since do not count."""
    found: dict[str, list[Any]] = {}
    for table, rows in before.items():
        now = after[table]
        keys = set(rows) if table == "events_event" else set(rows) | set(now)
        different = [(rows.get(key), now.get(key)) for key in keys if rows.get(key) != now.get(key)]
        if different:
            found[table] = different
    return found
