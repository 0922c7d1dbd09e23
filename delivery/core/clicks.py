"""Who opened a link: a person, a bot, or something that looks ahead. Pure and recomputable.

The rules run in the order of `RULES`; the first that speaks gives the verdict and its reason.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from delivery.core.crawlers import crawler_name

Kind = Literal["human", "bot", "prefetch"]

TOO_FAST = timedelta(seconds=2)
BURST_SPAN = timedelta(seconds=1)
BURST_TOKENS = 3
SAME_TAP = timedelta(seconds=5)


@dataclass(frozen=True, slots=True)
class ClickFacts:
    """One opening as it was recorded. All times are wall time.

    `purpose` holds what prefetch headers said, `address` a digest of the address,
    `submitted_at` when the text was handed to the gateway.
    """

    id: UUID
    link_id: UUID
    received_at: datetime
    method: str
    user_agent: str
    purpose: str
    address: str
    submitted_at: datetime | None


@dataclass(frozen=True, slots=True)
class ClickVerdict:
    """`reason` is a stable code. `counts`: whether a human opening is a click of its own and not
    the same tap seen twice."""

    kind: Kind
    reason: str
    detail: str = ""
    counts: bool = False


def judge_click(click: ClickFacts, near: Sequence[ClickFacts]) -> ClickVerdict:
    """The verdict on one opening.

    `near`: the other openings from the same address within `SAME_TAP` before and `BURST_SPAN`
    after it (also of other links).
    """
    return _machine(click, near) or _human(click, near)


def _machine(click: ClickFacts, near: Sequence[ClickFacts]) -> ClickVerdict | None:
    for rule in RULES:
        verdict = rule(click, near)
        if verdict is not None:
            return verdict
    return None


def _method(click: ClickFacts, near: Sequence[ClickFacts]) -> ClickVerdict | None:
    if click.method == "GET":
        return None
    return ClickVerdict("prefetch", "method", f"{click.method} asks without opening")


def _purpose(click: ClickFacts, near: Sequence[ClickFacts]) -> ClickVerdict | None:
    said = click.purpose.lower()
    if "prefetch" in said or "prerender" in said or "preview" in said:
        return ClickVerdict("prefetch", "prefetch_header", click.purpose)
    return None


def _user_agent(click: ClickFacts, near: Sequence[ClickFacts]) -> ClickVerdict | None:
    if not click.user_agent.strip():
        return ClickVerdict("bot", "no_user_agent", "No browser goes without a name")
    name = crawler_name(click.user_agent)
    return ClickVerdict("bot", "crawler", name) if name else None


def _too_fast(click: ClickFacts, near: Sequence[ClickFacts]) -> ClickVerdict | None:
    if click.submitted_at is None:
        return None
    after = click.received_at - click.submitted_at
    if after >= TOO_FAST:
        return None
    return ClickVerdict("bot", "too_fast", f"{max(after.total_seconds(), 0):.1f} s after the text")


def _burst(click: ClickFacts, near: Sequence[ClickFacts]) -> ClickVerdict | None:
    if not click.address:
        return None
    beside = [other for other in near if other.address == click.address] + [click]
    moments = sorted({other.received_at for other in beside})
    for start in moments:
        if not start <= click.received_at <= start + BURST_SPAN:
            continue
        links = {o.link_id for o in beside if start <= o.received_at <= start + BURST_SPAN}
        if len(links) >= BURST_TOKENS:
            return ClickVerdict("bot", "burst", f"{len(links)} links from one address in a second")
    return None


def _human(click: ClickFacts, near: Sequence[ClickFacts]) -> ClickVerdict:
    for other in near:
        same = other.link_id == click.link_id and other.user_agent == click.user_agent
        earlier = (other.received_at, other.id) < (click.received_at, click.id)
        if not (same and earlier and click.received_at - other.received_at <= SAME_TAP):
            continue
        # A preview is no tap: only a person's opening makes this one a repetition.
        if _machine(other, near) is None:
            return ClickVerdict("human", "same_tap", "Opened again within seconds")
    return ClickVerdict("human", "tapped", counts=True)


_Rule = Callable[[ClickFacts, Sequence[ClickFacts]], ClickVerdict | None]
RULES: tuple[_Rule, ...] = (_method, _purpose, _user_agent, _too_fast, _burst)
