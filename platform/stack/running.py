"""`make demo`, `make start`, `make dev`: a whole stack in the foreground."""

from __future__ import annotations

import contextlib
import os
import secrets
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import Any

from stack.lines import Lines
from stack.local import ROOT, Local, is_free
from stack.parts import Parts
from stack.place import StackError
from stack.services import MANAGE, Ports, environment, services
from stack.supervisor import Supervisor
from stack.tools import run_logged

WEB_PORT = 8000
SIMULATOR_PORT = 8010
VITE_PORT = 5173
START_LIMIT = 300.0  # seconds another start may take before `make workspace` gives up
SOURCES = (
    "platform",
    "segments",
    "triggers",
    "templates_engine",
    "consent",
    "delivery",
    "analytics",
)


Handler = Callable[[int, FrameType | None], Any] | int | signal.Handlers | None


class Stopped(BaseException):
    """Ctrl-C, SIGTERM or a closed terminal."""


def run_stack(command: str, lines: Lines, local: Local) -> None:
    """Runs until it is told to stop. Raises StackError when it cannot start."""
    with local.held("stack.lock", "Kairos"), stack(command, lines, local) as (supervisor, url):
        tell(command, lines, url, local)
        watch(command, supervisor, lines, local)


@contextlib.contextmanager
def stack(command: str, lines: Lines, local: Local) -> Iterator[tuple[Supervisor, str]]:
    """A started stack and its address; stopped at the end, however that comes."""
    parts = Parts(local.folder, local.logs)
    supervisor = Supervisor(local, parts, lines)
    before = take_signals(supervisor)
    try:
        local.write("running.json", {})
        supervisor.end_earlier_children()
        build_assets(lines, local)
        ports = choose_ports(lines, local)
        with lines.step(parts.title) as step:
            parts.start()
            step.result, step.note = "up", parts.where or f"{local.folder.name}/"
        for note in parts.notes:
            lines.note(note)
        env = environment(command, local, parts, ports)
        if command == "dev" and not is_free(VITE_PORT):
            lines.note(
                f"Port {VITE_PORT} is taken: web sources are rebuilt, reload the page yourself."
            )
            del env["VITE_DEV"]
        with lines.step("Database") as step:
            set_up_database(parts, env, local)
            step.result = "ready"
        url = env["KAIROS_PUBLIC_BASE_URL"]
        (local.folder / "progress.json").unlink(missing_ok=True)
        write_token(local)
        with lines.step("Web, workers, carrier") as step:
            supervisor.start(services(command, local, ports), env)
            step.result = "up"
        local.write("running.json", {"url": url, "command": command, "pid": os.getpid()})
        yield supervisor, url
    finally:
        local.write("running.json", {})
        supervisor.stop()
        for number, handler in before.items():
            signal.signal(number, handler)


def take_signals(supervisor: Supervisor) -> dict[signal.Signals, Handler]:
    """The first signal ends the stack in order, a second one at once."""
    heard: list[int] = []

    def stop(number: int, frame: FrameType | None) -> None:
        if heard:
            supervisor.hurry = True
            return
        heard.append(number)
        raise Stopped

    taken = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    return {number: signal.signal(number, stop) for number in taken}


def build_assets(lines: Lines, local: Local) -> None:
    from web.assets import is_built

    with lines.step("Web assets") as step:
        if is_built(dev=bool(os.environ.get("CI"))):
            step.note = "as before"
        else:
            build = "from web.assets import build; build()"
            run_logged([sys.executable, "-c", build], local.logs / "assets.log", "The web build")


def choose_ports(lines: Lines, local: Local, *, stay: bool = False) -> Ports:
    """The ports of this stack; with `stay` those of the running one, taken as they are."""
    preferred = {"web": WEB_PORT, "carrier": SIMULATOR_PORT}
    asked = int(os.environ.get("KAIROS_PORT") or 0)
    found: dict[str, int] = {**preferred, **local.read("ports.json")}
    if not stay:
        for name, first in preferred.items():
            wish = asked if name == "web" else 0
            found[name], said = local.port(name, first, asked=wish or None)
            if said:
                lines.warn(said)
    return Ports(web=found["web"], simulator=found["carrier"])


def set_up_database(parts: Parts, env: dict[str, str], local: Local) -> None:
    """Roles, tables, row security. The only process that is given the owner's URL."""
    owned = {**env, "DATABASE_OWNER_URL": parts.owner_url}
    run_logged(
        [*MANAGE, "setup_database"],
        local.logs / "database.log",
        "Setting up the database",
        env=owned,
    )


