"""The installation under test: database, web, two workers, beat and carrier as shipped."""

from __future__ import annotations

import contextlib
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import psycopg
import requests
from psycopg import sql

from stack.guardian import lifeline
from stack.local import HOST, LOCAL, ROOT, Local, is_free
from stack.parts import Parts
from stack.postgres import LOGIN
from stack.services import Ports, environment, services
from tests.benchmarks.usage import cpu_seconds, parent_of, pss_megabytes

DATABASE = "kairos_bench"
START_LIMIT = 90.0
WORKERS = ("worker-live", "worker-bulk")
RUN = (WORKERS[0], WORKERS[1], "web", "carrier", "beat")


class BenchStack:
    """Started by `started()`. All commands are those of `make start`, the carrier at its fastest."""

    def __init__(self) -> None:
        self.server = os.environ["KAIROS_TEST_SERVER"]
        given = {
            "DATABASE_URL": _with(self.server, DATABASE, LOGIN, "kairos_login"),
            "DATABASE_OWNER_URL": _with(self.server, DATABASE),
            "REDIS_URL": os.environ["KAIROS_TEST_REDIS"],
            "CELERY_BROKER_URL": os.environ["KAIROS_TEST_BROKER"],
        }
        self.local = Local(LOCAL / "bench")
        self.parts = Parts(self.local.folder, self.local.logs, given=given)
        self.ports = Ports(web=free_port(18_000), simulator=free_port(18_100))
        self.web = f"http://{HOST}:{self.ports.web}"
        self.carrier = f"http://{HOST}:{self.ports.simulator}"
        self.environment = environment("start", self.local, self.parts, self.ports) | {
            "KAIROS_MODE": "test",  # its clock can be moved to an hour at which people may be texted
            "KAIROS_PUBLIC_BASE_URL": self.web,
            "KAIROS_TWILIO_BASE_URL": self.carrier,
            "LOG_LEVEL": "WARNING",
        }
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self.postmaster = 0

    @contextlib.contextmanager
    def started(self) -> Iterator[BenchStack]:
        try:
            self._make_database()
            commands = {one.name: one.command for one in services("start", self.local, self.ports)}
            commands["carrier"] = (
                *(sys.executable, "-m", "delivery.carrier_simulator", "--fast"),
                *("--port", str(self.ports.simulator), "--callbacks", "off", "--keep", "400000"),
            )
            os.environ.update(self.environment)
            for name in RUN:
                self.launch(name, commands[name])
            self.wait_until(lambda: self.answers(f"{self.web}/health"), "web")
            self.wait_until(lambda: self.answers(f"{self.carrier}/_sim/health"), "carrier")
            for name in WORKERS:
                self.wait_until(self.says_ready(name), name)
            yield self
        finally:
            for name in list(self.processes):
                self.end(name)

    def _make_database(self) -> None:
        name = sql.Identifier(DATABASE)
        with psycopg.connect(self.server, autocommit=True) as owner:
            owner.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(name))
            owner.execute(
                sql.SQL("CREATE DATABASE {} TEMPLATE template0 ENCODING 'UTF8'").format(name)
            )
            backend = owner.execute("SELECT pg_backend_pid()").fetchone()
            self.postmaster = parent_of(backend[0]) if backend else 0
        done = subprocess.run(
            [sys.executable, "manage.py", "setup_database", "--verbosity", "0"],
            cwd=ROOT,
            env=self.environment | {"DATABASE_OWNER_URL": self.parts.owner_url},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(done.stdout + done.stderr)

    # --- processes --------------------------------------------------------------------------

    def log(self, name: str) -> Path:
        return self.local.logs / f"{name}.log"

    def launch(self, name: str, command: Sequence[str], **extra: str) -> subprocess.Popen[bytes]:
        with self.log(name).open("wb") as log:
            process = subprocess.Popen(
                command,
                cwd=ROOT,
                env=self.environment | extra,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        lifeline.watch(process.pid, signal.SIGTERM)
        self.processes[name] = process
        return process

    def end(self, name: str) -> None:
        process = self.processes.pop(name)
        for number in (signal.SIGCONT, signal.SIGTERM):
            with contextlib.suppress(OSError):
                os.killpg(process.pid, number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(5)
        with contextlib.suppress(OSError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        lifeline.forget(process.pid)

    @contextlib.contextmanager
    def workers_paused(self) -> Iterator[None]:
        """Workers and beat stand still, connections and all."""
        held = [self.processes[name].pid for name in (*WORKERS, "beat")]
        for pid in held:
            os.killpg(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            for pid in held:
                os.killpg(pid, signal.SIGCONT)

    def wait_until(self, ready: Any, name: str, *, limit: float = START_LIMIT) -> None:
        end = time.monotonic() + limit
        while not ready():
            process = self.processes.get(name)
            if time.monotonic() > end or (process is not None and process.poll() is not None):
                raise RuntimeError(f"{name} is not ready:\n{self.log(name).read_text()[-3000:]}")
            time.sleep(0.05)

    def says_ready(self, name: str) -> Callable[[], bool]:
        return lambda: " ready." in self.log(name).read_text()

    @staticmethod
    def answers(url: str) -> bool:
        try:
            return requests.get(url, timeout=2).ok
        except requests.RequestException:
            return False

    # --- what it costs ----------------------------------------------------------------------

    def cpu(self) -> float:
        """CPU seconds so far of all our processes and PostgreSQL; the carrier is not ours."""
        names = ("web", *WORKERS, "beat")
        return cpu_seconds([*(self.processes[name].pid for name in names), self.postmaster])

    def memory(self) -> float:
        """Megabytes (PSS) of everything, the carrier and the broker too."""
        roots = [process.pid for process in self.processes.values()]
        if self.parts.environment["REDIS_URL"]:
            import redis

            info: Any = redis.Redis.from_url(self.parts.environment["REDIS_URL"]).info("server")
            roots.append(int(info["process_id"]))
        return pss_megabytes([*roots, self.postmaster])

    # --- looking ----------------------------------------------------------------------------

    def ask(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        """As the owner, whom no row security holds."""
        with psycopg.connect(self.parts.owner_url, autocommit=True) as owner:
            return owner.execute(statement, values or None).fetchall()

    def settle(self, tenant_id: Any, *, limit: float) -> None:
        """Waits until nothing in the workspace is left that would move by itself right now."""
        end = time.monotonic() + limit
        with psycopg.connect(self.parts.owner_url, autocommit=True) as owner:
            while True:
                found = owner.execute(_OPEN, {"tenant": tenant_id}).fetchone()
                if found is not None and not any(found):
                    return
                if time.monotonic() > end:
                    raise RuntimeError(f"work is left after {limit:.0f} s: {found}")
                time.sleep(0.05)

    def texts(self) -> int:
        """How many texts the carrier has taken since it was last emptied."""
        answer = requests.get(f"{self.carrier}/_sim/count", timeout=30)
        return int(answer.json()["texts"])

    def text_times(self) -> dict[str, float]:
        """When the carrier took the text to each number, in seconds of the machine's clock."""
        from datetime import datetime

        answer = requests.get(
            f"{self.carrier}/_sim/messages", params={"limit": "1000000"}, timeout=120
        )
        return {
            text["to"]: datetime.fromisoformat(text["created_at"]).timestamp()
            for text in answer.json()["messages"]
        }

    def empty_carrier(self, *, callbacks: bool = False) -> None:
        for path, body in (
            ("reset", {"keep_accounts": True}),
            ("settings", {"callbacks": callbacks}),
        ):
            requests.post(f"{self.carrier}/_sim/{path}", json=body, timeout=30).raise_for_status()

    def retire(self, tenant_id: Any) -> None:
        """Nobody works for this workspace any more."""
        self.ask(
            "UPDATE tenancy_tenant SET is_active = false WHERE id = %s RETURNING id", tenant_id
        )


_OPEN = """
SELECT
 EXISTS (SELECT 1 FROM events_eventbatch WHERE tenant_id = %(tenant)s AND state = 'pending'),
 EXISTS (SELECT 1 FROM triggers_fanout WHERE tenant_id = %(tenant)s AND done_at IS NULL),
 EXISTS (SELECT 1 FROM delivery_message WHERE tenant_id = %(tenant)s AND status = 'queued'),
 EXISTS (SELECT 1 FROM delivery_sendattempt
   WHERE tenant_id = %(tenant)s AND next_check_at IS NOT NULL),
 EXISTS (SELECT 1 FROM delivery_pendingcallback WHERE tenant_id = %(tenant)s)
"""


def _with(url: str, database: str, user: str = "", password: str = "") -> str:
    parts = urlsplit(url)
    login = f"{quote(user)}:{quote(password)}@" if user else ""
    if not user and "@" in parts.netloc:
        login = parts.netloc.rpartition("@")[0] + "@"
    host = parts.netloc.rpartition("@")[2]
    query = f"?{parts.query}" if parts.query else ""
    return f"{parts.scheme}://{login}{host}/{database}{query}"


def free_port(start: int) -> int:
    first = start + secrets.randbelow(80)
    return next(port for port in range(first, first + 400) if is_free(port))
