"""Who works for a workspace right now. A lease saves effort; correctness never depends on it.

Wall time: a worker that died is replaced as soon as its lease runs out. Lease transactions do not
wait for the disk: what a crash of the database forgets costs one lease's length at most.
"""

from __future__ import annotations

import os
import socket
import threading
from datetime import timedelta
from uuid import UUID

from django.db import connection

from tenancy.clock import wall_now
from tenancy.ids import new_id
from tenancy.scope import tenant_scope

LEASE = timedelta(seconds=5)


def holder_name() -> str:
    """This thread of this process on this machine."""
    return f"{socket.gethostname()[:30]}:{os.getpid()}:{threading.get_ident()}"[:64]


def take_lease(tenant_id: UUID, part: str) -> bool:
    """True when this thread may work now. Otherwise whoever works is told to look once more."""
    now = wall_now()
    with tenant_scope(tenant_id), connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO triggers_worklease AS held (id, tenant_id, part, holder, until, wanted_again)
            VALUES (%(id)s, %(tenant)s, %(part)s, %(holder)s, %(until)s, false)
            ON CONFLICT (tenant_id, part) DO UPDATE SET
                holder = CASE WHEN held.until IS NULL OR held.until < %(now)s
                    OR held.holder = %(holder)s THEN %(holder)s ELSE held.holder END,
                until = CASE WHEN held.until IS NULL OR held.until < %(now)s
                    OR held.holder = %(holder)s THEN %(until)s ELSE held.until END,
                wanted_again = held.until IS NOT NULL AND held.until >= %(now)s
                    AND held.holder <> %(holder)s
            RETURNING holder = %(holder)s, set_config('synchronous_commit', 'off', true)
            """,
            {
                "id": new_id(),
                "tenant": tenant_id,
                "part": part,
                "holder": holder_name(),
                "now": now,
                "until": now + LEASE,
            },
        )
        return bool(cursor.fetchone()[0])


def return_lease(tenant_id: UUID, part: str) -> bool:
    """Gives the lease back; True when somebody came meanwhile and work should be looked for."""
    with tenant_scope(tenant_id), connection.cursor() as cursor:
        cursor.execute(
            """
            WITH mine AS (
                SELECT id, wanted_again FROM triggers_worklease
                WHERE tenant_id = %(tenant)s AND part = %(part)s AND holder = %(holder)s
                FOR UPDATE)
            UPDATE triggers_worklease AS lease SET holder = '', until = NULL, wanted_again = false
            FROM mine WHERE lease.tenant_id = %(tenant)s AND lease.id = mine.id
            RETURNING mine.wanted_again, set_config('synchronous_commit', 'off', true)
            """,
            {"tenant": tenant_id, "part": part, "holder": holder_name()},
        )
        row = cursor.fetchone()
        return bool(row and row[0])
