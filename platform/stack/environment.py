"""Makes `.venv` with the pinned packages, then runs `python -m stack <command>` in it.

Standard library only. A second run reads one stamp and goes on at once.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NoReturn

from stack.lines import Lines

ROOT = Path(__file__).resolve().parents[2]
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
LOG = ROOT / ".local" / "log"
STAMP = VENV / ".kairos-packages.json"
NODE_NEEDED = (22, 12)  # what the web build asks for; older ones fail in the middle of it

# Steps each command prints; 0: its output belongs to a tool or to another program.
STEPS = {"demo": 6, "start": 5, "dev": 5, "test": 3, "bench": 3, "screenshots": 6}
WITH_TOOLS = {"test", "lint", "format", "bench", "screenshots"}
WITHOUT_WEB = {"lint", "format", "clean", "manage"}
# Half of all code, and hardly ever imported: not worth compiling ahead.
RARELY = r"/(twilio/rest/(?!__init__|api)|phonenumbers/(geodata|carrierdata)/|pip/|setuptools/)"


def hand_over(arguments: Sequence[str]) -> NoReturn:
    """Prepares the packages that the command needs and becomes the command."""
    command = arguments[0] if arguments else "demo"
    lines = Lines(STEPS.get(command, 0))
    if command == "clean" and not PYTHON.exists():
        shutil.rmtree(ROOT / ".local", ignore_errors=True)
        sys.exit(0)
    if command in {"demo", "start", "dev"}:
        lines.say(f"Kairos {command}")
    try:
        prepare(command, lines)
    except KeyboardInterrupt:
        sys.exit(130)
    environment = {
        **os.environ,
        "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'platform'}",
        "VIRTUAL_ENV": str(VENV),
        "KAIROS_STEP": str(lines.number),
    }
    environment.pop("PYTHONHOME", None)
    sys.stdout.flush()
    os.chdir(ROOT)
    os.execve(PYTHON, [str(PYTHON), "-m", "stack", command, *arguments[1:]], environment)  # noqa: S606


def prepare(command: str, lines: Lines) -> None:
    """Brings `.venv` to what the command needs. Numbers its line only where lines are printed."""
    wanted = needed_files(command)
    if not lines.total:
        if not is_current(wanted):
            lines.say("Installing the Python packages (once, about a minute) ...")
            install(wanted, lines)
        return
    with lines.step("Python packages") as step:
        if not is_current(wanted):
            install(wanted, lines)
        else:
            step.note = "as before"


def needed_files(command: str) -> list[str]:
    """Names of the files in requirements/ for a command, without .txt."""
    if command == "clean":
        return []
    names = ["dev" if command in WITH_TOOLS else "base"]
    own_parts = {"DATABASE_URL", "REDIS_URL"} <= set(os.environ)
    if not own_parts or command in WITH_TOOLS:
        names.append("embedded")
    if command not in WITHOUT_WEB and not has_node():
        names.append("build")
    return names


def has_node() -> bool:
    """True with a Node on the PATH that is new enough to build the web assets."""
    node = shutil.which("node")
    if node is None or shutil.which("npm") is None:
        return False
    said = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout
    found = re.match(r"v(\d+)\.(\d+)", said)
    return found is not None and (int(found[1]), int(found[2])) >= NODE_NEEDED


def is_current(names: Sequence[str]) -> bool:
    """True when the stamp says that these very files are installed. `dev` contains `base`."""
    have = read_stamp()
    if "dev" in have:
        have.setdefault("base", fingerprint("base"))
    return all(have.get(name) == fingerprint(name) for name in names)


def read_stamp() -> dict[str, str]:
    if not PYTHON.exists():
        return {}
    try:
        stamp = json.loads(STAMP.read_text())
    except (OSError, ValueError):
        return {}
    # A virtual environment that was moved or copied points at its old place.
    return stamp["files"] if stamp.get("place") == str(VENV) else {}


def fingerprint(name: str) -> str:
    return hashlib.sha256((ROOT / "requirements" / f"{name}.txt").read_bytes()).hexdigest()


def install(names: Sequence[str], lines: Lines) -> None:
    """pip into `.venv`, every archive checked against its hash."""
    with only_one():
        if is_current(names):  # another terminal did it while we waited
            return
        have = read_stamp()
        if not works(PYTHON):
            make_venv(lines)
            have = {}
        missing = [name for name in names if have.get(name) != fingerprint(name)]
        pip = [str(PYTHON), "-m", "pip", "--disable-pip-version-check", "install", "--no-compile"]
        pip += ["--require-hashes", "--no-deps", "--prefer-binary", "--progress-bar", "off"]
        for name in missing:
            pip += ["-r", str(ROOT / "requirements" / f"{name}.txt")]
        LOG.mkdir(parents=True, exist_ok=True)
        with (LOG / "packages.log").open("w") as log:
            # A machine's own pip settings may ask for --user, which a virtual environment refuses.
            done = subprocess.run(
                pip, env={**os.environ, "PIP_USER": "0"}, stdout=log, stderr=log, check=False
            )
        if done.returncode:
            end = (LOG / "packages.log").read_text(errors="replace").splitlines()[-8:]
            sys.exit(
                "The Python packages could not be installed. The end of what pip said:\n  "
                + "\n  ".join(end)
                + "\nIs this machine online? The command can be repeated."
            )
        compile_ahead()
        have.update({name: fingerprint(name) for name in missing})
        STAMP.write_text(json.dumps({"place": str(VENV), "files": have}))


def compile_ahead() -> None:
    """Compiles the packages on the side, on all cores: pip would do it on one, and wait for it."""
    command = [str(PYTHON), "-m", "compileall", "-q", "-j", "0", "-x", RARELY, str(VENV / "lib")]
    subprocess.Popen(
        ["nice", *command] if shutil.which("nice") else command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def works(python: Path) -> bool:
    """True for an interpreter that starts, is new enough and has pip."""
    check = "import sys, pip; sys.exit(sys.version_info < (3, 11))"
    try:
        return (
            subprocess.run([python, "-c", check], capture_output=True, check=False).returncode == 0
        )
    except OSError:
        return False


def make_venv(lines: Lines) -> None:
    if importlib.util.find_spec("ensurepip") is None:
        sys.exit(
            f"{sys.executable} comes without ensurepip, so it cannot make a virtual environment.\n"
            f"On Debian and Ubuntu: apt install python3.{sys.version_info.minor}-venv"
        )
    if VENV.exists():
        lines.warn(".venv belongs to another Python or place. Making it anew.")
        shutil.rmtree(VENV)
    made = subprocess.run(
        [sys.executable, "-m", "venv", str(VENV)], capture_output=True, text=True, check=False
    )
    if made.returncode:
        shutil.rmtree(VENV, ignore_errors=True)
        sys.exit(f"No virtual environment could be made in {VENV}:\n{made.stdout}{made.stderr}")


@contextlib.contextmanager
def only_one() -> Iterator[None]:
    """Two commands started in two terminals must not install at the same time."""
    folder = ROOT / ".local"
    folder.mkdir(exist_ok=True)
    with (folder / "packages.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
