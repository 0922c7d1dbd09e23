from __future__ import annotations

from django.core.validators import RegexValidator
from django.db import models

from tenancy.ids import new_id
from tenancy.models.users import User

SLUG = RegexValidator(r"^[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?$", "Lower-case letters, digits, -.")


class Organization(models.Model):
    """Who pays and employs; an agency is an organization with several workspaces."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    name = models.CharField(max_length=120)
    slug = models.CharField(max_length=40, unique=True, validators=[SLUG])
    created_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.name


class Tenant(models.Model):
    """A workspace: one brand's closed world."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    organization = models.ForeignKey(
        Organization, on_delete=models.PROTECT, related_name="workspaces"
    )
    name = models.CharField(max_length=120)
    slug = models.CharField(max_length=40, unique=True, validators=[SLUG])
    sms_name = models.CharField(max_length=40, help_text="The brand's name as texts begin with it")
    timezone = models.CharField(max_length=64, default="America/New_York")
    country = models.CharField(max_length=2, default="US")
    currency = models.CharField(max_length=3, default="USD")
    accent = models.CharField(max_length=7, default="#0b6b5b")
    shop_url = models.CharField(max_length=300, blank=True)
    help_text = models.CharField(max_length=160, blank=True, help_text="The answer to HELP")
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.name


class Role(models.TextChoices):
    OWNER = "owner"
    ADMIN = "admin"
    MARKETER = "marketer"
    APPROVER = "approver"
    ANALYST = "analyst"
    SUPPORT = "support"
    DEVELOPER = "developer"


class Membership(models.Model):
    """A person's role in an organization: in all of its workspaces, or in those named."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    organization = models.ForeignKey(
        Organization, on_delete=models.CASCADE, related_name="memberships"
    )
    role = models.CharField(max_length=12, choices=Role.choices)
    all_workspaces = models.BooleanField(default=True)
    workspaces = models.ManyToManyField(Tenant, blank=True, related_name="+")
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "organization"], name="membership_once")
        ]

    def __str__(self) -> str:
        return f"{self.user_id} {self.role}"
