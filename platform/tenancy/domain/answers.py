"""Answers kept for a day, so that sending a POST again does nothing twice."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import OperationalError, connection

from api.problems import Problem
from tenancy.crypto import decrypt, encrypt
from tenancy.ids import new_id
from tenancy.models import IdempotentAnswer
from tenancy.retrying import is_collision
from tenancy.scope import current_tenant_id

KEPT = timedelta(hours=24)
_WAIT = "5s"


@dataclass(frozen=True, slots=True)
class Given:
    """The answer of the first time."""

    status: int
    body: str


def claim_answer(route: str, key: str, *, fingerprint: str, wall: datetime) -> Given | None:
    """None when this is the first time: do the work and `keep_answer` in the same transaction.

    A concurrent twin waits for the first to end. Raises `Problem` (409): idempotency_conflict when
    the key came with another request, idempotency_in_progress when the first takes too long.
    """
    tenant_id = current_tenant_id()
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM tenancy_idempotentanswer"
            " WHERE tenant_id = %s AND route = %s AND key = %s AND created_at < %s",
            [tenant_id, route, key, wall - KEPT],
        )
        cursor.execute(
            "SELECT current_setting('lock_timeout'), set_config('lock_timeout', %s, true)", [_WAIT]
        )
        before = cursor.fetchone()[0]
        try:
            cursor.execute(
                "INSERT INTO tenancy_idempotentanswer"
                " (id, tenant_id, route, key, fingerprint, status, body, created_at)"
                " VALUES (%s, %s, %s, %s, %s, 0, ''::bytea, %s) ON CONFLICT DO NOTHING",
                [new_id(), tenant_id, route, key, fingerprint, wall],
            )
        except OperationalError as error:
            if not is_collision(error):
                raise
            raise Problem(
                "idempotency_in_progress",
                "The first request with this key is still at work.",
                status=409,
                headers={"Retry-After": "5"},
            ) from None
        is_first = cursor.rowcount == 1
        cursor.execute("SELECT set_config('lock_timeout', %s, true)", [before])
    if is_first:
        return None
    held = IdempotentAnswer.objects.get(route=route, key=key)
    if held.fingerprint != fingerprint:
        raise Problem(
            "idempotency_conflict",
            "This key came with another request within the last day.",
            status=409,
        )
    return Given(held.status, decrypt(held.body))


def keep_answer(route: str, key: str, *, status: int, body: str) -> None:
    """Fills what `claim_answer` began."""
    IdempotentAnswer.objects.filter(route=route, key=key).update(status=status, body=encrypt(body))


def forget_answers(*, wall: datetime) -> int:
    """Removes what is older than a day in the workspace in scope; returns how many."""
    return int(IdempotentAnswer.objects.filter(created_at__lt=wall - KEPT).delete()[0])
