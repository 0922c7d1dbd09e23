"""The supervisor starts, restarts and stops real processes, and leaves none behind."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from stack.lines import Lines
from stack.local import Local
from stack.parts import Parts
from stack.place import StackError
from stack.processes import mark
from stack.services import Service
from stack.supervisor import Supervisor

ROOT = Path(__file__).resolve().parents[2]
OWN = {"DATABASE_URL": "x", "DATABASE_OWNER_URL": "x", "REDIS_URL": "x"}
SLEEPER = Service("sleeper", (sys.executable, "-c", "import time; time.sleep(600)"))
# Starts a child of its own and ignores the friendly signal, as a bad service would.
STUBBORN = Service(
    "stubborn",
    (
        sys.executable,
        "-c",
        "import signal, subprocess, time; signal.signal(15, signal.SIG_IGN);"
        "c = subprocess.Popen(['sleep', '600']); print(c.pid, flush=True); time.sleep(600)",
    ),
)


def wait_for(true: Callable[[], object], seconds: float = 60.0) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if true():
            return True
        time.sleep(0.05)
    return False


@pytest.fixture
def said() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def supervisor(local: Local, said: io.StringIO) -> Iterator[Supervisor]:
    parts = Parts(local.folder, local.logs, given=OWN)
    made = Supervisor(local, parts, Lines(5, said))
    yield made
    made.hurry = True
    made.stop()


def web(port: int) -> Service:
    command = (sys.executable, "-m", "http.server", str(port), "--bind", "127.0.0.1")
    return Service("web", command, port=port, answers="/")


def test_it_waits_until_a_service_answers(supervisor: Supervisor, local: Local) -> None:
    port, _ = local.port("web", 18000)
    supervisor.start([web(port), SLEEPER], dict(os.environ))
    assert all(child.answers() for child in supervisor.children)
    assert (local.logs / "web.log").exists()


def test_a_service_that_cannot_start_says_why(supervisor: Supervisor) -> None:
    command = (sys.executable, "-c", "raise SystemExit('no such table')")
    broken = Service("broken", command, says="ready")
    with pytest.raises(StackError, match=r"(?s)broken did not start.*no such table"):
        supervisor.start([broken], dict(os.environ))


def test_a_crashed_service_is_started_again_and_said_so(
    supervisor: Supervisor, said: io.StringIO
) -> None:
    supervisor.start([SLEEPER], dict(os.environ))
    child = supervisor.children[0]
    assert child.process is not None
    first = child.process.pid
    os.kill(first, signal.SIGKILL)
    assert wait_for(lambda: not child.runs)
    supervisor.look()
    assert "sleeper ended (signal SIGKILL). Starting it again in 0.5 s." in said.getvalue()
    supervisor.look()
    assert not child.runs  # not before its time
    time.sleep(0.5)
    supervisor.look()
    assert child.runs
    assert child.process.pid != first


def test_the_pause_grows_with_every_crash(supervisor: Supervisor, said: io.StringIO) -> None:
    supervisor.start([SLEEPER], dict(os.environ))
    child = supervisor.children[0]
    for _ in range(3):
        child.send(signal.SIGKILL)
        assert wait_for(lambda: not child.runs)
        supervisor.look()
        child.due = 0.0
        supervisor.look()
    pauses = [line.split(" in ")[1].split(" s.")[0] for line in said.getvalue().splitlines()]
    assert pauses == ["0.5", "1", "2"]


def test_work_that_is_done_is_not_started_again(supervisor: Supervisor) -> None:
    once = Service("once", (sys.executable, "-c", "pass"), once=True)
    supervisor.start([once], dict(os.environ))
    child = supervisor.children[0]
    assert wait_for(lambda: not child.runs)
    supervisor.look()
    assert child.done
    assert child.due is None


def test_work_that_always_fails_is_left_alone(supervisor: Supervisor, said: io.StringIO) -> None:
    supervisor.start([Service("once", (sys.executable, "-c", "1/0"), once=True)], dict(os.environ))
    child = supervisor.children[0]
    for _ in range(8):
        assert wait_for(lambda: not child.runs)
        supervisor.look()
        if child.due is not None:
            child.due = 0.0
            supervisor.look()
    assert said.getvalue().count("Starting it again") == 4
    assert "once failed 5 times." in said.getvalue()
    assert not child.done


def test_stop_ends_stubborn_services_and_their_children(
    supervisor: Supervisor, local: Local, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stack.supervisor.STOP_LIMIT", 0.5)
    supervisor.start([STUBBORN], dict(os.environ))
    log = local.logs / "stubborn.log"
    assert wait_for(lambda: log.read_text().strip().isdigit())
    grandchild = int(log.read_text())
    supervisor.stop()
    assert wait_for(lambda: not mark(grandchild))


SCRIPT = """
import os, sys
from pathlib import Path
from stack.lines import Lines
from stack.local import Local
from stack.parts import Parts
from stack.services import Service
from stack.supervisor import Supervisor
local = Local(Path(sys.argv[1]))
parts = Parts(local.folder, local.logs, given=dict.fromkeys(
    ("DATABASE_URL", "DATABASE_OWNER_URL", "REDIS_URL"), "x"))
supervisor = Supervisor(local, parts, Lines(0))
supervisor.start([Service("sleeper", (sys.executable, "-c", "import time; time.sleep(600)"))],
                 dict(os.environ))
print(supervisor.children[0].process.pid, flush=True)
import time; time.sleep(600)
"""


@pytest.fixture
def other(local: Local) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """A supervisor in a process of its own, and the number of its service."""
    process = subprocess.Popen(
        [sys.executable, "-c", SCRIPT, str(local.folder)],
        env={**os.environ, "PYTHONPATH": str(ROOT / "platform")},
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    yield process, int(process.stdout.readline())
    process.kill()
    process.communicate()


def test_a_killed_supervisor_leaves_nothing(other: tuple[subprocess.Popen[str], int]) -> None:
    process, service = other
    process.kill()
    process.wait()
    assert wait_for(lambda: not mark(service), 15)


def test_what_an_earlier_start_left_is_ended_with_a_word(
    other: tuple[subprocess.Popen[str], int], supervisor: Supervisor, said: io.StringIO
) -> None:
    _, service = other
    supervisor.end_earlier_children()
    assert "Ending what it left: sleeper." in said.getvalue()
    assert wait_for(lambda: not mark(service))


def test_a_number_that_another_process_has_now_is_left_alone(
    supervisor: Supervisor, local: Local, said: io.StringIO
) -> None:
    stranger = subprocess.Popen(["sleep", "60"])
    try:
        local.write("children.json", {str(stranger.pid): {"name": "web", "mark": "1"}})
        supervisor.end_earlier_children()
        assert said.getvalue() == ""
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()
