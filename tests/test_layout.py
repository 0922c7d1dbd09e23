"""Where things lie. The folder platform/ shares its name with a standard-library module.

It must stay a plain source root: one __init__.py in it and `import uuid` dies.
"""

from __future__ import annotations

import importlib.util
import platform
import re
import subprocess
import sysconfig
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
OUR_PACKAGES = PYPROJECT["tool"]["importlinter"]["root_packages"]
IN_PLATFORM = {"config", "tenancy", "people", "events", "commerce", "connectors", "imports", "api", "web",
               "stack", "demo"}  # fmt: skip
AT_THE_TOP = {"segments", "triggers", "templates_engine", "consent", "delivery", "analytics"}
TOP = AT_THE_TOP | {
    *("manage.py", "pyproject.toml", "requirements", "README.md", "LICENSE", "CHANGELOG.md"),
    *("CONTRIBUTING.md", "Makefile", "Dockerfile", "docker-compose.yml", ".env.example", ".ci"),
    *("docs", "platform", "tests", ".gitignore"),
}
DATA_LIMIT = 3_000_000  # bytes of data sets in the repository


def tracked() -> list[Path]:
    """Files that git knows, relative to the root."""
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if listed.returncode:
        pytest.skip("not a git checkout")
    return [Path(name) for name in listed.stdout.split("\0") if name]


def test_platform_is_still_the_standard_library() -> None:
    assert platform.__file__ is not None
    assert Path(platform.__file__) == Path(sysconfig.get_path("stdlib")) / "platform.py"
    assert not list((ROOT / "platform").glob("*.py"))


def test_nothing_else_lies_at_the_top() -> None:
    assert {path.parts[0] for path in tracked()} <= TOP


def test_platform_holds_the_shared_floors() -> None:
    assert {path.parts[1] for path in tracked() if path.parts[0] == "platform"} == IN_PLATFORM


def test_every_test_folder_is_a_package() -> None:
    folders = {path.parent for path in (ROOT / "tests").rglob("test_*.py")}
    between = {up for f in folders for up in f.parents if up.is_relative_to(ROOT / "tests")}
    assert [f for f in folders | between if not (f / "__init__.py").exists()] == []


def test_no_test_folder_takes_the_name_of_the_source_root() -> None:
    assert not (ROOT / "tests" / "platform").exists()


@pytest.mark.parametrize("name", OUR_PACKAGES)
def test_our_packages_are_not_shadowed(name: str) -> None:
    spec = importlib.util.find_spec(name)
    assert spec is not None
    assert spec.origin is not None
    assert Path(spec.origin).is_relative_to(ROOT)


def test_every_package_is_known_to_the_tools() -> None:
    on_disk = {p.parent.name for p in [*ROOT.glob("*/apps.py"), *ROOT.glob("platform/*/apps.py")]}
    assert on_disk <= set(OUR_PACKAGES)
    assert set(OUR_PACKAGES) == IN_PLATFORM | AT_THE_TOP
    assert set(OUR_PACKAGES) < set(PYPROJECT["tool"]["ruff"]["lint"]["isort"]["known-first-party"])
    wheel = PYPROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert set(wheel["only-include"]) == AT_THE_TOP | {"platform"}


def test_data_sets_are_small_and_say_where_they_come_from() -> None:
    data = [path for path in tracked() if "data" in path.parts[:-1] or path.suffix == ".gz"]
    assert sum((ROOT / path).stat().st_size for path in data) < DATA_LIMIT
    silent = {path.parent for path in data if path.suffix == ".gz"}
    assert [str(folder) for folder in silent if not (ROOT / folder / "README.md").exists()] == []


def test_no_registry_is_named() -> None:
    """Pins are checked by hash, whatever registry they come from."""
    pins = [path for path in tracked() if path.name == "package-lock.json"]
    pins += [path for path in tracked() if path.parts[0] == "requirements"]
    named = re.compile(r"https?://[^\s\"]*(?:registry|pypi|pythonhosted|npmjs)", re.IGNORECASE)
    assert [str(path) for path in pins if named.search((ROOT / path).read_text())] == []
    assert "uv.lock" not in {path.name for path in tracked()}


def test_a_makefile_target_is_one_line() -> None:
    recipe: dict[str, int] = {}
    target = ""
    for line in (ROOT / "Makefile").read_text().splitlines():
        if found := re.match(r"(\w+):", line):
            target = found[1]
        elif line.startswith("\t"):
            recipe[target] = recipe.get(target, 0) + 1
    assert set(recipe.values()) == {1}
    assert {"demo", "dev", "test", "lint", "bench", "screenshots", "clean"} <= set(recipe)
