"""Which opt-out links a workspace honors. The links themselves are made by delivery."""

from __future__ import annotations

from datetime import datetime

from consent.models import OptOutLinks
from tenancy.audit import record_audit
from tenancy.models import ApiKey, User

MOST_GENERATIONS = 0xFFFF  # two bytes in the token
Actor = User | ApiKey | None


def link_generation() -> int:
    """The generation that links carry now; only these still work."""
    row = OptOutLinks.objects.first()
    return row.generation if row else 0


def revoke_opt_out_links(*, actor: Actor = None, now: datetime) -> int:
    """Every link made so far leads nowhere from now on; returns the new generation.

    For a leak only: people may hold links in old texts. STOP by text always works.
    """
    row = OptOutLinks.objects.select_for_update().first()
    generation = (row.generation if row else 0) + 1
    if generation > MOST_GENERATIONS:
        raise OverflowError("the generations of opt-out links are used up")
    OptOutLinks.objects.bulk_create(
        [OptOutLinks(generation=generation, changed_at=now)],
        update_conflicts=True,
        unique_fields=["tenant"],
        update_fields=["generation", "changed_at"],
    )
    record_audit("opt_out_links.revoked", data={"generation": generation}, actor=actor, now=now)
    return generation
