"""What the demo remembers about itself. Exists only where the demo app is installed."""

from __future__ import annotations

from django.db import models


class DemoState(models.Model):
    """One row: when the demo was first started, and when its history was in. Wall time."""

    id = models.SmallIntegerField(primary_key=True, default=1)
    started_at = models.DateTimeField()
    clock_set = models.BooleanField(default=False)
    loaded_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.CheckConstraint(condition=models.Q(id=1), name="demo_state_one_row")]

    def __str__(self) -> str:
        return "loaded" if self.loaded_at else "loading"
