"""Who of many numbers may get marketing texts: for counting audiences, not for sending.

Sending asks the gate, one contact at a time, under its locks.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from django.db import connection

from consent.domain.contact_points import find_tokens
from tenancy.scope import current_tenant_id

SUBSCRIBED = "subscribed"


def standings(phones: Iterable[str], *, tokens: Mapping[str, str] | None = None) -> dict[str, str]:
    """Per E.164 number: subscribed, pending, unsubscribed, never_subscribed, suppressed or
    paused_for_review. One query, however many. `tokens`: of these numbers, when already known."""
    tokens = find_tokens(phones) if tokens is None else tokens
    if not tokens:
        return {}
    known: dict[str, str] = {}
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT phone_token, status, 1 FROM consent_consent
                WHERE tenant_id = %(tenant)s AND phone_token = ANY(%(tokens)s)
                  AND topic = '' AND message_type = 'marketing'
            UNION ALL
            SELECT phone_token, 'paused_for_review', 2 FROM consent_contactpoint
                WHERE tenant_id = %(tenant)s AND phone_token = ANY(%(tokens)s)
                  AND review_since IS NOT NULL
            UNION ALL
            SELECT phone_token, 'suppressed', 3 FROM consent_suppression
                WHERE tenant_id = %(tenant)s AND phone_token = ANY(%(tokens)s)
            ORDER BY 3
            """,
            {"tenant": current_tenant_id(), "tokens": list(tokens.values())},
        )
        for token, status, rank in cursor.fetchall():
            # What keeps a number from being texted says more than its consent, unless it has none.
            if rank == 1 or known.get(token) == SUBSCRIBED:
                known[token] = status
    return {phone: known.get(token, "never_subscribed") for phone, token in tokens.items()}