def write_token(local: Local) -> None:
    """The one-time token of the demo's log-in link; the page that takes it removes the file."""
    path = local.folder / "demo-token"
    path.unlink(missing_ok=True)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w") as file:
        file.write(secrets.token_urlsafe(24))


def tell(command: str, lines: Lines, url: str, local: Local) -> None:
    """What to do next. The last address printed is the page."""
    address = url.removeprefix("http://")
    if command == "demo":
        token = (local.folder / "demo-token").read_text()
        with lines.step("Shop history") as step:
            if not local.read("history.json"):
                step.result, step.note = "comes", "(you can start now)"
            else:
                step.note = "as before"
        lines.say()
        lines.say(f"  Open    {url}/demo?token={token}   (logs you in, once)")
        lines.say(
            f"  Try     curl -u demo: {address}/v1/track -H 'Content-Type: application/json' \\"
        )
        lines.say(
            '            -d \'{"userId": "maya", "event": "Loyalty Balance Changed", '
            '"properties": {"balance": 15, "currency": "USD"}}\''
        )
        lines.say("  Stop    Ctrl-C     Start over    make clean demo")
    else:
        lines.say()
        lines.say(f"  Open    {url}/")
        lines.say(
            '  Begin   make workspace NAME="My shop" ARGS="--owner me@shop.example"   '
            "(prints a link that logs you in, once)"
        )
        lines.say(f"  Stop    Ctrl-C     Start over    make clean {command}")
    lines.say()


def watch(command: str, supervisor: Supervisor, lines: Lines, local: Local) -> None:
    """Looks after the children until a signal comes."""
    changed = source_watch() if command == "dev" else None
    history = Progress(local, lines) if command == "demo" else None
    try:
        while True:
            supervisor.look()
            if history is not None and history.finished(supervisor.is_done("history")):
                history = None
            if changed is not None and changed():
                lines.say("  Sources changed: workers start anew.")
                supervisor.reload()
            supervisor.nap()
    except Stopped:
        lines.say("\n  Stopping ...")


class Progress:
    """Shows {"done": 12400, "total": 41000, "note": "..."} of `.local/progress.json`."""

    EVERY = 15.0  # seconds between two lines where the output is no terminal

    def __init__(self, local: Local, lines: Lines) -> None:
        self.local = local
        self.lines = lines
        self.began = time.monotonic()
        self.due = self.began

    def finished(self, done: bool) -> bool:
        """Says how far it is when that is due. `done`: the process that loads has ended well."""
        now = time.monotonic()
        if done:
            if not self.local.read("history.json"):
                self.lines.say(f"  Shop history is in, {now - self.began:.0f} s.")
            self.local.write("history.json", {"loaded": True})
            return True
        if now < self.due:
            return False
        self.due = now + (1.0 if self.lines.stream.isatty() else self.EVERY)
        found = self.local.read("progress.json")
        count, total = int(found.get("done", 0)), int(found.get("total", 0))
        if not total:
            return False
        left = (now - self.began) / count * (total - count) if count else 0
        about = f" · about {max(1, round(left / 60))} min" if left else ""
        note = f" · {found['note']}" if found.get("note") else about
        self.lines.fleeting(f"  Shop history  {count:,} of {total:,} events{note}")
        return False


def source_watch() -> Callable[[], bool]:
    """Tells whether a Python source changed since it was last asked, at most once a second."""
    state = {"seen": newest_source(), "due": time.monotonic() + 1}

    def changed() -> bool:
        if time.monotonic() < state["due"]:
            return False
        state["due"] = time.monotonic() + 1
        newest = newest_source()
        fresh = newest != state["seen"]
        state["seen"] = newest
        return fresh

    return changed


def newest_source() -> float:
    paths = (path for root in SOURCES for path in (ROOT / root).rglob("*.py"))
    return max((modified(path) for path in paths if "node_modules" not in path.parts), default=0.0)


def modified(path: Path) -> float:
    with contextlib.suppress(OSError):
        return path.stat().st_mtime
    return 0.0


def started(local: Local) -> str:
    """The command of the stack that runs here, "" when none does. Waits for one that starts."""
    end = time.monotonic() + START_LIMIT
    while time.monotonic() < end:
        try:
            with local.held("stack.lock", "Kairos"):
                return ""
        except StackError:
            if command := local.read("running.json").get("command"):
                return str(command)
        time.sleep(0.5)
    raise StackError("Kairos has been starting here for minutes. See what its terminal says.")
