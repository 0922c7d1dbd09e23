"""Roll-ups: counted from the stored facts, thrown away and counted again at will."""

from __future__ import annotations

from django.db import models

from tenancy.models import RollupModel, TenantModel


class ClientDay(RollupModel):
    """One workspace's day, in its own time zone, for its organization's list of clients.

    The newest row also tells how the workspace is: `problems` are
    [{"code", "title", "detail", "tone": "stop" | "wait", "path", "needs"}], the worst first, `path` an
    address below the workspace's own or "".
    """

    day = models.DateField()
    sent = models.IntegerField(default=0)
    delivered = models.IntegerField(default=0)
    opt_outs = models.IntegerField(default=0)
    last_event_at = models.DateTimeField(null=True)
    problems = models.JSONField(default=list)
    counted_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "tenant", "day"], name="client_day_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.day}: {self.sent} sent"


class FirstStepMark(TenantModel):
    """A step of a new workspace that somebody called done, or skipped. Facts need no mark."""

    step = models.CharField(max_length=12, db_collation="C")
    state = models.CharField(max_length=8, help_text="done or skipped")
    at = models.DateTimeField()
    by = models.CharField(max_length=254, blank=True, default="")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant", "step"], name="first_step_mark_once")
        ]

    def __str__(self) -> str:
        return f"{self.step}: {self.state}"
