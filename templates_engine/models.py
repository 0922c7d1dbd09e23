"""Texts and their versions.

Versions and approvals are append-only: what a contact read stays readable for ever. The only row
that changes is the template, which points at the version now in use.
"""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from tenancy.models import TenantForeignKey, TenantModel


class MessageType(models.TextChoices):
    MARKETING = "marketing"
    TRANSACTIONAL = "transactional"
    CONVERSATIONAL = "conversational"
    COMPLIANCE = "compliance"


class Syntax(models.TextChoices):
    BRACKETS = "brackets"
    JINJA = "jinja"


class Template(TenantModel):
    """One text under a name. `ttl_seconds`: how long after its moment it may still go out."""

    slug = models.CharField(max_length=80, db_collation="C")
    name = models.CharField(max_length=120)
    message_type = models.CharField(max_length=16, choices=MessageType.choices)
    ttl_seconds = models.PositiveIntegerField(null=True)
    approved_version = TenantForeignKey("TemplateVersion", null=True)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant", "slug"], name="template_slug_once")
        ]

    def __str__(self) -> str:
        return self.slug


class TemplateVersion(TenantModel):
    """The words as they were saved. `fields`: {key: {"label", "fallback", "required"}}."""

    kairos_append_only: ClassVar[bool] = True

    template = TenantForeignKey(Template)
    number = models.PositiveIntegerField()
    body = models.TextField()
    syntax = models.CharField(max_length=8, choices=Syntax.choices)
    fields = models.JSONField(default=dict)
    created_at = models.DateTimeField()
    created_by = models.UUIDField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "template", "number"], name="template_version_number_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.template_id} {self.number}"


class TemplateApproval(TenantModel):
    """Who let a version out, and when. A version without one is a draft."""

    kairos_append_only: ClassVar[bool] = True

    version = TenantForeignKey(TemplateVersion)
    approved_at = models.DateTimeField()
    approved_by = models.UUIDField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant", "version"], name="template_approval_once")
        ]

    def __str__(self) -> str:
        return f"{self.version_id}"
