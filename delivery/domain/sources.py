"""Where intents come from: each kind of source says whether its text is still wanted.

The apps above register themselves at start (`triggers` registers "flow"): delivery never imports
upward, yet exit rules are read in the transaction that decides and again in the one that claims.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from delivery.core.facts import SourceView
from delivery.core.intents import SendIntent
from delivery.core.reasons import Reason

SourceState = SourceView
ALWAYS_LIVE = frozenset({"api", "reply", "answer", "test", "test_text", "system"})


class Loader(Protocol):
    def __call__(
        self, intents: Sequence[SendIntent], *, now: datetime
    ) -> Mapping[str, SourceState]: ...


_LOADERS: dict[str, Loader] = {}


def register(kind: str, loader: Loader) -> None:
    """`loader(intents, now=now)` gives a `SourceState` per dedupe key, in set queries."""
    _LOADERS[kind] = loader


def load_sources(intents: Sequence[SendIntent], *, now: datetime) -> dict[str, SourceState]:
    """The states of all intents whose kind has a loader. Replies, tests and the platform's own
    texts have none and are always live; a flow's text that nobody answers for is not."""
    by_kind: dict[str, list[SendIntent]] = defaultdict(list)
    for intent in intents:
        if intent.source_kind in _LOADERS or intent.source_kind not in ALWAYS_LIVE:
            by_kind[intent.source_kind].append(intent)
    found: dict[str, SourceState] = {}
    for kind, members in by_kind.items():
        unknown = SourceState(live=False, reason=Reason.EXITED, detail={"why": "nobody_knows"})
        found.update({member.dedupe_key: unknown for member in members})
        if kind in _LOADERS:
            found.update(_LOADERS[kind](members, now=now))
    return found
