"""The TypeScript side: types, its own tests, its format; and a lock file without addresses."""

from __future__ import annotations

import json
import subprocess

import pytest

from web.assets import FRONTEND, find_node

TOOLS = {
    "types": ["typescript/bin/tsc", "--noEmit"],
    "tests": ["vitest/vitest.mjs", "run"],
    "format": ["prettier/bin/prettier.cjs", "--check", "src"],
}


@pytest.mark.parametrize("tool", TOOLS)
def test_tool_is_content(tool: str) -> None:
    script, *arguments = TOOLS[tool]
    node, _ = find_node()
    done = subprocess.run(
        [*node, str(FRONTEND / "node_modules" / script), *arguments],
        cwd=FRONTEND,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_lock_file_names_no_registry() -> None:
    packages = json.loads((FRONTEND / "package-lock.json").read_text())["packages"]
    assert packages
    assert not [name for name, package in packages.items() if "resolved" in package]
    assert "omit-lockfile-registry-resolved=true" in (FRONTEND / ".npmrc").read_text()
