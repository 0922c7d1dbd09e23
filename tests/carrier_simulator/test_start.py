"""It starts where it may, and nowhere else."""

from __future__ import annotations

import os
import socket
import subprocess
import sys

import pytest
import requests

from tests.support.carrier import ROOT, CarrierProcess


def run(mode: str | None, *options: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if name != "KAIROS_MODE"}
    if mode is not None:
        environment["KAIROS_MODE"] = mode
    return subprocess.run(
        [sys.executable, "-m", "delivery.carrier_simulator", *options],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )


@pytest.mark.parametrize("mode", ["prod", "dev", "", None, "DEMO", "production"])
def test_it_refuses_outside_demo_and_test(mode: str | None) -> None:
    done = run(mode, "--port", "0")
    assert done.returncode == 2
    assert "starts only in demo and test" in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize("mode", ["demo", "test"])
def test_it_starts_in_demo_and_test(mode: str) -> None:
    with CarrierProcess(mode=mode) as carrier:
        answer = requests.get(f"{carrier.base_url}/_sim/health", timeout=60)
        assert answer.json() == {"status": "ok"}


def test_a_taken_port_has_a_clear_word() -> None:
    with socket.create_server(("127.0.0.1", 0)) as held:
        done = run("test", "--port", str(held.getsockname()[1]))
    assert done.returncode == 1
    assert "cannot start" in done.stderr
    assert "Traceback" not in done.stderr


def test_it_stops_when_asked() -> None:
    carrier = CarrierProcess().start()
    assert carrier.process is not None
    process = carrier.process
    carrier.stop()
    assert process.returncode == 0
