"""Real servers and real processes, in folders short enough for sockets."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from stack.local import Local
from stack.postgres import EmbeddedPostgres
from stack.valkey import EmbeddedValkey


@pytest.fixture
def folder() -> Iterator[Path]:
    """A new folder that every user may pass through (pytest's own is closed to others)."""
    path = Path(tempfile.mkdtemp(prefix="kairos-test-", dir="/tmp"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)


@pytest.fixture
def local(folder: Path) -> Local:
    return Local(folder / ".local")


@pytest.fixture
def postgres(folder: Path) -> Iterator[EmbeddedPostgres]:
    """A started one."""
    server = EmbeddedPostgres(folder / "postgres", durable=False)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def valkey(folder: Path) -> Iterator[EmbeddedValkey]:
    """A started one."""
    server = EmbeddedValkey(folder / "valkey")
    server.start()
    yield server
    server.stop()
