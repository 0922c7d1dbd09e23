"""`make start` as a whole: up, refused twice, killed, up again, stopped. No process stays behind."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from stack.local import Local
from stack.processes import PROC, command_line

ROOT = Path(__file__).resolve().parents[2]
UP = "Stop    Ctrl-C"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(300),
    pytest.mark.skipif(not PROC.joinpath("self").exists(), reason="looks through /proc"),
]


class Start:
    """`python -m stack` in a folder and on ports of its own."""

    def __init__(self, local: Local) -> None:
        self.local = local
        self.output = local.folder / "said.txt"
        ours = ("KAIROS_", "DJANGO_", "DATABASE_", "REDIS_", "CELERY_")
        self.environment = {k: v for k, v in os.environ.items() if not k.startswith(ours)} | {
            "KAIROS_LOCAL": str(local.folder),
            "KAIROS_PORT": "18300",
            "PYTHONPATH": f"{ROOT}:{ROOT / 'platform'}",
        }
        self.process: subprocess.Popen[bytes] | None = None

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "stack", *arguments],
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )

    def up(self) -> str:
        """Starts it and waits; what it printed."""
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "stack", "start"],
                cwd=ROOT,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        end = time.monotonic() + 120
        while UP not in self.said() and time.monotonic() < end:
            assert self.process.poll() is None, self.said()
            time.sleep(0.1)
        return self.said()

    def end(self, number: signal.Signals) -> float:
        """Seconds until it has ended."""
        assert self.process is not None
        began = time.monotonic()
        self.process.send_signal(number)
        self.process.wait(60)
        return time.monotonic() - began

    def said(self) -> str:
        return self.output.read_text()

    def left(self) -> list[str]:
        """Command lines of living processes that belong to this folder."""
        everybody = (int(p.name) for p in PROC.iterdir() if p.name.isdigit())
        ours = str(self.local.folder)
        found = []
        for pid in everybody:
            try:
                inside = (
                    ours in command_line(pid)
                    or ours.encode() in (PROC / str(pid) / "environ").read_bytes()
                )
            except OSError:
                continue
            if inside and pid != os.getpid():
                found.append(command_line(pid))
        return [line for line in found if line]


@pytest.fixture
def start(local: Local) -> Iterator[Start]:
    made = Start(local)
    yield made
    if made.process is not None and made.process.poll() is None:
        made.end(signal.SIGTERM)


def ask(url: str) -> dict[str, object]:
    with urllib.request.urlopen(url, timeout=60) as answer:  # noqa: S310
        found: dict[str, object] = json.load(answer)
    return found


def test_a_stack_from_its_first_start_to_its_last(start: Start) -> None:
    said = start.up()
    found = re.search(r"Open +(http://127\.0\.0\.1:\d+)/", said)
    assert found, said
    url = found[1]
    assert ask(f"{url}/ready") == {
        "status": "ready",
        "parts": {"database": "ok", "broker": "ok"},
    }

    second = start.run("start")
    assert second.returncode == 1
    assert f"Kairos already runs here at {url}" in second.stderr

    made = start.run("manage", "create_workspace", 'Tom\'s "Shop" & Co')
    assert made.returncode == 0, made.stderr
    assert json.loads(made.stdout)["workspace"]["name"] == 'Tom\'s "Shop" & Co'

    start.end(signal.SIGKILL)
    end = time.monotonic() + 60
    while start.left() and time.monotonic() < end:
        time.sleep(0.2)
    assert start.left() == []

    said = start.up()  # the same data, the same port
    assert f"Open    {url}/" in said
    again = start.run("manage", "create_workspace", 'Tom\'s "Shop" & Co')
    assert "already" in again.stderr + again.stdout or again.returncode == 0

    assert start.end(signal.SIGINT) < 15
    assert start.left() == []
