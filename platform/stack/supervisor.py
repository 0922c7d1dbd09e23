"""Starts the processes of a stack, starts crashed ones again, and leaves nothing behind."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path

from stack.guardian import lifeline
from stack.lines import Lines
from stack.local import HOST, Local
from stack.part import Part
from stack.parts import Parts
from stack.place import StackError
from stack.processes import mark
from stack.services import Service

POLL = 0.2  # seconds between two looks at the children
READY_LIMIT = 90.0  # seconds until a service must answer
SILENT_LIMIT = 20.0  # seconds after which one that lives counts as up without a word
STOP_LIMIT = 7.0  # seconds a service has to end by itself; with the parts below 15 in all
BACK_OFF = (0.5, 1, 2, 4, 8, 15, 30)  # seconds before the n-th new start
TRIES = 4  # new starts of a service that ends by itself, before it is left alone
STEADY = 60.0  # seconds after which earlier crashes are forgotten
LOG_LIMIT = 20_000_000  # bytes; a longer log is put aside at the next start


class Child:
    """One running service and its history of crashes."""

    def __init__(self, service: Service, log: Path) -> None:
        self.service = service
        self.log = log
        self.process: subprocess.Popen[bytes] | None = None
        self.crashes = 0
        self.began = 0.0
        self.log_before = 0  # bytes of earlier runs
        self.due: float | None = None  # when to start again, None when not planned
        self.done = False

    def start(self, environment: dict[str, str]) -> None:
        with self.log.open("ab") as log:
            self.log_before = log.tell()
            self.process = subprocess.Popen(
                self.service.command,
                env={**environment, **dict(self.service.extra)},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.began, self.due = time.monotonic(), None
        lifeline.watch(self.process.pid, signal.SIGTERM)

    @property
    def runs(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def send(self, number: signal.Signals) -> None:
        """To the whole group: whatever a service has started itself goes with it."""
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.process.pid, number)

    def forget(self) -> None:
        if self.process is not None:
            self.send(signal.SIGKILL)  # leftovers of its group
            lifeline.forget(self.process.pid)
            self.process = None

    def answers(self) -> bool:
        """True when it is up, as far as one can tell from outside."""
        if not self.runs:
            return False
        if not self.service.port:
            # LOG_LEVEL may keep it from saying so.
            lived = time.monotonic() - self.began
            return self.service.says in self.log_since_start() or lived > SILENT_LIMIT
        url = f"http://{HOST}:{self.service.port}{self.service.answers or '/'}"
        try:
            urllib.request.urlopen(url, timeout=2)
        except urllib.error.HTTPError as error:
            return error.code < 500 or not self.service.answers
        except OSError:
            return False
        return True

    def log_since_start(self) -> str:
        with self.log.open("rb") as log:
            log.seek(self.log_before)
            return log.read(LOG_LIMIT).decode(errors="replace")

    def log_end(self, lines: int = 15) -> str:
        text = self.log.read_text(errors="replace").splitlines()[-lines:]
        return "\n".join([f"The end of {self.log}:", *(f"    {line}" for line in text)])


class Supervisor:
    """Owns the parts and the services of one `.local` folder."""

    def __init__(self, local: Local, parts: Parts, lines: Lines) -> None:
        self.local = local
        self.parts = parts
        self.lines = lines
        self.children: list[Child] = []
        self.environment: dict[str, str] = {}
        self.hurry = False  # a second Ctrl-C: no more patience
        self._parts_due: dict[Part, float] = {}
        self._parts_crashes: dict[Part, int] = {}

    # --- starting -----------------------------------------------------------------------------

    def start(self, services: Sequence[Service], environment: dict[str, str]) -> None:
        """Starts all and waits until those that listen answer. Raises StackError otherwise."""
        self.environment = environment
        for service in services:
            log = self.local.logs / f"{service.name}.log"
            if log.exists() and log.stat().st_size > LOG_LIMIT:
                log.replace(log.with_suffix(".log.1"))
            child = Child(service, log)
            self.children.append(child)
            child.start(environment)
        self.remember()
        waiting = [child for child in self.children if not child.service.once]
        end = time.monotonic() + READY_LIMIT
        while waiting:
            for child in list(waiting):
                if child.answers():
                    waiting.remove(child)
                elif not child.runs:
                    raise StackError(f"{child.service.name} did not start.\n{child.log_end()}")
            if time.monotonic() > end:
                names = ", ".join(child.service.name for child in waiting)
                raise StackError(f"{names}: no answer.\n{waiting[0].log_end()}")
            self.nap()

    def remember(self) -> None:
        """Who our children are, for a start after an end without warning."""
        known = {
            str(child.process.pid): {"name": child.service.name, "mark": mark(child.process.pid)}
            for child in self.children
            if child.process is not None
        }
        self.local.write("children.json", known)

    def end_earlier_children(self) -> None:
        """Ends what a killed stack has left running, and says so."""
        left = {
            int(pid): str(known["name"])
            for pid, known in self.local.read("children.json").items()
            if known["mark"] and known["mark"] == mark(int(pid))
        }
        if not left:
            return
        names = ", ".join(left.values())
        self.lines.warn(f"An earlier start ended without warning. Ending what it left: {names}.")
        for number, limit in ((signal.SIGTERM, STOP_LIMIT), (signal.SIGKILL, 2.0)):
            for pid in left:
                with contextlib.suppress(OSError):
                    os.killpg(pid, number)
            end = time.monotonic() + limit
            while any(map(mark, left)) and time.monotonic() < end:
                time.sleep(0.05)

    # --- watching -----------------------------------------------------------------------------

    def look(self) -> None:
        """One round: notices what has ended and starts again what is due."""
        now = time.monotonic()
        for part in self.parts.embedded:
            self._look_at_part(part, now)
        for child in self.children:
            if child.done:
                continue
            if child.process is None and child.due is not None and now >= child.due:
                child.start(self.environment)
                self.remember()
            elif child.process is not None and not child.runs:
                self._ended(child, now)

    def _ended(self, child: Child, now: float) -> None:
        assert child.process is not None  # noqa: S101 (asked by the caller)
        code = child.process.returncode
        child.forget()
        if child.service.once and code == 0:
            child.done = True
            return
        if not child.service.once and now - child.began > STEADY:
            child.crashes = 0
        elif child.service.once and child.crashes == TRIES:
            child.crashes += 1
            self.lines.warn(
                f"{child.service.name} failed {TRIES + 1} times. Log: {short(child.log)}"
            )
            return
        pause = BACK_OFF[min(child.crashes, len(BACK_OFF) - 1)]
        child.crashes += 1
        child.due = now + pause
        self.lines.warn(
            f"{child.service.name} ended ({reason(code)}). Starting it again in {pause:g} s. "
            f"Log: {short(child.log)}"
        )

    def _look_at_part(self, part: Part, now: float) -> None:
        if part.pid is not None:
            return
        if part not in self._parts_due:
            crashes = self._parts_crashes.get(part, 0)
            pause = BACK_OFF[min(crashes, len(BACK_OFF) - 1)]
            self._parts_crashes[part] = crashes + 1
            self._parts_due[part] = now + pause
            self.lines.warn(
                f"{part.title} ended. Starting it again in {pause:g} s. Log: {short(part.log)}"
            )
        elif now >= self._parts_due[part]:
            del self._parts_due[part]
            try:
                part.start()
            except StackError as error:
                self.lines.warn(str(error))
            else:
                self.lines.warn(f"{part.title} is back.")

    def is_done(self, name: str) -> bool:
        """True when a service that ends by itself has done its work."""
        return any(child.done for child in self.children if child.service.name == name)

    def reload(self) -> None:
        """Starts the processes anew that do not watch their sources themselves."""
        stale = [child for child in self.children if child.service.reloads and child.runs]
        self._stop(stale, STOP_LIMIT)
        for child in stale:
            child.start(self.environment)
        self.remember()

    def nap(self) -> None:
        time.sleep(POLL)

    # --- stopping -----------------------------------------------------------------------------

    def stop(self) -> None:
        """Services first, then the broker, then the database. At most 15 seconds."""
        # What makes work ends before what does it.
        self._stop([child for child in self.children if child.service.feeds], 2.0)
        self._stop(self.children, STOP_LIMIT)
        for part in reversed(self.parts.embedded):
            part.stop(limit=0.5 if self.hurry else 3.0)
        self.local.write("children.json", {})

    def _stop(self, children: Sequence[Child], limit: float) -> None:
        running = [child for child in children if child.runs]
        for child in running:
            child.send(signal.SIGTERM)
        end = time.monotonic() + limit
        while time.monotonic() < end and any(child.runs for child in running) and not self.hurry:
            time.sleep(0.05)
        for child in running:
            child.send(signal.SIGKILL)
            if child.process is not None:
                child.process.wait()
            child.forget()


def reason(code: int) -> str:
    if code >= 0:
        return f"exit code {code}"
    with contextlib.suppress(ValueError):
        return f"signal {signal.Signals(-code).name}"
    return f"signal {-code}"


def short(path: Path) -> Path:
    """As one would type it, when it lies below here."""
    with contextlib.suppress(ValueError):
        return path.relative_to(Path.cwd())
    return path
