"""Phone numbers as this workspace knows them: tokens, locks, flags."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db import connection

from consent.core.chain import GENESIS
from consent.models import ContactPoint
from tenancy.crypto import phone_token, phone_tokens
from tenancy.ids import new_id
from tenancy.scope import current_tenant_id


@dataclass(slots=True)
class Point:
    """The end of one number's chain, under our lock."""

    phone_token: str
    chain_length: int
    chain_head: str
    review_since: datetime | None


def find_tokens(phones: Iterable[str]) -> dict[str, str]:
    """The token each E.164 number has here.

    A number met under a retired pepper keeps its first token, and with it its STOP.
    """
    tenant_id = current_tenant_id()
    wanted = set(phones)
    if len(settings.KAIROS_PEPPERS) == 1:
        return {phone: phone_token(tenant_id, phone) for phone in wanted}
    possible = {phone: phone_tokens(tenant_id, phone) for phone in wanted}
    every = [token for tokens in possible.values() for token in tokens]
    known = set(
        ContactPoint.objects.filter(phone_token__in=every).values_list("phone_token", flat=True)
    )
    return {
        phone: next((token for token in reversed(tokens) if token in known), tokens[0])
        for phone, tokens in possible.items()
    }


def lock_points(tokens: Iterable[str]) -> dict[str, Point]:
    """Locks the contact points until the transaction ends, in one order; makes missing ones.

    Comes after contacts and runs, before senders.
    """
    wanted = sorted(set(tokens))
    if not wanted:
        return {}
    tenant_id = current_tenant_id()
    select = (
        "SELECT phone_token, chain_length, chain_head, review_since FROM consent_contactpoint"
        " WHERE tenant_id = %s AND phone_token = ANY(%s) ORDER BY phone_token FOR NO KEY UPDATE"
    )
    with connection.cursor() as cursor:
        cursor.execute(select, [tenant_id, wanted])
        found = {row[0]: Point(*row) for row in cursor.fetchall()}
        if len(found) < len(wanted):
            cursor.execute(
                "INSERT INTO consent_contactpoint (id, tenant_id, phone_token, chain_length,"
                " chain_head) SELECT id, %s, token, 0, %s"
                " FROM unnest(%s::uuid[], %s::text[]) AS new(id, token)"
                " ON CONFLICT (tenant_id, phone_token) DO NOTHING",
                [tenant_id, GENESIS, [new_id() for _ in wanted], wanted],
            )
            cursor.execute(select, [tenant_id, wanted])
            found = {row[0]: Point(*row) for row in cursor.fetchall()}
    return found


def record_stop_notices(phones: Sequence[str], *, at: datetime) -> int:
    """Remembers that a text to these numbers said how to stop. Never moves back in time."""
    tokens = sorted(set(find_tokens(phones).values()))
    lock_points(tokens)
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE consent_contactpoint SET last_stop_notice_at = %s"
            " WHERE tenant_id = %s AND phone_token = ANY(%s)"
            " AND (last_stop_notice_at IS NULL OR last_stop_notice_at < %s)",
            [at, current_tenant_id(), tokens, at],
        )
        return int(cursor.rowcount)
