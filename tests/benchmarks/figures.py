"""One line of the result, and how all of them are shown."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Figure:
    """Medians of the runs. `floor`: what the ratio should reach, or must not pass when `at_most`.

    `cpu_s_per_1000`: CPU seconds of all our processes and PostgreSQL per thousand; `cpu_limit`
    the same of the limit.
    """

    id: str
    what: str
    ours: float
    limit: float
    unit: str
    floor: float
    at_most: bool = False
    cpu_s_per_1000: float | None = None
    cpu_limit: float | None = None
    cpu_floor: float | None = None
    runs: list[dict[str, Any]] = field(default_factory=list)

    @property
    def ratio(self) -> float:
        return round(self.ours / self.limit, 3) if self.limit else 0.0

    @property
    def reached(self) -> bool:
        good = self.ratio <= self.floor if self.at_most else self.ratio >= self.floor
        if self.cpu_floor and self.cpu_s_per_1000 is not None and self.cpu_limit:
            good = good and self.cpu_s_per_1000 / self.cpu_limit <= self.cpu_floor
        return good

    def as_json(self) -> dict[str, Any]:
        data = asdict(self)
        return {
            **{key: data.pop(key) for key in ("id", "what", "ours", "limit")},
            "ratio": self.ratio,
            **{key: data.pop(key) for key in ("unit", "cpu_s_per_1000", "runs")},
            **{key: value for key, value in data.items() if value is not None},
        }


def median_figure(
    id: str, what: str, runs: list[dict[str, Any]], *, unit: str, floor: float, **more: Any
) -> Figure:
    """A figure from runs that each hold `ours` and `limit`, perhaps `cpu` and `cpu_limit`."""
    found: dict[str, Any] = {
        key: _median([run[name] for run in runs if run.get(name) is not None])
        for key, name in (("cpu_s_per_1000", "cpu"), ("cpu_limit", "cpu_limit"))
    }
    return Figure(
        id=id,
        what=what,
        ours=round(statistics.median(run["ours"] for run in runs), 3),
        limit=round(statistics.median(run["limit"] for run in runs), 3),
        unit=unit,
        floor=floor,
        runs=runs,
        **found,
        **more,
    )


def _median(values: Sequence[float]) -> float | None:
    return round(statistics.median(values), 3) if values else None


def show_table(figures: Sequence[Figure]) -> str:
    head = ("id", "what", "ours", "limit", "unit", "ratio", "wanted", "CPU s/1000", "of limit", "")
    rows = [head]
    for one in figures:
        cpu = one.cpu_s_per_1000
        times = f"{cpu / one.cpu_limit:.1f} x" if cpu is not None and one.cpu_limit else ""
        if times and one.cpu_floor:
            times += f" (<= {one.cpu_floor:g})"
        rows.append(
            (
                one.id,
                one.what,
                f"{one.ours:,.6g}",
                f"{one.limit:,.6g}",
                one.unit,
                f"{one.ratio:g}",
                f"{'<=' if one.at_most else '>='} {one.floor:g}",
                "" if cpu is None else f"{cpu:g}",
                times,
                "" if one.reached else "missed",
            )
        )
    widths = [max(len(row[index]) for row in rows) for index in range(len(head))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )
