from __future__ import annotations

from django.db import models

from tenancy.models.base import TenantModel


class IdempotentAnswer(TenantModel):
    """What a POST with an `Idempotency-Key` was answered, for a day. Wall time.

    The row is inserted before the work and filled after it, in the work's own transaction: a twin
    waits for it, and an answer that says no leaves none. The body may hold numbers or a secret, so
    it is encrypted.
    """

    route = models.CharField(max_length=300, db_collation="C", help_text="Method and path")
    key = models.CharField(max_length=200, db_collation="C")
    fingerprint = models.CharField(max_length=64, db_collation="C")
    status = models.SmallIntegerField(default=0)
    body = models.BinaryField(default=b"")
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant", "route", "key"], name="idempotent_once")
        ]
        indexes = [models.Index(fields=["tenant", "created_at"], name="idempotent_age")]

    def __str__(self) -> str:
        return f"{self.route} {self.status}"
