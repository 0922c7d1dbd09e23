"""The plan and who is on it: flows, immutable versions, runs, steps passed, entry decisions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from django.db import models

from tenancy.models import TenantForeignKey, TenantManager, TenantModel
from triggers.campaign_models import Campaign, PartPrice
from triggers.date_models import DateDue, WatchedDate

__all__ = [
    "Campaign",
    "DateDue",
    "EntryDecision",
    "FanOut",
    "Flow",
    "FlowRun",
    "FlowVersion",
    "PartPrice",
    "RunStep",
    "ThresholdLevel",
    "WatchedDate",
    "WorkLease",
]


class FlowManager(TenantManager["Flow"]):
    """The flows that people made. A campaign's flow is its own affair: see `Flow.every`."""

    def get_queryset(self) -> models.QuerySet[Flow]:
        return super().get_queryset().filter(is_campaign=False)


class Flow(TenantModel):
    """One automated way from a trigger to texts. What it does is in its versions.

    `objects` leaves out the flows of campaigns (same id as theirs), `every` does not.
    """

    class Status(models.TextChoices):
        DRAFT = "draft"
        LIVE = "live"
        PAUSED = "paused"
        ARCHIVED = "archived"

    name = models.CharField(max_length=200)
    slug = models.CharField(max_length=100, db_collation="C")
    status = models.CharField(
        max_length=10, choices=Status.choices, default=Status.DRAFT, db_collation="C"
    )
    priority = models.SmallIntegerField(default=50)
    live_version = TenantForeignKey("triggers.FlowVersion", null=True)
    draft_version = TenantForeignKey("triggers.FlowVersion", null=True)
    recipe = models.CharField(max_length=100, blank=True, default="", db_collation="C")
    is_campaign = models.BooleanField(default=False)
    published_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    objects: ClassVar[TenantManager[Any]] = FlowManager()
    every: ClassVar[TenantManager[Any]] = TenantManager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant", "slug"], name="flow_slug_once"),
        ]

    def __str__(self) -> str:
        return self.name


class FlowVersion(TenantModel):
    """What a flow does, written once. Runs pin their version.

    `texts`: {template slug: number of its version} as the texts stood when this was saved.
    Publishing puts them in use; runs always read what is in use.
    """

    kairos_append_only = True

    flow = TenantForeignKey(Flow)
    number = models.IntegerField()
    definition = models.JSONField()
    texts = models.JSONField(default=dict)
    created_at = models.DateTimeField()
    created_by = models.CharField(max_length=254, blank=True, default="")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "flow", "number"], name="version_number_once"
            ),
        ]

    def __str__(self) -> str:
        return f"version {self.number}"


class FlowRun(TenantModel):
    """One contact's way through one version.

    `anchor_at`: when the last step was left; delays count from it. `on_hold`: the flow is paused.
    `context`: {"event": {...}, "product_key": ..., "cart_key": ..., "request_id": ...}.
    """

    class State(models.TextChoices):
        ACTIVE = "active"
        WAITING_MESSAGE = "waiting_message"
        WAITING_EVENT = "waiting_event"
        FINISHED = "finished"
        EXITED = "exited"

    flow = TenantForeignKey(Flow)
    version = TenantForeignKey(FlowVersion)
    contact = TenantForeignKey("people.Contact")
    entry_key = models.CharField(max_length=256, blank=True, default="", db_collation="C")
    state = models.CharField(
        max_length=16, choices=State.choices, default=State.ACTIVE, db_collation="C"
    )
    step_key = models.CharField(max_length=64, db_collation="C")
    due_at = models.DateTimeField(null=True)
    on_hold = models.BooleanField(default=False)
    waiting = models.JSONField(default=dict)
    outcomes = models.JSONField(default=dict)
    message_id = models.UUIDField(null=True)
    replied_at = models.DateTimeField(null=True)
    trigger_event_id = models.UUIDField(null=True)
    triggered_at = models.DateTimeField()
    entered_at = models.DateTimeField()
    anchor_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    exit_reason = models.CharField(max_length=200, blank=True, default="")
    exit_event_id = models.UUIDField(null=True)
    context = models.JSONField(default=dict)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "flow", "contact", "entry_key"],
                condition=models.Q(ended_at__isnull=True),
                name="run_once_at_a_time",
            ),
        ]
        indexes = [
            models.Index(
                fields=["tenant", "due_at"],
                condition=models.Q(due_at__isnull=False, on_hold=False),
                name="run_due",
            ),
            models.Index(
                fields=["tenant", "contact"],
                condition=models.Q(ended_at__isnull=True),
                name="run_running",
            ),
            models.Index(fields=["tenant", "contact", "entered_at"], name="run_of_contact"),
            models.Index(fields=["tenant", "flow", "entered_at"], name="run_of_flow"),
            models.Index(
                fields=["tenant", "flow", "step_key"],
                condition=models.Q(ended_at__isnull=True),
                name="run_at_step",
            ),
        ]

    def __str__(self) -> str:
        return f"run of {self.contact_id}"


