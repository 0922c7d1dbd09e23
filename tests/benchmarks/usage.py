"""What processes cost, read from /proc: CPU seconds and proportional memory of whole trees."""

from __future__ import annotations

import os
import threading
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

PROC = Path("/proc")
TICKS = os.sysconf("SC_CLK_TCK")


def tree_of(roots: Iterable[int]) -> set[int]:
    """The processes and all their descendants."""
    children: dict[int, list[int]] = defaultdict(list)
    for path in PROC.iterdir():
        if path.name.isdigit() and (fields := _stat(int(path.name))):
            children[int(fields[1])].append(int(path.name))
    found: set[int] = set()
    waiting = list(roots)
    while waiting:
        pid = waiting.pop()
        if pid not in found:
            found.add(pid)
            waiting += children[pid]
    return found


def cpu_seconds(roots: Iterable[int]) -> float:
    """User and system time of the trees, children that have ended included."""
    total = 0
    for pid in tree_of(roots):
        if fields := _stat(pid):
            total += sum(int(fields[index]) for index in (11, 12, 13, 14))
    return total / TICKS


def pss_megabytes(roots: Iterable[int]) -> float:
    """Memory of the trees; what processes share is counted once. 0 where it may not be read."""
    kilobytes = 0
    for pid in tree_of(roots):
        try:
            lines = (PROC / str(pid) / "smaps_rollup").read_text().splitlines()
        except OSError:
            continue
        kilobytes += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return kilobytes / 1024


def parent_of(pid: int) -> int:
    fields = _stat(pid)
    return int(fields[1]) if fields else 0


class Peak:
    """The largest memory of each named tree while it was watched, in megabytes."""

    EVERY = 2.0

    def __init__(self, roots: dict[str, int]) -> None:
        self.roots = roots
        self.megabytes = dict.fromkeys(roots, 0.0)
        self._stopped = threading.Event()

    @contextmanager
    def watched(self) -> Iterator[None]:
        thread = threading.Thread(target=self._watch, daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._stopped.set()
            thread.join()

    def _watch(self) -> None:
        while not self._stopped.wait(self.EVERY):
            for name, pid in self.roots.items():
                self.megabytes[name] = max(self.megabytes[name], pss_megabytes([pid]))


def _stat(pid: int) -> list[str]:
    """Fields of /proc/<pid>/stat after the name: state, parent ..., user time at 11."""
    try:
        return (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []
