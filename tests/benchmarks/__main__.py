"""`make bench`: every measure beside its limit; prints a table and writes bench-results.json."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

from stack.local import LOCAL
from tests.benchmarks.figures import Figure, show_table
from tests.benchmarks.scale import SCALES, Scale
from tests.benchmarks.stack import WORKERS, BenchStack
from tests.benchmarks.usage import Peak

EVERY = ("B1", "B3", "B3c", "B4", "B4b", "B5", "B7", "B8")
WORKER_MEGABYTES, IDLE_MEGABYTES = 250.0, 900.0


def main() -> int:
    scale = SCALES.get(os.environ.get("SCALE") or "full")
    wanted = [name for name in (os.environ.get("ONLY") or "").split(",") if name] or list(EVERY)
    if scale is None or not set(wanted) <= set(EVERY):
        say(f"ONLY: some of {', '.join(EVERY)}. SCALE: one of {', '.join(SCALES)}.")
        return 2
    figures = measure(wanted, scale)
    path = Path(os.environ.get("BENCH_RESULTS") or LOCAL / "bench-results.json")
    path.write_text(json.dumps([one.as_json() for one in figures], indent=2) + "\n")
    say(f"\n{show_table(figures)}\n\nAll runs: {path}")
    return 0


def measure(wanted: list[str], scale: Scale) -> list[Figure]:
    figures: list[Figure] = []
    if set(wanted) - {"B5"}:
        with BenchStack().started() as stack:
            figures += measure_stack(stack, wanted, scale)
    if "B5" in wanted:
        from tests.benchmarks import b5_render

        began = time.monotonic()
        found = b5_render.measure(scale.name)
        found.pop("ratio")
        figures.append(Figure(**found, floor=0.6))
        tell("B5", began)
    return figures


def measure_stack(stack: BenchStack, wanted: list[str], scale: Scale) -> list[Figure]:
    import django

    django.setup()
    from tests.benchmarks import b1_ingest, b3_campaign, b4_latency, b7_size, b8_import
    from tests.benchmarks.shop import open_hours, open_shop

    open_hours()
    time.sleep(3.0)
    idle = stack.memory()
    figures: list[Figure] = []
    campaign = 0.0
    peak = Peak({name: stack.processes[name].pid for name in WORKERS})
    with peak.watched():
        for name in [one for one in EVERY if one in wanted]:
            began = time.monotonic()
            if name == "B1":
                figures += b1_ingest.measure(stack, scale)
            elif name in {"B3", "B3c"}:
                figures += b3_campaign.measure(stack, scale, callbacks=name == "B3c")
                campaign = figures[-1].ours if name == "B3" else campaign
            elif name == "B4":
                figures += b4_latency.measure(stack, scale)
            elif name == "B4b":
                if not campaign:
                    shop = open_shop(stack, "campaign")
                    b3_campaign.send_campaign(shop, scale.warm_recipients)
                    campaign = b3_campaign.send_campaign(shop, scale.burst)["ours"]
                figures += b4_latency.measure_burst(stack, scale, campaign)
            elif name == "B7":
                figures += b7_size.measure(stack, scale)
            elif name == "B8":
                figures += b8_import.measure(stack, scale)
            else:
                continue
            tell(name, began)
    for name, megabytes in peak.megabytes.items():
        figures.append(
            _memory(f"M {name}", "memory (PSS) at its peak", megabytes, WORKER_MEGABYTES)
        )
    figures.append(_memory("M idle", "memory (PSS) of the idle stack", idle, IDLE_MEGABYTES))
    return figures


def _memory(id: str, what: str, megabytes: float, most: float) -> Figure:
    return Figure(id, what, round(megabytes, 1), most, "MB", floor=1.0, at_most=True)


def tell(name: str, began: float) -> None:
    say(f"  {name} measured in {time.monotonic() - began:.0f} s")


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
