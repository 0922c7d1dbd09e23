"""A file on its way into the workspace: the job, its bytes, whom it names, what became of each row.

The bytes and the names are personal: both are removed when the import has ended. What stays is
counts and outcomes, which say nothing of anybody.
"""

from __future__ import annotations

from django.db import models

from tenancy.models import TenantForeignKey, TenantModel


class Import(TenantModel):
    """One file. `position` is the byte behind the last row that is done; together with the outcomes
    it is written in the transaction that did the row.

    `mapping`: {"1": {"field": ...}}, columns from 1. `options`: see `domain.options`. `counts`
    belong to the stage that runs or ran last, `checked` to the last whole check; `effects`: how many
    each flow would at most take in, by its slug.
    """

    class State(models.TextChoices):
        EMPTY = "empty", "No file yet"
        UPLOADED = "uploaded", "To be mapped"
        CHECKING = "checking", "Checking"
        CHECKED = "checked", "Checked"
        RUNNING = "running", "Importing"
        PAUSED = "paused", "Paused"
        DONE = "done", "Done"
        CANCELED = "canceled", "Canceled"

    class Kind(models.TextChoices):
        CONTACTS = "contacts", "Contacts"
        ORDERS = "orders", "Order history"

    kind = models.CharField(max_length=8, choices=Kind.choices)
    name = models.CharField(max_length=120)
    state = models.CharField(
        max_length=8, choices=State.choices, default=State.EMPTY, db_collation="C"
    )
    actor = models.CharField(
        max_length=300, help_text="Who began it: user:<e-mail> or key:<prefix>"
    )
    file_bytes = models.BigIntegerField(default=0)
    encoding = models.CharField(max_length=12, blank=True, default="")
    was_encoding = models.CharField(max_length=12, blank=True, default="")
    delimiter = models.CharField(max_length=1, blank=True, default="")
    has_header = models.BooleanField(default=True)
    width = models.IntegerField(default=0)
    mapping = models.JSONField(default=dict)
    options = models.JSONField(default=dict)
    position = models.BigIntegerField(default=0)
    line = models.IntegerField(default=1)
    rows_done = models.IntegerField(default=0)
    row_count = models.IntegerField(null=True, help_text="Known once the file was checked")
    counts = models.JSONField(default=dict)
    checked = models.JSONField(default=dict)
    effects = models.JSONField(default=dict)
    starts_flows = models.BooleanField(default=False)
    created_at = models.DateTimeField()
    # Wall time and place: how long the rest will take.
    stage_began_at = models.DateTimeField(null=True)
    stage_began_from = models.BigIntegerField(default=0)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    error = models.CharField(max_length=200, blank=True, default="")
    tidied = models.BooleanField(default=False, help_text="The file and its names are gone")

    class Meta:
        indexes = [
            models.Index(
                fields=["tenant", "id"],
                condition=models.Q(tidied=False),
                name="import_open",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class ImportPart(TenantModel):
    """A piece of the file, all of one size but the last."""

    of = TenantForeignKey(Import)
    number = models.IntegerField()
    data = models.BinaryField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant", "of", "number"], name="import_part_once")
        ]

    def __str__(self) -> str:
        return f"part {self.number}"


class ImportKey(TenantModel):
    """Somebody (or an order) a row names, as a keyed digest: who stands in the file twice is found without
    reading it twice. `line` is the first row that names them; 0: they asked to be forgotten since.

    As many as rows and lean, so: no id, and the key is the index that is asked.
    """

    id = None  # type: ignore[assignment]
    pk = models.CompositePrimaryKey("tenant_id", "of_id", "digest")
    of = TenantForeignKey(Import)
    digest = models.UUIDField()
    line = models.IntegerField()

    class Meta:
        indexes = [models.Index(fields=["tenant", "digest"], name="import_key_digest")]

    def __str__(self) -> str:
        return str(self.line)


class ImportOutcome(TenantModel):
    """What became of some rows: [[line, outcome, code, detail], ...] in order. Names nobody."""

    class Stage(models.TextChoices):
        CHECK = "check"
        RUN = "run"

    of = TenantForeignKey(Import)
    stage = models.CharField(max_length=5, choices=Stage.choices, db_collation="C")
    first_line = models.IntegerField()
    rows = models.JSONField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "of", "stage", "first_line"], name="import_outcome_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.stage} from line {self.first_line}"
