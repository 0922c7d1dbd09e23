"""What changes hands when contacts are merged: the texts that count against their caps.

Consent does not: it belongs to a number, whoever holds it.
"""

from __future__ import annotations

from consent.models import CapSlot
from people.domain.moving import Moves, move_rows, return_rows


def follow(moves: Moves) -> None:
    move_rows(CapSlot, moves)


def go_back(moves: Moves) -> None:
    return_rows(CapSlot, moves)
