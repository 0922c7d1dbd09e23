"""What a stack remembers in `.local/`: its ports, its secrets, who runs it."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import secrets
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from stack.place import StackError

ROOT = Path(__file__).resolve().parents[2]
LOCAL = Path(os.environ.get("KAIROS_LOCAL") or ROOT / ".local")
HOST = "127.0.0.1"
TRIES = 200  # ports tried after a taken one


class Local:
    """One folder with everything a stack keeps. Deleting it starts over."""

    def __init__(self, folder: Path = LOCAL) -> None:
        self.folder = folder
        self.logs = folder / "log"
        self.logs.mkdir(parents=True, exist_ok=True)

    def read(self, name: str) -> dict[str, Any]:
        """A small JSON file; {} when it is not there or not whole."""
        try:
            found = json.loads((self.folder / name).read_text())
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}

    def write(self, name: str, content: dict[str, Any]) -> None:
        """Readable by its owner only, and never half-written."""
        half = self.folder / f"{name}.new"
        handle = os.open(half, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "w") as file:
            json.dump(content, file, indent=2)
        half.replace(self.folder / name)

    def secrets(self) -> dict[str, str]:
        """The installation's secrets as the settings read them, made at the first start."""
        known = self.read("secrets.json")
        if not known:
            known = {
                "SECRET_KEY": secrets.token_urlsafe(48),
                "KAIROS_ENCRYPTION_KEYS": secrets.token_urlsafe(32),
                "KAIROS_PEPPERS": f"k1:{secrets.token_urlsafe(32)}",
            }
            self.write("secrets.json", known)
        return {name: str(value) for name, value in known.items()}

    def port(self, name: str, preferred: int, *, asked: int | None = None) -> tuple[int, str]:
        """A free port for `name` and what to say about it: the next free one from the wanted.

        Wanted is what the person `asked` for, else the one of last time, else `preferred`.
        Remembers the choice, so that links and webhooks survive a restart.
        """
        ports = self.read("ports.json")
        wanted = asked or int(ports.get(name, preferred))
        taken = set(ports.values()) - {ports.get(name)}
        chosen = next(
            (p for p in range(wanted, wanted + TRIES) if p not in taken and is_free(p)), None
        )
        if chosen is None:
            raise StackError(f"No free port between {wanted} and {wanted + TRIES} for {name}.")
        if ports.get(name) != chosen:
            self.write("ports.json", {**ports, name: chosen})
        said = (
            "" if chosen == wanted else f"Port {wanted} is taken; {name} uses {chosen} from now on."
        )
        return chosen, said

    @contextlib.contextmanager
    def held(self, lock: str, what: str) -> Iterator[None]:
        """Only one `what` at a time. The lock ends with its process, however that ends."""
        path = self.folder / lock
        with path.open("a+") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                file.seek(0)
                pid = file.read().strip() or "?"
                url = self.read("running.json").get("url", "")
                at = f" at {url}" if url else ""
                raise StackError(
                    f"{what} already runs here{at} (process {pid}). "
                    f"Stop it with Ctrl-C in its terminal, or: kill {pid}"
                ) from None
            file.truncate(0)
            file.write(str(os.getpid()))
            file.flush()
            yield


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True
