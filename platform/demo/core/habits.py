"""What the demo's shoppers do when a text arrives. Pure and seeded: the same start, the same story.

Of a hundred texts about a cart about a third are tapped and half of those end in an order; a
preview fetches every seventh link before its person sees it; one in fifty answers STOP. The
numbers are invented, in the range that shops report; they are not a promise.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class Habit:
    """Chances per text of one kind."""

    tap: float
    order: float
    stop: float = 0.012
    size: float = 0.0
    shipping: float = 0.0
    chat: float = 0.02
    preview: float = 0.15


HABITS = {
    "cart": Habit(tap=0.34, order=0.5),
    "cart_again": Habit(tap=0.24, order=0.42, size=0.08, shipping=0.06, stop=0.02),
    "back_in_stock": Habit(tap=0.46, order=0.55, stop=0.004),
    "loyalty": Habit(tap=0.26, order=0.4),
}
CHAT = ("Thanks!", "ok great", "love your shop", "Is the store open on Sunday?", "👍")


@dataclass(frozen=True, slots=True)
class Act:
    """One thing a shopper will do: preview, tap, order, reply."""

    at: datetime
    kind: str
    text: str = ""


def acts_on(seed: str, habit: Habit, *, sent_at: datetime) -> list[Act]:
    """Everything one text leads to, in time order."""
    dice = random.Random(seed)  # noqa: S311 (a demo's dice)
    acts: list[Act] = []
    if dice.random() < habit.preview:
        acts.append(Act(sent_at + timedelta(seconds=1), "preview"))
    roll = dice.random()
    seen = sent_at + timedelta(minutes=dice.triangular(1, 90, 6))
    if roll < habit.stop:
        return [*acts, Act(seen, "reply", dice.choice(("STOP", "Stop", "stop please")))]
    roll -= habit.stop
    for kind, chance in (("SIZE", habit.size), ("SHIPPING", habit.shipping)):
        if 0 <= roll < chance:
            acts.append(Act(seen, "reply", dice.choice((kind, kind.lower()))))
        roll -= chance
    if 0 <= roll < habit.chat:
        acts.append(Act(seen, "reply", dice.choice(CHAT)))
    if dice.random() < habit.tap:
        acts.append(Act(seen, "tap"))
        if dice.random() < habit.order:
            acts.append(Act(seen + timedelta(minutes=dice.uniform(3, 40)), "order"))
    return sorted(acts, key=lambda act: act.at)
