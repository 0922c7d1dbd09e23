"""The workspace's own opt-in keywords."""

from __future__ import annotations

from datetime import datetime

from api.problems import FieldError, Invalid, NotFound
from consent.core.normalizing import normalize
from consent.core.own_keywords import word_flaw
from consent.domain.hooks import claimed_by
from consent.models import OptInKeyword
from tenancy.audit import record_audit
from tenancy.models import ApiKey, User

MOST = 20
Actor = User | ApiKey | None


def own_keywords() -> frozenset[str]:
    """Normalized, without JOIN and its kin, which work everywhere. One query."""
    return frozenset(OptInKeyword.objects.values_list("word", flat=True))


def add_keyword(text: str, *, actor: Actor = None, now: datetime) -> str:
    """Makes a word subscribe whoever texts it; returns it normalized. Idempotent.

    Raises `Invalid` on `word`: invalid_format, already_opt_in, reserved_keyword, keyword_taken
    (a flow listens for it), too_many.
    """
    flaw = word_flaw(text)
    word = normalize(text)
    if flaw is None and (said := claimed_by(word)):
        flaw = ("keyword_taken", said)
    held = own_keywords()
    if flaw is None and word not in held and len(held) >= MOST:
        flaw = ("too_many", f"At most {MOST} keywords of your own.")
    if flaw is not None:
        raise Invalid([FieldError("word", *flaw)])
    if word not in held:
        OptInKeyword.objects.bulk_create(
            [OptInKeyword(word=word, created_at=now)], ignore_conflicts=True
        )
        record_audit("opt_in_keyword.added", target=word.upper(), actor=actor, now=now)
    return word


def remove_keyword(text: str, *, actor: Actor = None, now: datetime) -> None:
    """The word means nothing any more. Who subscribed with it stays. Raises `NotFound`."""
    word = normalize(text)
    deleted, _ = OptInKeyword.objects.filter(word=word).delete()
    if not deleted:
        raise NotFound("This keyword")
    record_audit("opt_in_keyword.removed", target=word.upper(), actor=actor, now=now)