class RunStep(TenantModel):
    """One step of one run, from entering it to leaving it (`left_at` null: still there)."""

    run = TenantForeignKey(FlowRun)
    flow = TenantForeignKey(Flow)
    version = TenantForeignKey(FlowVersion)
    contact = TenantForeignKey("people.Contact")
    step_key = models.CharField(max_length=64, db_collation="C")
    entered_at = models.DateTimeField()
    left_at = models.DateTimeField(null=True)
    outcome = models.CharField(max_length=120, blank=True, default="", db_collation="C")
    message_id = models.UUIDField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["tenant", "run", "entered_at"], name="runstep_of_run"),
            models.Index(
                fields=["tenant", "flow", "step_key", "entered_at"], name="runstep_of_flow"
            ),
            models.Index(
                fields=["tenant", "contact", "left_at"],
                condition=models.Q(outcome="sent"),
                name="runstep_sent",
            ),
        ]

    def __str__(self) -> str:
        return self.step_key


class EntryDecision(TenantModel):
    """Why an event did or did not start a run: one row per listened event, flow and contact.

    `detail`: {"text": "the balance did not cross $10, it was $15", ...values}. Backfilled events
    have none: that they are history is on the event itself.
    """

    kairos_append_only = True
    kairos_erased: ClassVar[Mapping[str, str]] = {"detail": "'{}'"}
    kairos_no_fk = True  # a log like the events it speaks of: keys would only slow it down

    event_id = models.UUIDField()
    event_name = models.CharField(max_length=200, db_collation="C")
    flow = TenantForeignKey(Flow)
    contact = TenantForeignKey("people.Contact", null=True)
    run = TenantForeignKey(FlowRun, null=True)
    entered = models.BooleanField()
    reason = models.CharField(max_length=40, db_collation="C")
    detail = models.JSONField(default=dict)
    at = models.DateTimeField()

    class Meta:
        indexes = [
            models.Index(fields=["tenant", "contact", "at"], name="entry_of_contact"),
            models.Index(fields=["tenant", "flow", "at"], name="entry_of_flow"),
            models.Index(fields=["tenant", "event_id"], name="entry_of_event"),
        ]

    def __str__(self) -> str:
        return self.reason


class ThresholdLevel(TenantModel):
    """The last value a threshold trigger saw, and whether it may fire again.

    `subject`: contact id or product key. `armed`: the value has been on the near side of the
    threshold (and of the hysteresis) since it last crossed.
    """

    flow = TenantForeignKey(Flow)
    subject = models.CharField(max_length=256, db_collation="C")
    value = models.FloatField()
    armed = models.BooleanField()
    seen_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant", "flow", "subject"], name="level_once"),
        ]

    def __str__(self) -> str:
        return self.subject


class FanOut(TenantModel):
    """An audience on its way into a flow, a set at a time, in order of contact ids.

    A segment's current members when a flow goes live, or a campaign's audience (`segment_id` null:
    everybody subscribed), which may take several passes: one for each local time that comes round.
    `starts_at`: when the next set may go (null: at once); `next_at`: the earliest local time that
    this pass met and left for later. `stage`: entering, then draining until all runs have ended;
    stopping ends them.
    """

    class Stage(models.TextChoices):
        ENTERING = "entering"
        DRAINING = "draining"
        STOPPING = "stopping"

    flow = TenantForeignKey(Flow)
    version = TenantForeignKey(FlowVersion)
    segment_id = models.UUIDField(null=True)
    after_contact = models.UUIDField(null=True)
    started_at = models.DateTimeField()
    starts_at = models.DateTimeField(null=True)
    next_at = models.DateTimeField(null=True)
    stage = models.CharField(
        max_length=8, choices=Stage.choices, default=Stage.ENTERING, db_collation="C"
    )
    on_hold = models.BooleanField(default=False)
    done_at = models.DateTimeField(null=True)
    entered_count = models.IntegerField(default=0)

    class Meta:
        indexes = [
            models.Index(
                fields=["tenant", "id"],
                condition=models.Q(done_at__isnull=True),
                name="fanout_open",
            ),
        ]

    def __str__(self) -> str:
        return str(self.id)


class WorkLease(TenantModel):
    """Who works for this workspace right now (wall time). Rows stay correct without it: every
    claim locks its rows; the lease only keeps workers from standing in each other's way."""

    part = models.CharField(max_length=8, db_collation="C")
    holder = models.CharField(max_length=64, blank=True, default="")
    until = models.DateTimeField(null=True)
    wanted_again = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant", "part"], name="lease_once"),
        ]

    def __str__(self) -> str:
        return self.part
