"""One-time links: who may make them, what they open, and what they never tell."""

from __future__ import annotations

import json
import re
from datetime import datetime, timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from django.test import Client

from api.problems import Invalid, NotFound, Problem
from tenancy.clock import wall_now
from tenancy.domain.invites import (
    accept_as_new,
    accept_invite,
    create_invite,
    find_invite,
    open_invites,
    revoke_invite,
)
from tenancy.domain.reach import Reach, reach_of
from tenancy.domain.workspaces import add_member, create_workspace
from tenancy.models import AuditEntry, Invite, LoginAttempt, Membership, Tenant, User
from tenancy.scope import tenant_scope
from tests.support.world import World

pytestmark = pytest.mark.django_db
PASSWORD = "a long enough password"
NEW = "nora@new.example"


@pytest.fixture
def second(world: World, now: datetime) -> Tenant:
    return create_workspace(world.shop.organization, name="Harbor", slug="harbor", now=now)


@pytest.fixture
def owner(world: World) -> Reach:
    reach = reach_of(world.shop.owner, world.shop.organization.slug)
    assert reach is not None
    return reach


def member(world: World, role: str, workspaces: list[Tenant] | None, now: datetime) -> Reach:
    user = User.objects.create_user(f"{role}@agency.example", PASSWORD, name=role)
    add_member(world.shop.organization, user=user, role=role, workspaces=workspaces, now=now)
    reach = reach_of(user, world.shop.organization.slug)
    assert reach is not None
    return reach


def invite(by: Reach | None, world: World, now: datetime, **given: object) -> str:
    """The path of a fresh link."""
    values: dict[str, object] = {"email": NEW, "role": "marketer", "workspaces": None, **given}
    _, address = create_invite(
        world.shop.organization,
        by=by,
        wall=wall_now(),
        now=now,
        **values,  # type: ignore[arg-type]
    )
    return address.removeprefix("http://127.0.0.1:8000")


def test_a_new_person_sets_a_password_and_is_in(
    client: Client, world: World, owner: Reach, second: Tenant, now: datetime
) -> None:
    path = invite(owner, world, now, role="analyst", workspaces=[second])
    page = client.get(path)
    assert page.status_code == 200
    assert "no-store" in page["Cache-Control"]
    shown = page.content.decode()
    assert "Harbor" in shown
    assert "Juniper" not in shown
    answer = client.post(f"{path}new/", {"name": "Nora", "password": PASSWORD})
    assert (answer.status_code, answer["Location"]) == (302, "/")
    assert client.get("/")["Location"] == "/w/harbor/"
    assert client.get("/w/harbor/").status_code == 200
    assert client.get("/w/juniper/").status_code == 404  # not among the clients of the invitation
    joined = Membership.objects.get(user__email=NEW)
    assert (joined.role, joined.all_workspaces) == ("analyst", False)
    with tenant_scope(second.id):
        actions = list(AuditEntry.objects.order_by("id").values_list("action", "target"))
    assert actions == [("invite.created", NEW), ("member.joined", NEW)]
    with tenant_scope(world.shop.tenant.id):
        assert not AuditEntry.objects.filter(action__startswith="member").exists()


def test_a_link_serves_once(client: Client, world: World, owner: Reach, now: datetime) -> None:
    path = invite(owner, world, now)
    client.post(f"{path}new/", {"name": "Nora", "password": PASSWORD})
    again = Client().post(f"{path}new/", {"name": "Eve", "password": PASSWORD})
    assert again.status_code == 404
    assert Client().get(path).status_code == 404
    assert User.objects.filter(email=NEW).count() == 1


