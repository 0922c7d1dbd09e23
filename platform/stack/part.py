"""What PostgreSQL and Valkey have in common: a child process in a session of its own."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from stack.guardian import lifeline
from stack.place import Place, StackError


class Part:
    """One embedded server. Not thread-safe; one owner starts and stops it."""

    title = "part"
    friendly = signal.SIGTERM

    def __init__(self, place: Place, log: Path) -> None:
        self.place = place
        self.log = log
        self.notes: list[str] = list(place.notes)
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """Of the running process, None when it does not run."""
        return self.process.pid if self.process and self.process.poll() is None else None

    def start(self) -> None:
        """Returns when it answers. Raises StackError with the end of its log."""
        raise NotImplementedError

    def launch(self, command: Sequence[str | Path], environment: dict[str, str]) -> None:
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [str(part) for part in command],
                cwd=self.place.data,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C is ours to handle, not theirs
                **self.place.identity(),  # type: ignore[call-overload]
            )
        lifeline.watch(self.process.pid, self.friendly)

    def wait_until(self, ready: Callable[[], bool], limit: float) -> bool:
        """True once ready; False when the process ended first. Raises after `limit` seconds."""
        end = time.monotonic() + limit
        while time.monotonic() < end:
            if self.process is None or self.process.poll() is not None:
                self.forget()
                return False
            if ready():
                return True
            time.sleep(0.03)
        self.kill()
        raise StackError(f"{self.title} was not ready after {limit:.0f} s.\n{self.log_end()}")

    def stop(self, limit: float = 10.0) -> None:
        """Asks it to end and waits; after `limit` seconds it is killed."""
        if self.process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            self.process.send_signal(self.friendly)
        try:
            self.process.wait(limit)
        except subprocess.TimeoutExpired:
            self.kill()
        self.forget()

    def kill(self) -> None:
        """SIGKILL, as a crash would: for fault tests."""
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            self.forget()

    def forget(self) -> None:
        if self.process is not None:
            lifeline.forget(self.process.pid)
            self.process = None

    def log_end(self, lines: int = 12) -> str:
        try:
            end = self.log.read_text(errors="replace").splitlines()[-lines:]
        except OSError:
            end = []
        return "\n".join([f"The end of {self.log}:", *(f"    {line}" for line in end)])
