"""Limits for what anybody on the internet may start, counted in PostgreSQL: they hold over all web
processes and restarts. Wall time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection

from consent.models import OptInAttempt
from tenancy.crypto import keyed_digest
from tenancy.scope import current_tenant_id

KEPT = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Allowance:
    """At most `most` in any `span`, for each of the pairs. No span is longer than `KEPT`."""

    name: str
    limits: tuple[tuple[timedelta, int], ...]


# Many people may share an address (a shop's wireless network, a carrier's gateway).
FORMS_PER_ADDRESS = Allowance("form", ((timedelta(minutes=10), 20), (timedelta(hours=24), 100)))
# Whoever asks for them: nobody's phone is flooded with questions.
QUESTIONS_PER_NUMBER = Allowance(
    "question", ((timedelta(minutes=10), 1), (timedelta(hours=24), 3), (KEPT, 5))
)
# A stranger may type the number of somebody who said STOP.
QUESTIONS_AFTER_STOP = Allowance("question after stop", ((KEPT, 1),))


def take_attempt(allowance: Allowance, subject: str, *, wall: datetime) -> bool:
    """Counts one attempt; False, and nothing is counted, when that is too many.

    The subject is kept as a keyed digest only. Two at once wait for each other, so the limit is
    exact; the lock is the transaction's.
    """
    key = keyed_digest(f"attempt {allowance.name}", subject)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))",
            [f"consent.attempt:{current_tenant_id()}:{key}"],
        )
    held = OptInAttempt.objects.filter(key=key)
    for span, most in allowance.limits:
        if held.filter(at__gt=wall - span).count() >= most:
            return False
    OptInAttempt.objects.create(key=key, at=wall)
    return True


def forget_attempts(*, wall: datetime) -> int:
    """Removes what no limit looks at any more."""
    deleted, _ = OptInAttempt.objects.filter(at__lte=wall - KEPT).delete()
    return int(deleted)
