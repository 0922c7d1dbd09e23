from __future__ import annotations

from django.db import models

from tenancy.models.base import TenantModel


class AuditEntry(TenantModel):
    """Who changed what. Append-only."""

    kairos_append_only = True

    at = models.DateTimeField()
    actor = models.CharField(max_length=160, help_text="user:<email>, key:<prefix> or system")
    action = models.CharField(max_length=60)
    target = models.CharField(max_length=120, blank=True)
    data = models.JSONField(default=dict)

    class Meta:
        indexes = [models.Index(fields=["tenant", "-at"], name="audit_tenant_at")]

    def __str__(self) -> str:
        return f"{self.action} {self.target}"
