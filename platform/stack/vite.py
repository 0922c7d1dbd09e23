"""`make dev`: Vite in the foreground of its own process, from the web packages in place."""

from __future__ import annotations

import os
from pathlib import Path

from web.assets import FRONTEND, find_node, install


def main() -> None:
    """Serves sources with live reload under VITE_DEV, else rebuilds dist at every change."""
    node, npm = find_node()
    path = f"{Path(node[0]).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    env = {**os.environ, "PATH": path}
    install(npm, env, print, dev=True)
    vite = [*node, str(FRONTEND / "node_modules" / "vite" / "bin" / "vite.js")]
    command = vite if os.environ.get("VITE_DEV") else [*vite, "build", "--watch"]
    os.chdir(FRONTEND)
    os.execve(command[0], command, env)  # noqa: S606


if __name__ == "__main__":
    main()
