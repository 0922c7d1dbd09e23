from __future__ import annotations

from django.db import models

from tenancy.ids import new_id
from tenancy.models.organizations import Organization, Role, Tenant
from tenancy.models.users import User


class Invite(models.Model):
    """A one-time link into an organization. Only the hash of its token is stored; wall time."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="invites")
    email = models.EmailField()
    role = models.CharField(max_length=12, choices=Role.choices)
    all_workspaces = models.BooleanField(default=True)
    workspaces = models.ManyToManyField(Tenant, blank=True, related_name="+")
    token_hash = models.CharField(max_length=64, unique=True, db_collation="C")
    created_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["organization", "created_at"], name="invite_organization")]

    def __str__(self) -> str:
        return f"{self.email} as {self.role}"
