"""What a call brought that was not stored, noted for the page of arrivals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec

from api.problems import FieldError, Problem
from events.core.decoding import Unreadable
from events.core.incoming import Incoming
from events.domain.arrivals import note_refused_call, note_results
from events.domain.ingestion import ItemResult
from tenancy.clock import business_now
from tenancy.domain.keys import FoundKey

_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class Noting:
    """One call: its key, its items as they were read and as they were sent."""

    key: FoundKey
    read: Sequence[Incoming]
    sent: Sequence[Any]
    now: datetime = field(kw_only=True)

    def __call__(self, results: Sequence[ItemResult]) -> None:
        note_results(
            self.key.tenant_id,
            self.read,
            results,
            bodies=self._body,
            source=self.key.kind,
            key_id=self.key.id,
            now=self.now,
        )

    def _body(self, index: int) -> bytes:
        item = self.sent[index]
        return item.raw if isinstance(item, Unreadable) else _encode(item)


def note_unread(key: FoundKey | None, problem: Problem) -> None:
    """A body that is no JSON, or no call. Of public keys, which anybody can read, none is noted:
    nothing counts such calls."""
    if key is None or key.kind == "public":
        return
    note_refused_call(
        key.tenant_id,
        problem.errors or [FieldError("", problem.code, problem.detail)],
        source=key.kind,
        key_id=key.id,
        now=business_now(),
    )
