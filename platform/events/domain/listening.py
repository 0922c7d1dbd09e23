"""Who listens to which event names. What nobody listens to is stored and wakes nothing."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import connection

from tenancy.ids import new_id
from tenancy.scope import current_tenant_id

EVERYTHING = "*"
# Names some floor listens to in every workspace, by owner; filled when apps are ready.
_always: dict[str, frozenset[str]] = {}


def listen_always(owner: str, names: Iterable[str]) -> None:
    """Registers a floor that hears these names in every workspace. Call it in `AppConfig.ready`."""
    _always[owner] = frozenset(names)


def always_heard() -> frozenset[str]:
    return frozenset().union(*_always.values())


def set_listener(owner: str, names: Iterable[str]) -> None:
    """From this commit on `owner` (such as "flow:<id>") hears exactly these names; "*" means all.

    No names: it hears nothing any more.
    """
    wanted = sorted(set(names))
    tenant_id = current_tenant_id()
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM events_eventlistener WHERE tenant_id = %s AND owner = %s"
            " AND NOT name = ANY(%s)",
            [tenant_id, owner, wanted],
        )
        if wanted:
            cursor.execute(
                """
                INSERT INTO events_eventlistener (id, tenant_id, name, owner)
                SELECT id, %s, name, %s FROM unnest(%s::uuid[], %s::text[]) AS made(id, name)
                ON CONFLICT DO NOTHING
                """,
                [tenant_id, owner, [new_id() for _ in wanted], wanted],
            )
