"""The daily seal: one hash over every chain that grew, so that nobody can cut off a chain's end."""

from __future__ import annotations

from datetime import datetime

from django.db import connection

from consent.core.chain import GENESIS, seal_hash
from consent.domain.writing import seal_lock_name
from consent.models import ConsentSeal
from tenancy.scope import current_tenant_id

_HEADS = """
    SELECT DISTINCT ON (phone_token) phone_token, position, row_hash
    FROM consent_consentrecord
    WHERE tenant_id = %s AND seal_number = %s
    ORDER BY phone_token, position DESC
"""


def seal_ledger(*, now: datetime) -> ConsentSeal | None:
    """Seals what was written since the last seal. None when nothing was.

    Waits for the writers at work: each record carries the number of the seal that will cover it.
    """
    tenant_id = current_tenant_id()
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [seal_lock_name()])
        last = ConsentSeal.objects.order_by("-number").first()
        number = last.number + 1 if last else 1
        heads = read_heads(number)
        if not heads:
            return None
        cursor.execute(
            "SELECT count(*) FROM consent_consentrecord WHERE tenant_id = %s AND seal_number = %s",
            [tenant_id, number],
        )
        (record_count,) = cursor.fetchone()
    previous = last.seal_hash if last else GENESIS
    seal: ConsentSeal = ConsentSeal.objects.create(
        number=number,
        sealed_at=now,
        chain_count=len(heads),
        record_count=record_count,
        previous_hash=previous,
        seal_hash=seal_hash(previous, number, heads),
    )
    return seal


def read_heads(number: int) -> list[tuple[str, int, str]]:
    """The last row of every chain among the rows of one seal: (token, position, hash)."""
    with connection.cursor() as cursor:
        cursor.execute(_HEADS, [current_tenant_id(), number])
        return [(token, position, row) for token, position, row in cursor.fetchall()]
