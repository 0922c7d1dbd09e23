"""Back-in-stock requests are fulfilled by the text that was really sent, each once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from commerce.domain.requests import fulfill_requests as close_requests
from triggers.core.state import RunEffect
from triggers.domain.records import RunRecord


def fulfill_requests(
    records: Sequence[RunRecord], effects: Mapping[UUID, RunEffect], *, now: datetime
) -> int:
    """Closes the requests whose runs have just sent a text; returns how many."""
    told = [
        UUID(str(record.context["request_id"]))
        for record in records
        if record.context.get("request_id")
        and (effect := effects.get(record.id)) is not None
        and any(one.outcome == "sent" for one in effect.left)
    ]
    return close_requests(told, now=now) if told else 0
