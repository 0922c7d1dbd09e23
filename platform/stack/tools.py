"""Runs tools in the foreground so that none outlives us."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from stack.guardian import lifeline
from stack.local import ROOT
from stack.place import StackError


def run_logged(
    command: Sequence[str], log: Path, what: str, *, env: Mapping[str, str] | None = None
) -> None:
    """Runs to the end with its output in `log`. Raises StackError with the end of it."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    lifeline.watch(process.pid, signal.SIGTERM)
    try:
        code = process.wait()
    finally:
        with contextlib.suppress(OSError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        lifeline.forget(process.pid)
    if code:
        end = "\n".join(
            f"    {line}" for line in log.read_text(errors="replace").splitlines()[-15:]
        )
        raise StackError(f"{what} failed. The end of {log}:\n{end}")


def run_shown(command: Sequence[str], *, env: Mapping[str, str] | None = None) -> int:
    """Runs in our terminal and process group; Ctrl-C reaches it directly. Its exit code."""
    process = subprocess.Popen(command, cwd=ROOT, env=env)
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        return process.wait()
    finally:
        signal.signal(signal.SIGINT, before)
        if process.poll() is None:  # we were told to end
            process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(10)
            process.kill()
            process.wait()
