"""Which clients somebody on the team sees, and as what: changed in a dialog, within one's own reach,
and never so that nobody is left who owns everything."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from django.test import Client

from api.problems import Invalid, NotFound, Problem
from tenancy.domain.members import change_access, team_of
from tenancy.domain.workspaces import add_member, create_workspace
from tenancy.models import AuditEntry, Membership, Tenant, User
from tenancy.scope import tenant_scope
from tests.support.world import World
from tests.tenancy.test_team import membership, person, reach

pytestmark = pytest.mark.django_db
PAGE = "/w/juniper/settings/team/"
AGENCY = "/agency/agency-juniper/team/"


@pytest.fixture
def harbor(world: World, now: datetime) -> Tenant:
    return create_workspace(world.shop.organization, name="Harbor", slug="harbor", now=now)


@pytest.fixture
def dune(world: World, now: datetime) -> Tenant:
    return create_workspace(world.shop.organization, name="Dune", slug="dune", now=now)


@pytest.fixture
def owner(client: Client, world: World) -> Client:
    client.force_login(world.shop.owner)
    return client


def grant(member: Membership) -> tuple[str, list[str] | None]:
    """(role, slugs of the clients), None for all."""
    found = Membership.objects.get(id=member.id)
    slugs = sorted(found.workspaces.values_list("slug", flat=True))
    return found.role, None if found.all_workspaces else slugs


def post(client: Client, member: Membership, *, at: str = PAGE, **data: Any) -> Any:
    where = {"workspace": "juniper"} if at == PAGE else {"organization": "agency-juniper"}
    return client.post(f"{at}{member.id}/access/", {**where, **data})


def entries(tenant: Tenant) -> list[dict[str, Any]]:
    with tenant_scope(tenant.id):
        return list(
            AuditEntry.objects.filter(action="member.access_changed")
            .order_by("id")
            .values("actor", "target", "data")
        )


@pytest.mark.parametrize("at", [PAGE, AGENCY])
def test_an_owner_changes_clients_and_role_in_the_dialog(
    owner: Client, world: World, harbor: Tenant, dune: Tenant, now: datetime, at: str
) -> None:
    juniper = world.shop.tenant
    mia = membership(person(world, "marketer", [juniper, harbor], now, "Mia"))
    assert f"{at}?access={mia.id}" in owner.get(at).content.decode()
    shown = " ".join(owner.get(f"{at}?access={mia.id}").content.decode().split())
    dialog = shown.split('id="access"', 1)[1]
    assert 'value="marketer" selected' in dialog
    assert 'value="some" checked' in dialog
    assert 'value="harbor" checked' in dialog
    assert 'value="dune" checked' not in dialog

    done = post(owner, mia, at=at, role="support", reach="some", workspaces=["juniper", "dune"])
    assert (done.status_code, done["Location"]) == (302, at)
    assert grant(mia) == ("support", ["dune", "juniper"])
    assert "Mia is support now, in 2 clients." in owner.get(at).content.decode()
    told = {"from": "marketer", "to": "support", "all": False}
    for tenant, change in ((juniper, "kept"), (harbor, "taken"), (dune, "given")):
        [entry] = entries(tenant)
        assert entry["actor"] == "user:owner@juniper.example"
        assert entry["target"] == "Mia@agency.example".lower()
        assert entry["data"] == {**told, "change": change}
    assert entries(world.other.tenant) == []
    # The same again says nothing new.
    post(owner, mia, at=at, role="support", reach="some", workspaces=["juniper", "dune"])
    assert [len(entries(tenant)) for tenant in (juniper, harbor, dune)] == [1, 1, 1]


def test_all_clients_are_also_those_to_come(
    owner: Client, world: World, harbor: Tenant, now: datetime
) -> None:
    mia = person(world, "marketer", [world.shop.tenant], now, "Mia")
    post(owner, membership(mia), role="marketer", reach="all")
    assert grant(membership(mia)) == ("marketer", None)
    assert [each["data"]["change"] for each in entries(world.shop.tenant)] == ["kept"]
    assert [each["data"]["change"] for each in entries(harbor)] == ["given"]
    create_workspace(world.shop.organization, name="Later", slug="later", now=now)
    visitor = Client()
    visitor.force_login(mia.user)
    assert visitor.get("/w/later/").status_code == 200


def test_who_loses_a_client_is_out_of_it_at_once(
    owner: Client, world: World, harbor: Tenant, now: datetime
) -> None:
    mia = person(world, "marketer", None, now, "Mia")
    visitor = Client()
    visitor.force_login(mia.user)
    assert visitor.get("/w/juniper/").status_code == 200
    post(owner, membership(mia), role="marketer", reach="some", workspaces=["harbor"])
    assert visitor.get("/w/juniper/").status_code == 404
    assert visitor.get("/w/harbor/").status_code == 200


@pytest.mark.parametrize(
    "wish",
    [
        {"role": "owner", "reach": "some", "workspaces": ["juniper", "harbor"]},
        {"role": "admin", "reach": "all"},
    ],
)
def test_the_last_owner_of_all_clients_is_never_locked_out(
    owner: Client, world: World, harbor: Tenant, now: datetime, wish: dict[str, Any]
) -> None:
    mine = membership(reach(world, world.shop.owner))
    # Somebody who owns some clients, and somebody who left, do not count.
    person(world, "owner", [harbor], now, "partly")
    gone = person(world, "owner", None, now, "gone")
    User.objects.filter(id=gone.user.id).update(is_active=False)
    assert f"?access={mine.id}" not in owner.get(PAGE).content.decode()
    assert 'id="access"' not in owner.get(f"{PAGE}?access={mine.id}").content.decode()
    assert post(owner, mine, **wish).status_code == 409
    assert grant(mine) == ("owner", None)
    assert entries(world.shop.tenant) == []
    other = person(world, "owner", None, now, "second")
    assert post(owner, mine, **wish).status_code == 302
    with pytest.raises(Problem, match="last_owner"):
        change_access(membership(other).id, role="owner", workspaces=[harbor], by=other, now=now)


def test_nobody_gives_more_than_they_have(
    client: Client, world: World, harbor: Tenant, dune: Tenant, now: datetime
) -> None:
    lead = person(world, "admin", [world.shop.tenant, harbor], now, "Ada")
    mia = membership(person(world, "marketer", [harbor], now, "Mia"))
    client.force_login(lead.user)
    cases: list[tuple[dict[str, Any], str]] = [
        ({"role": "owner", "reach": "some", "workspaces": ["harbor"]}, "may more than your own"),
        ({"role": "support", "reach": "all"}, "Only your own clients can be given."),
        ({"role": "support", "reach": "some", "workspaces": ["dune"]}, "dune"),
        ({"role": "support", "reach": "some"}, "Choose at least one client."),
        ({"role": "queen", "reach": "some", "workspaces": ["harbor"]}, "One of: owner"),
        ({"reach": "some", "workspaces": ["harbor"]}, "Choose a role."),
        ({"role": "support", "workspaces": ["harbor"]}, "required"),
    ]
    for wish, words in cases:
        answer = post(client, mia, at=AGENCY, **wish)
        assert answer.status_code == 422, wish
        dialog = answer.content.decode().split('id="access"', 1)[1]
        assert words in dialog, wish
        assert grant(mia) == ("marketer", ["harbor"])
    with pytest.raises(Invalid):
        change_access(mia.id, role="support", workspaces=[dune], by=lead, now=now)
    with pytest.raises(Invalid):
        change_access(mia.id, role="support", workspaces=[world.other.tenant], by=lead, now=now)
    assert entries(harbor) == []
    assert post(client, mia, at=AGENCY, role="support", reach="some", workspaces=["juniper"])
    assert grant(mia) == ("support", ["juniper"])


def test_nobody_changes_who_sees_more_than_they_do(
    client: Client, world: World, harbor: Tenant, dune: Tenant, now: datetime
) -> None:
    lead = person(world, "admin", [harbor], now, "Ada")
    wide = membership(person(world, "analyst", None, now, "wide"))
    both = membership(person(world, "analyst", [harbor, dune], now, "both"))
    hidden = membership(person(world, "analyst", [dune], now, "hidden"))
    theirs = Membership.objects.get(user=world.other.analyst)
    chief = membership(reach(world, world.shop.owner))
    client.force_login(lead.user)
    page = client.get(AGENCY).content.decode()
    wish = {"role": "analyst", "reach": "some", "workspaces": ["harbor"]}
    for member, status in ((wide, 403), (both, 403), (chief, 403), (hidden, 404), (theirs, 404)):
        before = grant(member)
        assert f"?access={member.id}" not in page
        assert 'id="access"' not in client.get(f"{AGENCY}?access={member.id}").content.decode()
        assert post(client, member, at=AGENCY, **wish).status_code == status
        assert grant(member) == before
    with pytest.raises(NotFound):
        change_access(hidden.id, role="analyst", workspaces=[harbor], by=lead, now=now)


def test_no_clients_log_names_another_client(
    owner: Client, world: World, harbor: Tenant, dune: Tenant, now: datetime
) -> None:
    mia = membership(person(world, "marketer", [harbor], now, "Mia"))
    post(owner, mia, role="marketer", reach="some", workspaces=["harbor", "dune"])
    assert entries(harbor) == []  # nothing changed there
    [entry] = entries(dune)
    assert "harbor" not in str(entry).lower()


@pytest.mark.parametrize("at", [PAGE, AGENCY])
def test_who_narrows_themselves_is_led_to_what_is_left(
    client: Client, world: World, harbor: Tenant, now: datetime, at: str
) -> None:
    ada = person(world, "admin", None, now, "Ada")
    client.force_login(ada.user)
    mine = membership(ada)
    wish = {"role": "analyst", "reach": "some", "workspaces": ["harbor"]}
    assert post(client, mine, at=at, **wish)["Location"] == "/"
    assert client.get(PAGE).status_code == 404
    assert client.get("/w/harbor/settings/team/").status_code == 403


@pytest.mark.parametrize("role", ["marketer", "approver", "analyst", "support", "developer"])
def test_others_cannot_change_anybodys_access(
    client: Client, world: World, now: datetime, role: str
) -> None:
    someone = person(world, role, None, now)
    client.force_login(someone.user)
    mine = membership(someone)
    for at in (PAGE, AGENCY):
        assert post(client, mine, at=at, role="owner", reach="all").status_code == 403
    with pytest.raises(Problem):
        change_access(mine.id, role="owner", workspaces=None, by=someone, now=now)
    assert grant(mine) == (role, None)


def test_a_member_of_two_organizations_keeps_the_other_one(
    owner: Client, world: World, harbor: Tenant, now: datetime
) -> None:
    mia = person(world, "marketer", None, now, "Mia")
    add_member(world.other.organization, user=mia.user, role="support", now=now)
    post(owner, membership(mia), role="analyst", reach="some", workspaces=["harbor"])
    elsewhere = Membership.objects.get(user=mia.user, organization=world.other.organization)
    assert grant(elsewhere) == ("support", None)
    assert entries(world.other.tenant) == []
    line = next(one for one in team_of(reach(world, world.shop.owner)) if one.name == "Mia")
    assert (line.role, line.clients) == ("analyst", ("Harbor",))
