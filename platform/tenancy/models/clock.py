from __future__ import annotations

from django.db import models


class ClockOffset(models.Model):
    """How far business time is from wall time. At most one row, only in demo and test."""

    id = models.SmallIntegerField(primary_key=True, default=1)
    seconds = models.BigIntegerField(default=0)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=models.Q(id=1), name="clock_offset_one_row")
        ]

    def __str__(self) -> str:
        return f"{self.seconds} s"
