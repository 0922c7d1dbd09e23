"""Two contacts that turned out to be one person: the log of it, and what it takes to undo it."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models

from tenancy.models import TenantForeignKey, TenantModel


class ContactMerge(TenantModel):
    """`merged` became a part of `survivor`. The row stays when it is undone.

    `before` and `after`: the survivor's own values that the merge changed, by column. `device`: the
    anonymous id by which a visitor was recognized as the survivor.
    """

    class Kind(models.TextChoices):
        BY_HAND = "by_hand"
        STITCHED = "stitched"  # a nameless visitor gave a name

    survivor = TenantForeignKey("people.Contact")
    merged = TenantForeignKey("people.Contact")
    kind = models.CharField(max_length=8, choices=Kind.choices, db_collation="C")
    at = models.DateTimeField()
    undo_until = models.DateTimeField()
    actor = models.CharField(max_length=160, blank=True, default="")
    device = models.CharField(max_length=256, blank=True, default="", db_collation="C")
    before = models.JSONField(default=dict)
    after = models.JSONField(default=dict)
    undone_at = models.DateTimeField(null=True)
    undone_by = models.CharField(max_length=160, blank=True, default="")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "merged"],
                condition=models.Q(undone_at=None),
                name="contact_merged_once",
            )
        ]
        indexes = [models.Index(fields=["tenant", "survivor", "at"], name="contact_merge_survivor")]

    def __str__(self) -> str:
        return f"{self.merged_id} into {self.survivor_id}"


class MovedRows(TenantModel):
    """Rows of one table that a merge touched.

    Without `before` they only changed hands. With it they were changed in other ways too, and it
    holds them whole, as they were.
    """

    merge = TenantForeignKey(ContactMerge)
    table_name = models.CharField(max_length=63, db_collation="C")
    row_ids = ArrayField(models.UUIDField())
    before = models.JSONField(null=True)

    class Meta:
        indexes = [models.Index(fields=["tenant", "merge", "table_name"], name="moved_rows_merge")]

    def __str__(self) -> str:
        return f"{len(self.row_ids)} of {self.table_name}"
