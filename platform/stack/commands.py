"""What the Makefile's targets do, one function each. They return an exit code."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

from stack.environment import STEPS
from stack.lines import Lines
from stack.local import LOCAL, ROOT, Local
from stack.parts import Parts
from stack.place import StackError, own_place
from stack.postgres import OWNER
from stack.running import (
    Stopped,
    build_assets,
    choose_ports,
    run_stack,
    set_up_database,
    stack,
    started,
)
from stack.services import MANAGE, environment
from stack.tools import run_shown

PYTHON = sys.executable
DJANGOFMT = str(Path(PYTHON).with_name("djangofmt"))  # a program, no Python module
CHECKS = (
    ("ruff check", [PYTHON, "-m", "ruff", "check", "."]),
    ("ruff format", [PYTHON, "-m", "ruff", "format", "--check", "."]),
    ("djangofmt", [DJANGOFMT, "--check", "."]),
    ("mypy", [PYTHON, "-m", "mypy"]),
    (
        "import contracts",
        [PYTHON, "-c", "from importlinter.cli import lint_imports_command as c; c()"],
    ),
)
FORMATTERS = (
    [PYTHON, "-m", "ruff", "check", "--fix", "."],
    [PYTHON, "-m", "ruff", "format", "."],
    [DJANGOFMT, "."],
)


def serve(command: str, arguments: Sequence[str]) -> int:
    """demo, start, dev."""
    run_stack(command, Lines(STEPS[command]), Local())
    return 0


def test(command: str, arguments: Sequence[str]) -> int:
    """pytest with a PostgreSQL and a Valkey of its own; arguments go to pytest."""
    return with_own_servers("test", ["-m", "pytest", *arguments])


def bench(command: str, arguments: Sequence[str]) -> int:
    """The benchmarks, with servers of their own that are as durable as the demo's."""
    return with_own_servers("bench", ["-m", "tests.benchmarks", *arguments])


def with_own_servers(command: str, python: Sequence[str]) -> int:
    """Runs a Python program beside fresh embedded servers named by KAIROS_TEST_*."""
    lines, local = Lines(STEPS[command]), Local(LOCAL / command)
    end_on_signals()
    with local.held("lock", f"make {command}"):
        build_assets(lines, local)
        given = {"DATABASE_URL": os.environ.get("KAIROS_TEST_SERVER", "")}
        given["DATABASE_OWNER_URL"] = given["DATABASE_URL"]
        given["REDIS_URL"] = os.environ.get("KAIROS_TEST_REDIS", "")
        parts = Parts(local.folder, local.logs, given=given, durable=command != "test")
        try:
            with lines.step(parts.title) as step:
                parts.start()
                step.result = "up"
            for note in parts.notes:
                lines.note(note)
            server = parts.postgres.url(OWNER, "postgres") if parts.postgres else parts.owner_url
            env = {
                **os.environ,
                "KAIROS_TEST_SERVER": server,
                "KAIROS_TEST_REDIS": parts.environment["REDIS_URL"],
                "KAIROS_TEST_BROKER": parts.environment["CELERY_BROKER_URL"],
            }
            return run_shown([sys.executable, *python], env=env)
        finally:
            parts.stop()


def lint(command: str, arguments: Sequence[str]) -> int:
    """Every tool, even when an earlier one complains."""
    failed = []
    for name, tool in CHECKS:
        print(f"== {name}", flush=True)
        if subprocess.run(tool, cwd=ROOT, check=False).returncode:
            failed.append(name)
    print(f"lint: {', '.join(failed) or 'nothing'} failed")
    return 1 if failed else 0


def format_code(command: str, arguments: Sequence[str]) -> int:
    """Formats and fixes what can be fixed by a tool."""
    return max(subprocess.run(tool, cwd=ROOT, check=False).returncode for tool in FORMATTERS)


def screenshots(command: str, arguments: Sequence[str]) -> int:
    """Pictures of a demo of its own, so that nobody's clicks are in them."""
    lines, local = Lines(STEPS[command]), Local(LOCAL / "screenshots")
    with local.held("stack.lock", "make screenshots"), stack(command, lines, local) as (_, url):
        token = (local.folder / "demo-token").read_text()
        env = {
            **os.environ,
            "KAIROS_DEMO_URL": url,
            "KAIROS_DEMO_LINK": f"{url}/demo?token={token}",
            "KAIROS_PROGRESS_FILE": str(local.folder / "progress.json"),
        }
        return run_shown([sys.executable, "-m", "tests.screenshots", *arguments], env=env)


def manage(command: str, arguments: Sequence[str]) -> int:
    """manage.py against the running stack; starts the servers for its time when none runs."""
    local, lines = Local(), Lines(0)
    running = started(local)
    if running:
        parts = Parts(local.folder, local.logs)
        env = environment(running, local, parts, choose_ports(lines, local, stay=True))
        return run_shown([*MANAGE, *arguments], env=env)
    end_on_signals()
    with local.held("stack.lock", "Kairos"):
        parts = Parts(local.folder, local.logs)
        try:
            parts.start()
            env = environment("start", local, parts, choose_ports(lines, local, stay=True))
            set_up_database(parts, env, local)
            return run_shown([*MANAGE, *arguments], env=env)
        finally:
            parts.stop()


def clean(command: str, arguments: Sequence[str]) -> int:
    """Removes `.local/` and what lies outside it for its sake. Packages and web build stay."""
    if started(Local()):
        raise StackError("Kairos runs here. Stop it first.")
    for part in ("postgres", "valkey"):
        for folder in (LOCAL, LOCAL / "test", LOCAL / "bench", LOCAL / "screenshots"):
            outside = own_place(folder / part)
            if outside is not None:
                shutil.rmtree(outside, ignore_errors=True)
    shutil.rmtree(LOCAL, ignore_errors=True)
    return 0


def end_on_signals() -> None:
    """SIGTERM and a closed terminal run the same clean-up as Ctrl-C."""

    def stop(number: int, frame: FrameType | None) -> None:
        raise Stopped

    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, stop)


COMMANDS = {
    "demo": serve,
    "start": serve,
    "dev": serve,
    "test": test,
    "bench": bench,
    "lint": lint,
    "format": format_code,
    "screenshots": screenshots,
    "manage": manage,
    "clean": clean,
}
