"""The bootstrap: what it installs when, and what it says on a machine that lacks something."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from stack import environment
from stack.commands import COMMANDS
from stack.lines import Lines

ROOT = Path(__file__).resolve().parents[2]
BOOTSTRAP = ROOT / "platform" / "stack" / "bootstrap.py"
PIN = re.compile(r"^([a-z0-9._-]+)(?:\[[^\]]*\])?==(\S+)", re.MULTILINE)


def pins(name: str) -> dict[str, str]:
    return dict(PIN.findall((ROOT / "requirements" / f"{name}.txt").read_text()))


@pytest.fixture(autouse=True)
def _bare_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DATABASE_URL", "REDIS_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(environment, "has_node", lambda: False)


def test_the_tools_contain_the_product_with_the_same_versions() -> None:
    """A developer's environment is filled from `dev` alone."""
    base, dev = pins("base"), pins("dev")
    assert len(base) > 30
    assert {name: dev.get(name) for name in base} == base


@pytest.mark.parametrize("name", ["base", "dev", "embedded", "build"])
def test_every_pin_has_its_hashes(name: str) -> None:
    text = (ROOT / "requirements" / f"{name}.txt").read_text()
    entries = re.split(r"\n(?=\S)", text.strip())
    assert [e.split("\n")[0] for e in entries if not e.startswith("#") and "--hash=" not in e] == []


def test_a_bare_machine_gets_servers_and_node() -> None:
    assert environment.needed_files("demo") == ["base", "embedded", "build"]
    assert environment.needed_files("test") == ["dev", "embedded", "build"]
    assert environment.needed_files("manage") == ["base", "embedded"]
    assert environment.needed_files("clean") == []


def test_what_the_machine_has_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment, "has_node", lambda: True)
    monkeypatch.setenv("DATABASE_URL", "postgresql://db.example/kairos")
    assert "embedded" in environment.needed_files("start")
    monkeypatch.setenv("REDIS_URL", "redis://cache.example")
    assert environment.needed_files("start") == ["base"]


@pytest.fixture
def stamped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An environment that says it has `dev` and `embedded`."""
    stamp, python = tmp_path / "stamp.json", tmp_path / "python"
    python.touch()
    files = {name: environment.fingerprint(name) for name in ("dev", "embedded")}
    stamp.write_text(json.dumps({"place": str(tmp_path), "files": files}))
    monkeypatch.setattr(environment, "VENV", tmp_path)
    monkeypatch.setattr(environment, "STAMP", stamp)
    monkeypatch.setattr(environment, "PYTHON", python)
    return stamp


def test_installed_files_are_not_installed_again(stamped: Path) -> None:
    assert environment.is_current(["dev", "embedded"])
    assert environment.is_current(["base"])  # dev contains it
    assert not environment.is_current(["dev", "build"])


def test_a_changed_pin_is_noticed(stamped: Path) -> None:
    stamp = json.loads(stamped.read_text())
    stamp["files"]["dev"] = "other"
    stamped.write_text(json.dumps(stamp))
    assert not environment.is_current(["dev"])


def test_a_moved_environment_is_not_trusted(
    stamped: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(environment, "VENV", tmp_path / "elsewhere")
    assert environment.read_stamp() == {}


def test_a_python_without_ensurepip_names_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(SystemExit, match=r"apt install python3\.\d+-venv"):
        environment.make_venv(Lines(0))


@pytest.mark.parametrize(
    ("version", "node"), [("v22.12.0", True), ("v22.11.9", False), ("x", False)]
)
def test_an_old_node_does_not_count(
    version: str, node: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()
    for name in ("node", "npm"):
        tool = tmp_path / name
        tool.write_text(f"#!/bin/sh\necho {version}\n")
        tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    assert environment.has_node() is node


def test_an_older_python_can_read_the_bootstrap_and_looks_for_a_newer_one() -> None:
    """Run with a version that never satisfies it, in a PATH without any other."""
    script = (
        "import sys; sys.version_info = (3, 8, 1); sys.argv = ['bootstrap.py', 'demo'];"
        f"exec(compile(open({str(BOOTSTRAP)!r}).read(), {str(BOOTSTRAP)!r}, 'exec'))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={"PATH": "/nowhere"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "Kairos needs Python 3.11 or newer" in done.stderr
    assert "is 3.8." in done.stderr


def test_every_makefile_target_is_a_command() -> None:
    text = (ROOT / "Makefile").read_text()
    assert set(re.findall(r"\$\(KAIROS\) (\w+)", text)) <= set(COMMANDS)


def test_an_unknown_command_is_refused() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "stack", "dance"],
        env={**os.environ, "PYTHONPATH": str(ROOT / "platform")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "No command dance" in done.stderr
