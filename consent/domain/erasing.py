"""Forgetting the person and keeping the proof."""

from __future__ import annotations

from collections.abc import Sequence

from consent.domain.contact_points import find_tokens
from consent.models import ConsentEvidence, ConsentRecord


def erase_evidence(phones: Sequence[str]) -> int:
    """Deletes every personal value kept for these numbers, salts included. Returns how many rows.

    The ledger, its tokens and the STOP stay: none of them can be read back to a number without
    the pepper, which is not in the database.
    """
    tokens = list(find_tokens(phones).values())
    records = ConsentRecord.objects.filter(phone_token__in=tokens).values("id")
    deleted, _ = ConsentEvidence.objects.filter(record_id__in=records).delete()
    return int(deleted)
