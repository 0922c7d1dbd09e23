"""The printed link: once, here, and only in the demo."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from tenancy.domain.workspaces import add_member, create_organization, create_workspace
from tenancy.models import User


@pytest.fixture
def demo(
    db: None, settings: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, now: Any
) -> Path:
    settings.KAIROS_MODE = "demo"
    token = tmp_path / "demo-token"
    token.write_text("a-token")
    monkeypatch.setenv("KAIROS_DEMO_TOKEN_FILE", str(token))
    agency = create_organization("Northside Agency", slug="northside", now=now)
    create_workspace(agency, name="Juniper & Oak", slug="juniper-oak", now=now)
    user = User.objects.create_user("ines@northside.example", None, name="Ines Duarte")
    add_member(agency, user=user, role="owner", now=now)
    return token


def test_the_link_logs_in_once(client: Client, demo: Path) -> None:
    answer = client.get("/demo?token=a-token")
    assert (answer.status_code, answer["Location"]) == (302, "/w/juniper-oak/")
    assert not demo.exists()
    again = Client().get("/demo?token=a-token")
    assert again.status_code == 403
    assert client.get("/demo")["Location"] == "/w/juniper-oak/"


@pytest.mark.parametrize("token", ["", "wrong", "a-token2", "ä"])
def test_a_wrong_token_opens_nothing_and_is_not_used_up(
    client: Client, demo: Path, token: str
) -> None:
    assert client.get("/demo", {"token": token}).status_code == 403
    assert demo.exists()


def test_the_link_works_on_this_machine_only(client: Client, demo: Path) -> None:
    assert client.get("/demo?token=a-token", REMOTE_ADDR="203.0.113.9").status_code == 404
    assert (
        client.get("/demo?token=a-token", headers={"X-Forwarded-For": "127.0.0.1"}).status_code
        == 404
    )
    assert demo.exists()


def test_there_is_no_door_outside_the_demo(client: Client, demo: Path, settings: Any) -> None:
    settings.KAIROS_MODE = "prod"
    assert client.get("/demo?token=a-token").status_code == 404


def test_fetching_the_head_does_not_use_the_link_up(client: Client, demo: Path) -> None:
    assert client.head("/demo?token=a-token").status_code == 403
    assert demo.exists()
