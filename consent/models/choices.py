"""What the workspace chose. No row: the factory's choice."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models

from tenancy.models import TenantModel


class CartRule(models.TextChoices):
    STRICT = "strict"
    ACKNOWLEDGED = "acknowledged"


class StopScope(models.TextChoices):
    ALL = "all"
    MARKETING = "marketing"


class QuietHours(TenantModel):
    """When the workspace does not send, and its other compliance choices. No row: the factory's.

    `week` has seven entries, Monday first: [start, end) in minutes of the day, or null.
    """

    week = models.JSONField()
    transactional_obeys = models.BooleanField(default=True)
    us_cart_rule = models.CharField(
        max_length=12, choices=CartRule.choices, default=CartRule.STRICT
    )
    stop_scope = models.CharField(max_length=12, choices=StopScope.choices, default=StopScope.ALL)
    review_is_opt_out = models.BooleanField(default=False)
    double_opt_in_sources = ArrayField(models.CharField(max_length=20), default=list)
    version = models.IntegerField(default=1)
    updated_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["tenant"], name="quiet_hours_once")]

    def __str__(self) -> str:
        return f"version {self.version}"


class FrequencyCap(TenantModel):
    """How often the workspace texts a contact. No row: the factory preset."""

    rules = models.JSONField()
    version = models.IntegerField(default=1)
    updated_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["tenant"], name="frequency_cap_once")]

    def __str__(self) -> str:
        return f"version {self.version}"
