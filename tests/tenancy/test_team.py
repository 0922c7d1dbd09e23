"""The team page: roles change hands only downward, and an owner always stays."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime

import pytest
from django.test import Client

from api.problems import NotFound, Problem
from tenancy.domain.members import change_role, remove_member, team_of
from tenancy.domain.reach import Reach, reach_of
from tenancy.domain.workspaces import add_member, create_workspace
from tenancy.models import AuditEntry, Invite, Membership, Tenant, User
from tenancy.permissions import ROLES, can, can_grant, grantable_roles
from tenancy.scope import tenant_scope
from tests.support.world import World

pytestmark = pytest.mark.django_db


@pytest.fixture
def second(world: World, now: datetime) -> Tenant:
    return create_workspace(world.shop.organization, name="Harbor", slug="harbor", now=now)


def person(
    world: World, role: str, workspaces: list[Tenant] | None, now: datetime, name: str = ""
) -> Reach:
    user = User.objects.create_user(f"{name or role}@agency.example", None, name=name or role)
    add_member(world.shop.organization, user=user, role=role, workspaces=workspaces, now=now)
    return reach(world, user)


def reach(world: World, user: User) -> Reach:
    found = reach_of(user, world.shop.organization.slug)
    assert found is not None
    return found


def membership(someone: Reach) -> Membership:
    return Membership.objects.get(user=someone.user, organization=someone.organization)


def test_a_role_gives_only_what_it_has() -> None:
    assert grantable_roles("owner") == list(ROLES)
    assert grantable_roles("admin") == [role for role in ROLES if role != "owner"]
    for role in ("marketer", "approver", "analyst", "support", "developer"):
        assert grantable_roles(role) == []
    for role in ROLES:
        for other in grantable_roles(role):
            assert ROLES[other] <= ROLES[role]
    assert not can_grant("owner", "queen")
    with pytest.raises(KeyError):
        can("owner", "see_everything")


def test_the_last_owner_stays(client: Client, world: World, now: datetime) -> None:
    owner = reach(world, world.shop.owner)
    mine = membership(owner)
    client.force_login(world.shop.owner)
    base = "/w/juniper/settings/team"
    for path, data in (
        (f"{base}/{mine.id}/role/", {"role": "admin"}),
        (f"{base}/{mine.id}/remove/", {}),
    ):
        answer = client.post(path, {**data, "workspace": "juniper"})
        assert answer.status_code == 409
    assert b"Last owner" in client.get(f"{base}/").content
    second = person(world, "owner", None, now, "second")
    remove_member(mine.id, by=second, now=now)
    with pytest.raises(Problem, match="last_owner"):
        change_role(membership(second).id, role="analyst", by=second, now=now)


def test_an_owner_of_some_clients_or_who_left_does_not_count(
    world: World, second: Tenant, now: datetime
) -> None:
    person(world, "owner", [second], now, "partly")
    gone = person(world, "owner", None, now, "gone")
    User.objects.filter(id=gone.user.id).update(is_active=False)
    owner = reach(world, world.shop.owner)
    with pytest.raises(Problem, match="last_owner"):
        remove_member(membership(owner).id, by=owner, now=now)


def test_an_admin_cannot_touch_an_owner_or_make_one(world: World, now: datetime) -> None:
    admin = person(world, "admin", None, now)
    marketer = membership(person(world, "marketer", None, now))
    owner = membership(reach(world, world.shop.owner))
    person(world, "owner", None, now, "other-owner")
    attempts: list[Callable[[], Membership]] = [
        lambda: change_role(owner.id, role="analyst", by=admin, now=now),
        lambda: remove_member(owner.id, by=admin, now=now),
        lambda: change_role(marketer.id, role="owner", by=admin, now=now),
        lambda: change_role(membership(admin).id, role="owner", by=admin, now=now),
    ]
    for attempt in attempts:
        with pytest.raises(Problem) as refused:
            attempt()
        assert refused.value.status == 403
    change_role(marketer.id, role="admin", by=admin, now=now)
    owner.refresh_from_db()
    assert owner.role == "owner"


def test_power_ends_at_ones_own_clients(world: World, second: Tenant, now: datetime) -> None:
    local = person(world, "admin", [second], now, "local")
    everywhere = membership(person(world, "analyst", None, now, "everywhere"))
    elsewhere = membership(person(world, "analyst", [world.shop.tenant], now, "elsewhere"))
    here = membership(person(world, "analyst", [second], now, "here"))
    with pytest.raises(Problem) as refused:
        change_role(everywhere.id, role="marketer", by=local, now=now)
    assert refused.value.status == 403
    with pytest.raises(NotFound):  # not even that they exist
        change_role(elsewhere.id, role="marketer", by=local, now=now)
    change_role(here.id, role="marketer", by=local, now=now)
    names = {line.name for line in team_of(local, second)}
    assert "elsewhere" not in names
    assert {"local", "everywhere", "here", "Olga Owner"} <= names


def test_clients_beyond_reach_are_a_number_only(
    world: World, second: Tenant, now: datetime
) -> None:
    local = person(world, "admin", [second], now, "local")
    person(world, "analyst", [second, world.shop.tenant], now, "both")
    line = next(line for line in team_of(local, second) if line.name == "both")
    assert (line.clients, line.more, line.roles) == (("Harbor",), 1, ())


def test_another_organizations_members_do_not_exist(
    client: Client, world: World, now: datetime
) -> None:
    theirs = Membership.objects.get(user=world.other.analyst)
    client.force_login(world.shop.owner)
    for what, data in (("role", {"role": "owner"}), ("remove", {})):
        path = f"/w/juniper/settings/team/{theirs.id}/{what}/"
        assert client.post(path, {**data, "workspace": "juniper"}).status_code == 404
    theirs.refresh_from_db()
    assert theirs.role == "analyst"


def test_changes_stand_in_the_audit_log_of_each_client(
    client: Client, world: World, second: Tenant, now: datetime
) -> None:
    theirs = membership(person(world, "analyst", None, now))
    client.force_login(world.shop.owner)
    base = f"/w/juniper/settings/team/{theirs.id}"
    client.post(f"{base}/role/", {"role": "support", "workspace": "juniper"})
    answer = client.post(f"{base}/remove/", {"workspace": "juniper"}, follow=True)
    assert b"is off the team" in answer.content
    for tenant in (world.shop.tenant, second):
        with tenant_scope(tenant.id):
            entries = list(AuditEntry.objects.order_by("id").values_list("action", "actor", "data"))
        assert [entry[0] for entry in entries] == ["member.role_changed", "member.removed"]
        assert entries[0][1] == "user:owner@juniper.example"
        assert entries[0][2] == {"from": "analyst", "to": "support"}
    with tenant_scope(world.other.tenant.id):
        assert not AuditEntry.objects.exists()


def test_who_is_removed_is_out_at_once(client: Client, world: World, now: datetime) -> None:
    analyst = Client()
    analyst.force_login(world.shop.analyst)
    assert analyst.get("/w/juniper/").status_code == 200
    theirs = Membership.objects.get(user=world.shop.analyst)
    remove_member(theirs.id, by=reach(world, world.shop.owner), now=now)
    assert analyst.get("/w/juniper/").status_code == 404


def test_inviting_from_the_team_page(
    client: Client, world: World, second: Tenant, now: datetime
) -> None:
    client.force_login(world.shop.owner)
    page = "/w/juniper/settings/team/"
    data = {
        "email": "nora@new.example",
        "role": "marketer",
        "reach": "some",
        "workspace": "juniper",
    }
    refused = client.post(f"{page}invite/", {**data, "email": "no address"})
    assert refused.status_code == 422
    assert b"Write an e-mail address." in refused.content
    foreign = client.post(f"{page}invite/", {**data, "workspaces": ["juniper-two"]})
    assert foreign.status_code == 422
    assert not Invite.objects.exists()
    made = client.post(f"{page}invite/", {**data, "workspaces": ["juniper", "harbor"]})
    assert made.status_code == 201
    link = re.search(r"http://127\.0\.0\.1:8000(/invite/[\w-]+/)", made.content.decode())
    assert link
    again = client.get(page).content.decode()
    assert link[1] not in again
    assert "nora@new.example" in again
    invite = Invite.objects.get()
    client.post(f"{page}invites/{invite.id}/revoke/", {"workspace": "juniper"})
    assert Client().get(link[1]).status_code == 404
    assert b"opens nothing any more" in client.get(page).content
    assert b"nora@new.example" not in client.get(page).content


@pytest.mark.parametrize("role", ["marketer", "approver", "analyst", "support", "developer"])
def test_the_team_is_for_owners_and_admins(
    client: Client, world: World, now: datetime, role: str
) -> None:
    client.force_login(person(world, role, None, now).user)
    assert client.get("/w/juniper/settings/team/").status_code == 403
    assert b"settings/team" not in client.get("/w/juniper/settings/quiet-hours/").content
