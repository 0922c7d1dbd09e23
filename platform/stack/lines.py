"""The numbered lines a command prints while it starts: what is done, and how long it took.

Standard library only: the first line is printed before there are packages.
"""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import time
from collections.abc import Iterator
from typing import TextIO

TITLE = 26
RESULT = 6


class Step:
    """What a running step may say about itself."""

    def __init__(self) -> None:
        self.result = "done"
        self.note = ""


class Lines:
    """Numbers the steps of one command, over process borders (KAIROS_STEP carries the count).

    With `total` 0 only what matters is printed, to stderr: for commands whose output is read by
    other programs.
    """

    def __init__(self, total: int, stream: TextIO | None = None) -> None:
        self.total = total
        self.stream = stream or (sys.stdout if total else sys.stderr)
        self.number = int(os.environ.get("KAIROS_STEP", "0"))
        self._lock = threading.Lock()

    def say(self, text: str = "") -> None:
        """A line. A closed terminal is no reason to fail: the processes still want to be stopped."""
        with self._lock, contextlib.suppress(OSError):
            print(f"{self._wipe()}{text}", file=self.stream, flush=True)

    def warn(self, text: str) -> None:
        """A line that is not part of the numbering: something happened."""
        self.say(f"   !   {text}")

    def fleeting(self, text: str) -> None:
        """A line that the next one replaces, on a terminal; elsewhere a line."""
        if not self.stream.isatty():
            self.say(text)
            return
        with self._lock, contextlib.suppress(OSError):
            print(f"{self._wipe()}{text}", end="", file=self.stream, flush=True)

    def note(self, text: str) -> None:
        """A line that explains the numbered one above it."""
        if self.total:
            self.say(f"       {text}")

    @contextlib.contextmanager
    def step(self, title: str) -> Iterator[Step]:
        """One numbered line, with the seconds it took. A step that raises prints "failed"."""
        self.number += 1
        step, began = Step(), time.monotonic()
        over = threading.Event()
        if self.total and self.stream.isatty():
            threading.Thread(target=self._tick, args=(title, began, over), daemon=True).start()
        try:
            yield step
        except BaseException as error:
            step.result = "failed" if isinstance(error, Exception | SystemExit) else "ended"
            step.note = ""
            raise
        finally:
            over.set()
            if self.total:
                self.say(self._line(title, step.result, time.monotonic() - began, step.note))

    def _line(self, title: str, result: str, seconds: float, note: str) -> str:
        count = f"{self.number}/{self.total}"
        text = f"  {count:<4} {title:<{TITLE}}{result:<{RESULT}}{round(seconds):>4} s"
        return f"{text}   {note}".rstrip()

    def _tick(self, title: str, began: float, over: threading.Event) -> None:
        """On a terminal the seconds count while the step runs."""
        while not over.wait(0.5):
            line = self._line(title, "", time.monotonic() - began, "")
            with self._lock:
                if not over.is_set():
                    print(f"\r{line}", end="", file=self.stream, flush=True)

    def _wipe(self) -> str:
        return "\r\x1b[K" if self.stream.isatty() else ""
