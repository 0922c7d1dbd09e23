"""How often: rolling limits and a gap between different flows, over one contact's slots.

A rolling window is (now - span, now]: a slot exactly one span old has left it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import UUID

Tier = Literal["normal", "hot", "cold"]

HOUR = 3600
DAY = 24 * HOUR


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `maximum` texts in any `seconds`. `rule` is the stable code of the reason."""

    rule: str
    seconds: int
    maximum: int


@dataclass(frozen=True, slots=True)
class CapRules:
    """`min_gap_seconds` lies between texts of different flows or campaigns.

    `legal_maximum` is what a state allows in 24 hours, for all texts to the number; None when no
    such state is a candidate. The workspace can change everything but that.
    """

    limits: tuple[Limit, ...]
    min_gap_seconds: int
    preset: str = "normal"
    legal_maximum: int | None = None
    version: int = 0


@dataclass(frozen=True, slots=True)
class Slot:
    """One text that counts. A refunded slot may still count against the legal limit."""

    message_id: UUID
    source_key: str
    run_id: UUID | None
    at: datetime
    counts_brand: bool = True
    counts_legal: bool = True


@dataclass(frozen=True, slots=True)
class CapVerdict:
    """`next_at`: when all rules would allow it if nothing else is sent; None: never, or `ok`."""

    ok: bool
    rule: str
    next_at: datetime | None
    detail: str


FACTORY = CapRules(
    limits=(
        Limit("per_day", DAY, 2),
        Limit("per_week", 7 * DAY, 4),
        Limit("per_month", 30 * DAY, 10),
    ),
    min_gap_seconds=12 * HOUR,
)


def rules_for_tier(rules: CapRules, tier: Tier) -> CapRules:
    """The preset's tiers: hot contacts a quarter more, cold ones one text in 14 days."""
    if tier == "hot":
        limits = tuple(replace(limit, maximum=limit.maximum * 5 // 4) for limit in rules.limits)
        return replace(rules, limits=limits, preset=f"{rules.preset}+hot")
    if tier == "cold":
        cold = Limit("per_two_weeks", 14 * DAY, 1)
        return replace(rules, limits=(*rules.limits, cold), preset=f"{rules.preset}+cold")
    return rules


def check(
    rules: CapRules,
    slots: Sequence[Slot],
    *,
    at: datetime,
    source_key: str,
    run_id: UUID | None,
) -> CapVerdict:
    """Whether one more text at `at` keeps every rule. The first broken rule is the reason.

    The law comes first, then the limits in their order, then the gap. An empty `source_key`
    (an API or test send) is no flow's, so the gap binds it against everything.
    """
    broken = list(_broken(rules, slots, at=at, source_key=source_key, run_id=run_id))
    if not broken:
        used = sum(slot.counts_brand and slot.at > at - timedelta(days=1) for slot in slots)
        return CapVerdict(True, "", None, f"{used} in the last 24 hours.")
    rule, _, detail = broken[0]
    free = [when for _, when, _ in broken]
    known = [when for when in free if when is not None]
    return CapVerdict(False, rule, max(known) if len(known) == len(free) else None, detail)


def _broken(
    rules: CapRules,
    slots: Sequence[Slot],
    *,
    at: datetime,
    source_key: str,
    run_id: UUID | None,
) -> Iterable[tuple[str, datetime | None, str]]:
    brand = sorted((slot.at for slot in slots if slot.counts_brand), reverse=True)
    if rules.legal_maximum is not None:
        legal = sorted((slot.at for slot in slots if slot.counts_legal), reverse=True)
        limit = Limit("legal_per_day", DAY, rules.legal_maximum)
        yield from _over(limit, legal, at, "State law")
    for limit in rules.limits:
        yield from _over(limit, brand, at, "The cap")
    gap = timedelta(seconds=rules.min_gap_seconds)
    others = [
        slot.at
        for slot in slots
        if slot.counts_brand
        and not (run_id is not None and slot.run_id == run_id)
        and (slot.source_key != source_key or not source_key)
    ]
    if others and max(others) + gap > at:
        hours = rules.min_gap_seconds / HOUR
        yield (
            "min_gap",
            max(others) + gap,
            f"Another flow or campaign texted less than {hours:g} hours before.",
        )


def _over(
    limit: Limit, newest_first: Sequence[datetime], at: datetime, who: str
) -> Iterable[tuple[str, datetime | None, str]]:
    span = timedelta(seconds=limit.seconds)
    used = sum(when > at - span for when in newest_first)
    if used < limit.maximum:
        return
    free = newest_first[limit.maximum - 1] + span if limit.maximum else None
    days, hours = divmod(limit.seconds // HOUR, 24)
    window = f"{days} days" if days > 1 and not hours else f"{limit.seconds // HOUR} hours"
    yield limit.rule, free, f"{who} allows {limit.maximum} in {window}; {used} so far."


def rules_to_json(rules: CapRules) -> dict[str, Any]:
    """The stored form: {"preset", "min_gap_seconds", "limits": [{"rule", "seconds", "max"}]}."""
    return {
        "preset": rules.preset,
        "min_gap_seconds": rules.min_gap_seconds,
        "limits": [
            {"rule": limit.rule, "seconds": limit.seconds, "max": limit.maximum}
            for limit in rules.limits
        ],
    }


def rules_from_json(data: dict[str, Any], *, version: int = 0) -> CapRules:
    """Back from the stored form."""
    return CapRules(
        limits=tuple(
            Limit(entry["rule"], entry["seconds"], entry["max"]) for entry in data["limits"]
        ),
        min_gap_seconds=data["min_gap_seconds"],
        preset=data["preset"],
        version=version,
    )
