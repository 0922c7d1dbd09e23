"""The ways onto the list and off it: keywords, the sign-up page, opt-out links."""

from __future__ import annotations

from django.db import models

from tenancy.models import TenantModel


class OptInKeyword(TenantModel):
    """A word of the workspace's own that subscribes whoever texts it. JOIN always does."""

    word = models.CharField(max_length=20, db_collation="C", help_text="Normalized")
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant", "word"], name="opt_in_keyword_once")
        ]

    def __str__(self) -> str:
        return self.word.upper()


class SignUpPage(TenantModel):
    """The workspace's hosted sign-up page: one, at an address that never changes.

    `version` is the number of the `SignUpVersion` that holds its words.
    """

    slug = models.CharField(max_length=40, db_collation="C")
    is_live = models.BooleanField(default=False)
    version = models.IntegerField()
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant"], name="sign_up_page_once"),
            # Over all workspaces: the address is read before anybody knows whose it is.
            models.UniqueConstraint(fields=["slug"], name="sign_up_page_slug"),
        ]

    def __str__(self) -> str:
        return self.slug


class SignUpVersion(TenantModel):
    """The words of the sign-up page from one change to the next, kept for ever.

    `parts`: what the workspace wrote. `rendered`: everything the page said, line by line.
    """

    kairos_append_only = True

    number = models.IntegerField()
    parts = models.JSONField()
    rendered = models.TextField()
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant", "number"], name="sign_up_version_once")
        ]

    def __str__(self) -> str:
        return f"version {self.number}"


class OptInAttempt(TenantModel):
    """Counts against a limit: a form sent from an address, a question texted to a number.

    `key` is a keyed digest, `at` wall time. Removed after 30 days.
    """

    key = models.CharField(max_length=64, db_collation="C")
    at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["tenant", "key", "at"], name="opt_in_attempt_key")]

    def __str__(self) -> str:
        return f"{self.key[:8]} at {self.at}"


class OptOutLinks(TenantModel):
    """Which opt-out links still work: those that carry this generation. No row: generation 0."""

    generation = models.IntegerField()
    changed_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["tenant"], name="opt_out_links_once")]

    def __str__(self) -> str:
        return f"generation {self.generation}"
