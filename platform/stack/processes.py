"""What the system knows about a process that is not our child."""

from __future__ import annotations

import subprocess
from pathlib import Path

PROC = Path("/proc")


def mark(pid: int) -> str:
    """Tells a process from a later one with the same number; "" when it does not live."""
    if PROC.joinpath("self").exists():
        try:
            stat = (PROC / str(pid) / "stat").read_text()
        except OSError:
            return ""
        # Fields after the name, which may hold spaces: state first, start time the twentieth.
        fields = stat.rpartition(")")[2].split()
        return "" if fields[0] in {"Z", "X"} else fields[19]
    return ask_ps(pid, "lstart")


def command_line(pid: int) -> str:
    """Its arguments; "" when it does not live or is not ours to see."""
    if PROC.joinpath("self").exists():
        try:
            raw = (PROC / str(pid) / "cmdline").read_bytes()
        except OSError:
            return ""
        return raw.replace(b"\0", b" ").decode(errors="replace").strip()
    return ask_ps(pid, "command")


def ask_ps(pid: int, column: str) -> str:
    asked = ["ps", "-o", f"{column}=", "-p", str(pid)]
    return subprocess.run(asked, capture_output=True, text=True, check=False).stdout.strip()
