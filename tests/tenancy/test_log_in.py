from __future__ import annotations

import pytest
from django.test import Client

from tenancy.models import LoginAttempt, User
from tests.support.world import World

PASSWORD = "correct horse battery"


@pytest.fixture
def owner(world: World) -> User:
    user = world.shop.owner
    user.set_password(PASSWORD)
    user.save()
    return user


def _post(client: Client, email: str, password: str, **data: str):  # type: ignore[no-untyped-def]
    return client.post("/login/", {"email": email, "password": password, **data})


def test_the_right_password_opens_the_door(client: Client, owner: User) -> None:
    answer = _post(client, owner.email.upper(), PASSWORD)
    assert (answer.status_code, answer["Location"]) == (302, "/")
    assert client.get("/")["Location"] == "/w/juniper/"
    assert owner.password.startswith("argon2")


def test_guessing_is_slowed_down_after_five_tries(client: Client, owner: User) -> None:
    assert [_post(client, owner.email, "wrong").status_code for _ in range(5)] == [401] * 5
    answer = _post(client, owner.email, PASSWORD)
    assert answer.status_code == 429
    assert int(answer["Retry-After"]) > 0
    assert "_auth_user_id" not in client.session


def test_unknown_and_known_people_get_the_same_answer(client: Client, owner: User) -> None:
    known = _post(client, owner.email, "wrong")
    unknown = _post(client, "nobody@nowhere.example", "wrong")
    assert known.status_code == unknown.status_code == 401
    assert LoginAttempt.objects.count() == 4


def test_log_in_never_leads_to_another_site(client: Client, owner: User) -> None:
    answer = _post(client, owner.email, PASSWORD, next="https://evil.example/")
    assert answer["Location"] == "/"