def test_used_revoked_expired_and_made_up_links_answer_alike(
    client: Client, world: World, owner: Reach, now: datetime
) -> None:
    used, revoked, expired = (invite(owner, world, now, email=f"{n}@x.example") for n in "abc")
    client.post(f"{used}new/", {"name": "A", "password": PASSWORD})
    revoke_invite(Invite.objects.get(email="b@x.example").id, by=owner, wall=wall_now(), now=now)
    Invite.objects.filter(email="c@x.example").update(expires_at=wall_now())
    answers = [Client().get(path) for path in (used, revoked, expired, "/invite/made-up/")]
    bodies = {re.sub(r"request \w+|content=\"\w+\"", "", a.content.decode()) for a in answers}
    assert {a.status_code for a in answers} == {404}
    assert len(bodies) == 1


def test_the_token_is_stored_as_a_hash_only(world: World, owner: Reach, now: datetime) -> None:
    path = invite(owner, world, now)
    token = path.split("/")[2]
    assert len(token) >= 40
    stored = Invite.objects.values().get()
    assert token not in str(stored)


def test_seven_days(world: World, owner: Reach, now: datetime) -> None:
    token = invite(owner, world, now).split("/")[2]
    made = Invite.objects.get()
    find_invite(token, wall=made.created_at + timedelta(days=7, seconds=-1))
    with pytest.raises(Problem, match="invite_gone"):
        find_invite(token, wall=made.created_at + timedelta(days=7))
    assert open_invites(world.shop.organization, wall=made.expires_at) == []


def test_somebody_with_an_account_logs_in_and_joins(
    client: Client, world: World, owner: Reach, now: datetime
) -> None:
    User.objects.create_user(NEW, PASSWORD, name="Nora")
    path = invite(owner, world, now)
    assert client.post(f"{path}join/")["Location"] == f"/login/?next={path}"
    said = client.post("/login/", {"email": NEW, "password": PASSWORD, "next": path})
    assert said["Location"] == path
    assert b'/join/"' in client.get(path).content
    assert client.post(f"{path}join/").status_code == 302
    assert client.get("/w/juniper/").status_code == 200


def test_nobody_learns_from_the_page_whether_an_account_exists(
    world: World, owner: Reach, now: datetime
) -> None:
    User.objects.create_user("known@x.example", PASSWORD, name="Known")
    pages = []
    for email in ("known@x.example", "other@x.example"):
        path = invite(owner, world, now, email=email)
        text = Client().get(path).content.decode().replace(email, "E-MAIL")
        pages.append(re.sub(r'value="\w{64}"|content="\w+"', "", text.replace(path, "PATH")))
    assert pages[0] == pages[1]


def test_a_known_e_mail_is_no_new_account_and_tries_are_counted(
    world: World, owner: Reach, now: datetime
) -> None:
    known = User.objects.create_user(NEW, PASSWORD, name="Nora")
    path = invite(owner, world, now)
    client = Client()
    answers = [
        client.post(f"{path}new/", {"name": "Eve", "password": "another password"})
        for _ in range(6)
    ]
    assert [a.status_code for a in answers] == [409] * 5 + [429]
    assert LoginAttempt.objects.count() == 10
    known.refresh_from_db()
    assert known.check_password(PASSWORD)
    assert "_auth_user_id" not in client.session
    assert Invite.objects.get().accepted_at is None


def test_a_weak_password_is_refused_and_changes_nothing(
    client: Client, world: World, owner: Reach, now: datetime
) -> None:
    path = invite(owner, world, now)
    for password in ("short", "nora@new.example", "123456789012345"[:11]):
        answer = client.post(f"{path}new/", {"name": "Nora", "password": password})
        assert answer.status_code == 422
        assert b'role="alert"' in answer.content
    assert client.post(f"{path}new/", {}).status_code == 422
    assert not User.objects.filter(email=NEW).exists()
    assert client.get(path).status_code == 200


def test_another_persons_link_is_refused(client: Client, world: World, now: datetime) -> None:
    path = invite(None, world, now)
    client.force_login(world.other.owner)
    assert client.post(f"{path}join/").status_code == 403
    assert not Membership.objects.filter(
        user=world.other.owner, organization=world.shop.organization
    ).exists()


