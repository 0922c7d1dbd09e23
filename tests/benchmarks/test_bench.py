"""The bench works: every measure runs at its smallest and says what it found. Ratios are not judged."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from stack.local import ROOT
from tests.benchmarks.figures import Figure, median_figure, show_table

NEEDED = ("KAIROS_TEST_SERVER", "KAIROS_TEST_REDIS", "KAIROS_TEST_BROKER")


@pytest.mark.skipif(
    not all(os.environ.get(name) for name in NEEDED), reason="needs the servers of `make test`"
)
def test_the_small_bench_measures_everything(tmp_path: Path) -> None:
    results = tmp_path / "bench-results.json"
    given = {"SCALE": "small", "ONLY": "", "BENCH_RESULTS": str(results)}
    kept = {k: v for k, v in os.environ.items() if k in NEEDED or not k.startswith("KAIROS_")}
    kept.pop("DJANGO_SETTINGS_MODULE", None)
    done = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks"],
        cwd=ROOT,
        env=kept | given | {"PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'platform'}"},
        capture_output=True,
        text=True,
        check=False,
        timeout=900,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    found = {one["id"]: one for one in json.loads(results.read_text())}
    measured = {"B1a", "B1p", "B3", "B3c", "B4 p50", "B4 p99", "B4b", "B5", "B8", "B8 memory"}
    reads = ("contacts", "by number", "by e-mail", "contact", "timeline", "segment", "flow")
    measured |= {f"B7 {name}" for name in reads}
    assert measured | {"M worker-live", "M worker-bulk", "M idle"} == set(found)
    for name in measured:
        assert found[name]["ours"] > 0, name
        assert found[name]["limit"] > 0, name
        assert len(found[name]["runs"]) == 3, name
    assert found["B3"]["cpu_s_per_1000"] > 0
    # Pages ask as often however many contacts there are.
    assert all(found[f"B7 {name}"]["floor"] > 0 for name in reads)


def test_a_figure_is_the_median_and_knows_its_floor() -> None:
    runs = [{"ours": ours, "limit": 100, "cpu": 2.0, "cpu_limit": 1.0} for ours in (90, 40, 60)]
    one = median_figure("B0", "work", runs, unit="items/s", floor=0.5, cpu_floor=3.0)
    assert (one.ours, one.limit, one.ratio, one.cpu_s_per_1000) == (60, 100, 0.6, 2.0)
    assert one.reached
    assert list(one.as_json())[:8] == [
        "id", "what", "ours", "limit", "ratio", "unit", "cpu_s_per_1000", "runs",
    ]  # fmt: skip
    slow = Figure("B9", "wait", 50, 10, "ms", floor=4.0, at_most=True)
    assert not slow.reached
    assert "missed" in show_table([one, slow]).splitlines()[-1]
