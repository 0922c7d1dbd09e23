"""The parts of an installation as processes of our own, each of which can be killed and restarted."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import requests

from stack.guardian import lifeline
from stack.postgres import LOGIN, EmbeddedPostgres
from stack.valkey import EmbeddedValkey
from tests.faults.plan import Target
from tests.support.carrier import CarrierProcess

ROOT = Path(__file__).resolve().parents[2]
START_LIMIT = 90.0
OURS = ("KAIROS_", "DJANGO_", "DATABASE_", "REDIS_", "CELERY_")


class Stack:
    """PostgreSQL, Valkey, web, two workers and the carrier, in a folder of their own."""

    def __init__(self, seed: int) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="kairos-faults-", dir="/tmp"))
        self.folder.chmod(0o755)
        self.postgres = EmbeddedPostgres(self.folder / "postgres", durable=False)
        self.valkey = EmbeddedValkey(self.folder / "valkey")
        self.carrier = CarrierProcess("--seed", str(seed), state_dir=self.folder / "carrier")
        self.port = _free_port()
        self.base_url = f"http://127.0.0.1:{self.port}"
        self.processes: dict[str, subprocess.Popen[bytes]] = {}

    # --- life ---------------------------------------------------------------------------------

    def start(self) -> None:
        self.postgres.start()
        self.valkey.start()
        self.carrier.start()
        given = {k: v for k, v in os.environ.items() if not k.startswith(OURS)}
        self.environment = given | {
            "DJANGO_SETTINGS_MODULE": "config.settings.dev",
            "KAIROS_MODE": "test",
            "KAIROS_LOCAL": str(self.folder),
            "KAIROS_PUBLIC_BASE_URL": self.base_url,
            "KAIROS_TWILIO_BASE_URL": self.carrier.base_url,
            # A POST may take 10 s; whoever has not answered by then is looked for.
            "KAIROS_ANSWER_SECONDS": "12",
            "KAIROS_LOOK_AGAIN_SECONDS": "3",
            "DATABASE_URL": self.postgres.url(LOGIN),
            "REDIS_URL": self.valkey.url(),
            "CELERY_BROKER_URL": self.valkey.broker_url(),
            "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'platform'}",
            "PYTHONUNBUFFERED": "1",
            "LOG_LEVEL": "WARNING",
        }
        owner = {"DATABASE_OWNER_URL": self.postgres.url()}
        self.run("manage.py", "setup_database", "--verbosity", "0", **owner)

    def run(self, *arguments: str, **extra: str) -> str:
        """Runs Python in the installation's environment; its output."""
        done = subprocess.run(
            [sys.executable, *arguments],
            cwd=ROOT,
            env=self.environment | extra,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def prepare(self, texts: int) -> dict[str, Any]:
        """A workspace with people who opted in, a sender and a live flow: what `prepare` prints."""
        said = self.run("-m", "tests.faults.prepare", str(texts), self.base_url)
        found: dict[str, Any] = json.loads(said.strip().splitlines()[-1])
        return found

    def stop(self) -> None:
        for name in list(self.processes):
            self._kill_process(name)
        self.carrier.stop()
        self.valkey.stop()
        self.postgres.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    # --- kill and restart ---------------------------------------------------------------------

    def kill(self, target: Target) -> None:
        """SIGKILL, to the whole process group."""
        if target == "postgres":
            self.postgres.kill()
        elif target == "valkey":
            self.valkey.kill()
        else:
            for name in _names(target):
                self._kill_process(name)

    def restart(self, target: Target) -> None:
        """Starts it again and returns when it answers."""
        if target == "postgres":
            self.postgres.start()
        elif target == "valkey":
            self.valkey.start()
        elif target == "web":
            self.start_web()
        else:
            for name in _names(target):
                self.start_worker(name)

    def start_web(self) -> None:
        self._launch(
            "web", "-m", "gunicorn", "config.wsgi:application", "--bind", f"127.0.0.1:{self.port}",
            "--worker-class", "gthread", "--workers", "2", "--threads", "6", "--preload",
            "--keep-alive", "30", "--no-control-socket", "--log-level", "warning",
        )  # fmt: skip
        self._await("web", self._answers)

    def start_worker(self, name: str) -> None:
        log = self.folder / f"{name}.log"
        size = log.stat().st_size if log.exists() else 0
        self._launch(
            name, "-m", "celery", "-A", "config", "worker", "-Q", "live,bulk", "-P", "threads",
            "-c", "4", "-l", "INFO", "-n", f"{name}@%h",
            "--without-gossip", "--without-mingle", "--without-heartbeat",
        )  # fmt: skip

        def says_ready() -> bool:
            with log.open(errors="replace") as lines:
                lines.seek(size)
                return " ready." in lines.read()

        self._await(name, says_ready)

    def _launch(self, name: str, *arguments: str) -> None:
        with (self.folder / f"{name}.log").open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, *arguments],
                cwd=ROOT,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        lifeline.watch(process.pid, signal.SIGTERM)
        self.processes[name] = process

    def _kill_process(self, name: str) -> None:
        process = self.processes.pop(name, None)
        if process is not None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            lifeline.forget(process.pid)

    def _await(self, name: str, ready: Callable[[], bool]) -> None:
        end = time.monotonic() + START_LIMIT
        while not ready():
            assert self.processes[name].poll() is None, self.log_end(name)
            assert time.monotonic() < end, self.log_end(name)
            time.sleep(0.05)

    def _answers(self) -> bool:
        try:
            return requests.get(f"{self.base_url}/health", timeout=2).ok
        except requests.RequestException:
            return False

    # --- looking ------------------------------------------------------------------------------

    def log_end(self, name: str, lines: int = 40) -> str:
        text = (self.folder / f"{name}.log").read_text(errors="replace")
        return "\n".join(text.splitlines()[-lines:])

    def ask(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        """As the owner of the cluster, whom no row security holds."""
        with psycopg.connect(self.postgres.url(), autocommit=True) as owner:
            return owner.execute(statement, values).fetchall()


def _names(target: Target) -> tuple[str, ...]:
    return ("worker-1", "worker-2") if target == "workers" else (target,)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