def test_nobody_gives_more_than_they_have(world: World, second: Tenant, now: datetime) -> None:
    admin = member(world, "admin", [second], now)
    everywhere = {"email": NEW, "wall": wall_now(), "now": now, "by": admin}
    for given, field in (
        ({"role": "owner", "workspaces": [second]}, "role"),
        ({"role": "marketer", "workspaces": None}, "workspaces"),
        ({"role": "marketer", "workspaces": [world.shop.tenant]}, "workspaces"),
        ({"role": "marketer", "workspaces": [second, world.shop.tenant]}, "workspaces"),
        ({"role": "marketer", "workspaces": []}, "workspaces"),
        ({"role": "marketer", "workspaces": [world.other.tenant]}, "workspaces"),
        ({"role": "queen", "workspaces": [second]}, "role"),
    ):
        with pytest.raises(Invalid) as refused:
            create_invite(world.shop.organization, **everywhere, **given)  # type: ignore[arg-type]
        assert refused.value.errors[0].field == field
    marketer = member(world, "marketer", None, now)
    with pytest.raises(Invalid):
        create_invite(
            world.shop.organization,
            email=NEW,
            role="analyst",
            by=marketer,
            wall=wall_now(),
            now=now,
        )
    owner = reach_of(world.shop.owner, world.shop.organization.slug)
    with pytest.raises(Invalid):  # not even the owner gives away what another organization has
        invite(owner, world, now, workspaces=[world.other.tenant])
    assert not Invite.objects.exists()


def test_who_is_on_the_team_keeps_the_role_and_gains_clients(
    world: World, owner: Reach, second: Tenant, now: datetime
) -> None:
    held = member(world, "support", [second], now)
    path = invite(owner, world, now, email=held.user.email, role="admin", workspaces=None)
    accept_invite(path.split("/")[2], user=held.user, wall=wall_now(), now=now)
    after = reach_of(held.user, world.shop.organization.slug)
    assert after is not None
    assert (after.role, after.workspaces) == ("support", None)


def test_a_link_is_taken_back_by_those_only_who_could_have_made_it(
    world: World, owner: Reach, second: Tenant, now: datetime
) -> None:
    invite(owner, world, now, role="owner")
    made = Invite.objects.get()
    stranger = reach_of(world.other.owner, world.other.organization.slug)
    assert stranger is not None
    for by in (member(world, "admin", [second], now), stranger):
        with pytest.raises(NotFound):
            revoke_invite(made.id, by=by, wall=wall_now(), now=now)
    revoke_invite(made.id, by=owner, wall=wall_now(), now=now)
    with pytest.raises(NotFound):
        revoke_invite(made.id, by=owner, wall=wall_now(), now=now)


def test_two_who_hold_one_link_join_once(world: World, owner: Reach, now: datetime) -> None:
    token = invite(owner, world, now).split("/")[2]
    accept_as_new(token, name="Nora", password=PASSWORD, wall=wall_now(), now=now)
    with pytest.raises(Problem, match="invite_gone"):
        accept_as_new(token, name="Nora", password=PASSWORD, wall=wall_now(), now=now)


def test_the_first_owner_of_an_installation_gets_a_link(client: Client, db: None) -> None:
    out = StringIO()
    call_command("create_workspace", "Juniper", owner="Ines@Northside.example", stdout=out)
    link = json.loads(out.getvalue())["owner_link"]
    assert re.fullmatch(r"http://127\.0\.0\.1:8000/invite/[\w-]{40,}/", link)
    path = link.removeprefix("http://127.0.0.1:8000")
    assert b"You are invited" in client.get(path).content
    client.post(f"{path}new/", {"name": "Ines", "password": PASSWORD})
    assert client.get("/")["Location"] == "/w/juniper/"
    assert Membership.objects.get().role == "owner"
    again = StringIO()
    call_command(
        "create_workspace",
        "Harbor",
        organization="Juniper",
        owner="ines@northside.example",
        stdout=again,
    )
    assert "owner_link" not in json.loads(again.getvalue())
