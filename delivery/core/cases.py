"""An intent on its way through the checks, and what a set has used up."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from consent.core.caps import Slot
from delivery.core.facts import GateIntent, SenderView, TextView
from delivery.core.intents import Check


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found. `reason` is empty when it passed.

    `until`: when it is worth asking again; None: never. `earliest`: a moment before `until` that
    would do too, taken when `until` is too late for the text.
    """

    text: str
    reason: str = ""
    until: datetime | None = None
    earliest: datetime | None = None
    detail: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Case:
    """One intent on its way through the checks."""

    gate: GateIntent
    sender: SenderView | None = None
    phone: str = ""
    text: TextView | None = None
    window_ends_at: datetime | None = None
    done: list[Check] = field(default_factory=list)
    stopped: Finding | None = None


@dataclass(slots=True)
class Taken:
    """What this set has used up so far."""

    keys: set[str] = field(default_factory=set)
    slots: dict[UUID, list[Slot]] = field(default_factory=dict)
    segments: dict[UUID, float] = field(default_factory=dict)
