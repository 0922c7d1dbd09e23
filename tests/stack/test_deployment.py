"""The container set-up fits the settings: same names, same processes."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from stack import services
from stack.healthy import CHECKS
from stack.local import Local

ROOT = Path(__file__).resolve().parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
EXAMPLE = (ROOT / ".env.example").read_text()


def test_compose_runs_what_the_stack_runs(local: Local) -> None:
    ours = {s.name for s in services.services("start", local, services.Ports(8000, 8010))}
    assert ours | {"migrate", "postgres", "valkey"} == set(COMPOSE["services"])


def test_every_service_says_whether_it_is_well() -> None:
    for name, service in COMPOSE["services"].items():
        check = service["healthcheck"]
        assert check.get("disable") or check["test"][0] == "CMD", name
        if "stack.healthy" in check.get("test", []):
            assert check["test"][-1] in CHECKS


def test_only_migrations_get_the_owner() -> None:
    owners = [
        name
        for name, service in COMPOSE["services"].items()
        if "DATABASE_OWNER_URL" in service.get("environment", {})
    ]
    assert owners == ["migrate"]


def test_only_the_profile_brings_the_simulator() -> None:
    assert COMPOSE["services"]["carrier"]["profiles"] == ["simulator"]


def test_every_variable_of_compose_is_in_the_example() -> None:
    asked = set(re.findall(r"\$\{(\w+)", (ROOT / "docker-compose.yml").read_text()))
    known = set(re.findall(r"^#? ?(\w+)=", EXAMPLE, re.MULTILINE))
    assert asked - known == set()


def test_every_setting_of_an_installation_is_in_the_example() -> None:
    read = set()
    for name in ("base.py", "prod.py"):
        text = (ROOT / "platform" / "config" / "settings" / name).read_text()
        read |= set(re.findall(r"env_(?:str|int|bool|list)\(\s*\"(\w+)\"", text))
    here = {"KAIROS_LOCAL", "KAIROS_MODE", "DEBUG", "VITE_DEV"}  # of one machine, not of production
    assert read - here - set(re.findall(r"^#? ?(\w+)=", EXAMPLE, re.MULTILINE)) == set()


@pytest.mark.parametrize("package", ["segments", "consent", "delivery", "platform/tenancy"])
def test_the_image_holds_every_app(package: str) -> None:
    assert f"COPY {package} {package}" in (ROOT / "Dockerfile").read_text()
