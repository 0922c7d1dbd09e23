"""What a stack remembers, and what it says when a port or the folder is taken."""

from __future__ import annotations

import os
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from stack.local import HOST, Local
from stack.place import StackError

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def taken() -> Iterator[int]:
    """A port that somebody else listens on."""
    with socket.socket() as other:
        other.bind((HOST, 0))
        other.listen()
        yield other.getsockname()[1]


def test_a_free_port_is_used_without_a_word(local: Local, taken: int) -> None:
    port, said = local.port("web", taken + 1)
    assert (port >= taken + 1, said if port == taken + 1 else "") == (True, "")


def test_a_taken_port_is_left_for_the_next_and_remembered(local: Local, taken: int) -> None:
    port, said = local.port("web", taken)
    assert port > taken
    assert said == f"Port {taken} is taken; web uses {port} from now on."
    assert Local(local.folder).port("web", taken) == (port, "")


def test_a_port_that_is_asked_for_wins_over_the_one_of_last_time(local: Local, taken: int) -> None:
    before, _ = local.port("web", taken)
    asked, _ = local.port("web", taken, asked=before + 50)
    assert asked >= before + 50
    assert local.port("web", taken)[0] == asked


def test_two_services_never_share_a_port(local: Local, taken: int) -> None:
    web, _ = local.port("web", taken)
    carrier, _ = local.port("carrier", web)
    assert web != carrier


def test_secrets_are_made_once_and_for_the_owner_only(local: Local) -> None:
    made = local.secrets()
    assert Local(local.folder).secrets() == made
    assert set(made) == {"SECRET_KEY", "KAIROS_ENCRYPTION_KEYS", "KAIROS_PEPPERS"}
    assert len(set(made.values())) == 3
    assert stat.S_IMODE((local.folder / "secrets.json").stat().st_mode) == 0o600


def test_a_half_written_file_counts_as_none(local: Local) -> None:
    (local.folder / "ports.json").write_text('{"web": 80')
    assert local.read("ports.json") == {}


def test_a_second_start_says_who_runs_and_where(local: Local) -> None:
    local.write("running.json", {"url": "http://127.0.0.1:8123"})
    script = (
        "import sys; from pathlib import Path; from stack.local import Local\n"
        f"with Local(Path({str(local.folder)!r})).held('stack.lock', 'Kairos'):\n"
        "    print('held', flush=True); sys.stdin.read()"
    )
    first = subprocess.Popen(
        [sys.executable, "-c", script],
        env={**os.environ, "PYTHONPATH": str(ROOT / "platform")},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert first.stdout is not None
    first.stdout.readline()
    try:
        with (
            pytest.raises(StackError, match=f"at http://127.0.0.1:8123 .process {first.pid}"),
            local.held("stack.lock", "Kairos"),
        ):
            pass
    finally:
        first.kill()
        first.communicate()
    with local.held("stack.lock", "Kairos"):  # a killed holder holds nothing
        pass
