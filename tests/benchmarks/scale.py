"""How much each measure does. Small proves that the bench works; its ratios say little."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Scale:
    name: str
    runs: int
    events: int
    warm_events: int
    known: int
    recipients: int
    warm_recipients: int
    bare_texts: int
    seconds: int  # of ten events each, for the latencies
    burst: int
    few_contacts: int
    many_contacts: int
    rows: int  # of the imported file
    import_runs: int


SCALES = {
    "small": Scale("small", 3, 1_500, 500, 300, 150, 40, 200, 2, 150, 100, 400, 600, 3),
    "medium": Scale(
        "medium", 3, 10_000, 2_000, 2_000, 2_000, 400, 2_000, 10, 500, 2_000, 50_000, 5_000, 3
    ),
    "full": Scale(
        "full",
        3,
        100_000,
        10_000,
        20_000,
        50_000,
        2_000,
        10_000,
        60,
        5_000,
        10_000,
        1_000_000,
        200_000,
        3,
    ),
}
EVENTS_PER_SECOND = 10
