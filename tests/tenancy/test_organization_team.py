"""The organization's team page: everybody in all clients, changed and removed from one place."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from tenancy.clock import wall_now
from tenancy.domain.invites import create_invite
from tenancy.domain.workspaces import add_member, create_workspace
from tenancy.models import AuditEntry, Invite, Membership, Tenant, User
from tenancy.scope import tenant_scope
from tests.support.world import Brand, World

pytestmark = pytest.mark.django_db
PAGE = "/agency/agency-juniper/team/"
ROW = re.compile(r"<tr>.*?</tr>", re.DOTALL)


@pytest.fixture
def second(world: World, now: datetime) -> Tenant:
    return create_workspace(world.shop.organization, name="Harbor", slug="harbor", now=now)


@pytest.fixture
def owner(client: Client, world: World) -> Client:
    client.force_login(world.shop.owner)
    return client


def join(world: World, name: str, role: str, only: list[Tenant] | None, now: datetime) -> User:
    user = User.objects.create_user(f"{name.lower()}@agency.example", None, name=name)
    add_member(world.shop.organization, user=user, role=role, workspaces=only, now=now)
    return user


def membership(user: User) -> Membership:
    return Membership.objects.get(user=user)


def line(client: Client, name: str) -> str:
    """What the page says of somebody; "" when they are not on it."""
    answer = client.get(PAGE)
    assert answer.status_code == 200
    body = answer.content.decode().split("<tbody>", 1)[1]
    return next((" ".join(row.split()) for row in ROW.findall(body) if name in row), "")


def post(client: Client, path: str, **data: Any) -> Any:
    return client.post(f"{PAGE}{path}", {"organization": "agency-juniper", **data})


def test_everybody_with_their_clients_and_role(
    owner: Client, world: World, second: Tenant, now: datetime
) -> None:
    join(world, "Mia", "marketer", [second], now)
    join(world, "Sam", "support", [second, world.shop.tenant], now)
    stranger = User.objects.create_user("x@other.example", None, name="Xavier")
    add_member(world.other.organization, user=stranger, role="admin", now=now)
    mia, sam, olga = line(owner, "Mia"), line(owner, "Sam"), line(owner, "Olga")
    assert "Harbor" in mia
    assert "Juniper" not in mia
    assert 'value="marketer" selected' in mia
    assert "Harbor, Juniper &amp; Oak" in sam
    assert re.search(r'data-label="Clients">\s*All\s*</td>', olga)
    assert "Last owner" in olga
    assert line(owner, "Xavier") == ""


def test_a_role_is_changed_and_somebody_removed(
    owner: Client, world: World, second: Tenant, now: datetime
) -> None:
    mia = join(world, "Mia", "marketer", [second], now)
    path = f"{membership(mia).id}/"
    assert post(owner, f"{path}role/", role="analyst")["Location"] == PAGE
    assert membership(mia).role == "analyst"
    assert b"Mia is analyst now" in owner.get(PAGE).content
    assert post(owner, f"{path}role/", role="queen").status_code == 422
    assert post(owner, f"{path}remove/")["Location"] == PAGE
    assert line(owner, "Mia") == ""
    with tenant_scope(second.id):
        acts = AuditEntry.objects.filter(action__startswith="member.").order_by("id")
        assert [entry.action for entry in acts] == ["member.role_changed", "member.removed"]
    with tenant_scope(world.other.tenant.id):
        assert not AuditEntry.objects.filter(action__startswith="member.").exists()


def test_open_invitations_are_listed_and_taken_back(
    owner: Client, world: World, second: Tenant, now: datetime
) -> None:
    def invite(brand: Brand, email: str, only: list[Tenant] | None = None) -> Invite:
        made, _ = create_invite(
            brand.organization,
            email=email,
            role="analyst",
            workspaces=only,
            wall=wall_now(),
            now=now,
        )
        return made

    made = invite(world.shop, "n@new.example", [second])
    invite(world.shop, "all@new.example")
    invite(world.other, "theirs@new.example")
    page = owner.get(PAGE).content.decode()
    invites = page[page.index("Open invitations") :]
    assert "theirs@new.example" not in page
    one = next(row for row in ROW.findall(invites) if "n@new.example" in row)
    assert "Harbor" in one
    assert post(owner, f"invites/{made.id}/revoke/")["Location"] == PAGE
    assert Invite.objects.get(id=made.id).revoked_at is not None
    assert "Take back the link for n@new.example" not in owner.get(PAGE).content.decode()


def test_an_admin_of_some_clients_sees_and_touches_only_those_within_reach(
    client: Client, world: World, second: Tenant, now: datetime
) -> None:
    third = create_workspace(world.shop.organization, name="Third", slug="third", now=now)
    mine = join(world, "Ada", "admin", [second], now)
    join(world, "Mia", "marketer", [second], now)
    hidden = join(world, "Tom", "marketer", [third], now)
    shared = join(world, "Sam", "support", [second, third], now)
    client.force_login(mine)
    assert "Change the role of Mia" in line(client, "Mia")
    assert line(client, "Tom") == ""
    sam = line(client, "Sam")
    assert "Harbor and 1 other" in sam
    assert "Third" not in client.get(PAGE).content.decode()
    assert "<form" not in sam
    assert "<form" not in line(client, "Olga")
    assert post(client, f"{membership(hidden).id}/remove/").status_code == 404
    assert post(client, f"{membership(shared).id}/remove/").status_code == 403
    owner = Membership.objects.get(user=world.shop.owner)
    assert post(client, f"{owner.id}/role/", role="analyst").status_code == 403
    assert Membership.objects.filter(organization=world.shop.organization).count() == 6


def test_another_organizations_form_and_member_are_refused(owner: Client, world: World) -> None:
    theirs = Membership.objects.get(user=world.other.analyst)
    assert post(owner, f"{theirs.id}/remove/").status_code == 404
    mine = Membership.objects.get(user=world.shop.analyst)
    for said in ("agency-juniper-two", ""):
        answer = owner.post(f"{PAGE}{mine.id}/remove/", {"organization": said})
        assert answer.status_code == 409
    assert Membership.objects.count() == 4


def test_who_removes_themselves_is_led_out(
    client: Client, world: World, second: Tenant, now: datetime
) -> None:
    ada = join(world, "Ada", "admin", None, now)
    client.force_login(ada)
    assert post(client, f"{membership(ada).id}/remove/")["Location"] == "/"
    assert client.get(PAGE).status_code == 404


def test_the_page_is_linked_and_costs_the_same_for_forty(
    owner: Client, world: World, second: Tenant, now: datetime
) -> None:
    assert f'href="{PAGE}"' in owner.get("/agency/agency-juniper/").content.decode()
    assert f'href="{PAGE}"' in owner.get("/w/juniper/settings/team/").content.decode()

    def add(number: int) -> None:
        join(world, f"Member{number}", "analyst", [second], now)
        create_invite(
            world.shop.organization,
            email=f"i{number}@new.example",
            role="analyst",
            workspaces=[second],
            wall=wall_now(),
            now=now,
        )

    def cost() -> int:
        with CaptureQueriesContext(connection) as seen:
            assert owner.get(PAGE).status_code == 200
        return len(seen)

    add(0)
    cost()
    few = cost()
    for number in range(1, 40):
        add(number)
    assert cost() == few


@pytest.mark.parametrize("role", ["marketer", "approver", "analyst", "support", "developer"])
def test_others_are_shown_neither_the_page_nor_its_link(
    client: Client, world: World, now: datetime, role: str
) -> None:
    client.force_login(join(world, "Mia", role, None, now))
    assert client.get(PAGE).status_code == 403
    assert PAGE not in client.get("/agency/agency-juniper/").content.decode()
