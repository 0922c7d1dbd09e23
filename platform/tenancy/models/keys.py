from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models

from tenancy.models.base import TenantModel


class Key(TenantModel):
    """A secret is stored as its SHA-256 only; the prefix lets people recognize it.

    A plain hash is enough: keys carry 160 random bits, so there is nothing to guess.
    """

    name = models.CharField(max_length=80)
    prefix = models.CharField(max_length=16)
    key_hash = models.CharField(max_length=64, unique=True, db_collation="C")
    created_at = models.DateTimeField()
    created_by = models.UUIDField(null=True)
    revoked_at = models.DateTimeField(null=True)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"{self.name} {self.prefix}…"


class ApiKey(Key):
    """Secret, scoped, server side."""

    scopes = ArrayField(models.CharField(max_length=40))
    last_used_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["tenant", "created_at"], name="api_key_tenant")]


class WriteKey(Key):
    """May only send events. Public keys live in browsers and may do little."""

    class Kind(models.TextChoices):
        SERVER = "server"
        PUBLIC = "public"

    kind = models.CharField(max_length=8, choices=Kind.choices)
    allowed_origins = ArrayField(models.CharField(max_length=200), default=list, blank=True)
    public_text = models.CharField(
        max_length=64,
        blank=True,
        db_default="",
        help_text="The whole of a public key: it stands in every page of the shop anyway",
    )

    class Meta:
        indexes = [models.Index(fields=["tenant", "created_at"], name="write_key_tenant")]
