"""The processes of a stack, one entry each. Adding one is adding a line.

Every entry runs with the environment of `environment()`; its output goes to `.local/log/<name>.log`.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass

from stack.local import HOST, ROOT, Local
from stack.parts import Parts

PYTHON = sys.executable
MANAGE = (PYTHON, str(ROOT / "manage.py"))
CELERY = (PYTHON, "-m", "celery", "-A", "config")
WORKER = (
    "-l",
    "INFO",
    "--without-gossip",
    "--without-mingle",
    "--without-heartbeat",
    "-P",
    "threads",
)
ALL = frozenset({"demo", "start", "dev", "screenshots"})
DEMO = frozenset({"demo", "screenshots"})


@dataclass(frozen=True)
class Service:
    """One process. It is up when `answers`, a path on `port`, does, or its log `says` so."""

    name: str
    command: tuple[str, ...]
    commands: frozenset[str] = ALL  # the make targets that run it
    port: int = 0
    answers: str = ""
    says: str = ""
    needs_simulator: bool = False
    once: bool = False  # ends by itself when its work is done
    feeds: bool = False  # makes work for the others, so it is stopped before them
    reloads: bool = False  # under `make dev`, started anew when Python sources change
    extra: tuple[tuple[str, str], ...] = ()  # environment of its own


@dataclass(frozen=True)
class Ports:
    web: int
    simulator: int


def services(command: str, local: Local, ports: Ports) -> list[Service]:
    """What `make <command>` runs, in starting order."""
    every = [
        Service("web", web_server(command, ports.web), port=ports.web, answers="/health"),
        Service(
            "carrier",
            (
                *(PYTHON, "-m", "delivery.carrier_simulator", "--port", str(ports.simulator)),
                *("--state-dir", str(local.folder / "carrier"), "--try-out"),
            ),
            port=ports.simulator,
            # It refuses to stand in for a carrier elsewhere; on one machine that is its job.
            extra=(("KAIROS_MODE", "demo"),),
            needs_simulator=True,
            reloads=True,
        ),
        Service(
            "worker-live",
            (*CELERY, "worker", "-Q", "live", "-c", "8", "-n", "live@%h", *WORKER),
            says=" ready.",
            reloads=True,
        ),
        Service(
            "worker-bulk",
            (*CELERY, "worker", "-Q", "bulk", "-c", "2", "-n", "bulk@%h", *WORKER),
            says=" ready.",
            reloads=True,
        ),
        Service(
            "beat",
            (*CELERY, "beat", "-l", "INFO", "--pidfile="),
            says="beat: Starting",
            reloads=True,
        ),
        Service("vite", (PYTHON, "-m", "stack.vite"), commands=frozenset({"dev"})),
        Service("history", (*MANAGE, "demo_load"), commands=DEMO, once=True, feeds=True),
        Service("traffic", (*MANAGE, "demo_traffic"), commands=DEMO, feeds=True),
    ]
    outside = bool(os.environ.get("KAIROS_TWILIO_BASE_URL"))
    return [s for s in every if command in s.commands and not (s.needs_simulator and outside)]


def web_server(command: str, port: int) -> tuple[str, ...]:
    if command == "dev":
        return (*MANAGE, "runserver", f"{HOST}:{port}")
    return (
        PYTHON, "-m", "gunicorn", "config.wsgi:application", "--bind", f"{HOST}:{port}",
        "--worker-class", "gthread", "--workers", "2", "--threads", "8", "--preload",
        "--keep-alive", "30", "--graceful-timeout", "5", "--no-control-socket",
        "--logger-class", "config.web_log.WebLogger",
    )  # fmt: skip


def environment(command: str, local: Local, parts: Parts, ports: Ports) -> dict[str, str]:
    """What every process of the stack sees. What the person has set themselves wins."""
    mode = "demo" if command in {"demo", "screenshots"} else "dev"
    base = f"http://{HOST}:{ports.web}"
    defaults = {
        "KAIROS_MODE": mode,
        "KAIROS_PUBLIC_BASE_URL": base,
        "KAIROS_TWILIO_BASE_URL": f"http://{HOST}:{ports.simulator}",
        "KAIROS_SIMULATOR_PORT": str(ports.simulator),
        "KAIROS_PROGRESS_FILE": str(local.folder / "progress.json"),
        "KAIROS_DEMO_TOKEN_FILE": str(local.folder / "demo-token"),
        "MALLOC_ARENA_MAX": "2",  # glibc keeps an arena per thread; ours are many and small
        **local.secrets(),
    }
    if mode == "demo":  # whoever tries webhooks out has a receiver on this machine first
        defaults["KAIROS_WEBHOOK_LOOPBACK"] = "yes"
    if command == "dev":
        defaults |= {"DEBUG": "yes", "VITE_DEV": "yes"}
    # A simulator of ours runs, unless the person names another carrier's address.
    if not os.environ.get("KAIROS_TWILIO_BASE_URL"):
        defaults["KAIROS_TEST_PHONE"] = "yes"
    fixed = {
        **parts.environment,
        "DJANGO_SETTINGS_MODULE": "config.settings.dev",  # a shell may still name another project's
        "KAIROS_LOCAL": str(local.folder),
        "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'platform'}",
        "PYTHONUNBUFFERED": "1",
    }
    given = {name: value for name, value in os.environ.items() if name != "DATABASE_OWNER_URL"}
    return {**defaults, **given, **fixed}
