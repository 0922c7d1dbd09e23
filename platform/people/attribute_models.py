"""What a workspace knows of its contacts' attributes."""

from __future__ import annotations

from django.db import models

from people.core import kinds
from tenancy.models import TenantModel


class AttributeDefinition(TenantModel):
    """One attribute by name: declared, or seen and inferred from its first value.

    Standard attributes have a row only once somebody has changed something about them.
    `first_told_by`: the door of the first value, an `AddedBy`; "" of what was declared before any.
    """

    name = models.CharField(max_length=128, db_collation="C")
    kind = models.CharField(
        max_length=8, choices=[(kind, label) for kind, label in kinds.LABELS.items()]
    )
    choices = models.JSONField(default=list, help_text="Of one of several: the texts")
    is_declared = models.BooleanField(default=False)
    is_sensitive = models.BooleanField(default=False)
    kept_days = models.IntegerField(null=True, help_text="Believed for so long; null: for ever")
    first_seen_at = models.DateTimeField()
    first_told_by = models.CharField(max_length=8, blank=True, default="", db_collation="C")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant", "name"], name="attribute_definition_name")
        ]

    def __str__(self) -> str:
        return self.name
