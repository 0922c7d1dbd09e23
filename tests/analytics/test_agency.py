"""The agency page: whose clients it shows, what it costs, and adding one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from analytics.domain.adding import add_client, beginning_for
from analytics.domain.rolling_up import roll_up_all
from analytics.models import ClientDay
from api.problems import Invalid
from delivery.domain import simulating
from delivery.models import Gateway, Sender
from tenancy.clock import advance_clock, business_now
from tenancy.domain.reach import Reach, reach_of
from tenancy.domain.workspaces import add_member, create_workspace
from tenancy.models import AuditEntry, Invite, Tenant, User
from tenancy.scope import tenant_scope
from tests.support.world import World
from triggers.models import Flow

pytestmark = pytest.mark.django_db
PAGE = "/agency/agency-juniper/"
GIVEN = {
    "name": "Harbor Street",
    "timezone": "America/Chicago",
    "accent": "#A03010",
    "shop_url": "https://harbor.example/",
    "sender": "later",
}
FORM = {**GIVEN, "country": "US", "organization": "agency-juniper"}


@pytest.fixture
def owner(world: World) -> Reach:
    found = reach_of(world.shop.owner, world.shop.organization.slug)
    assert found is not None
    return found


@pytest.fixture
def simulator() -> Iterator[list[str]]:
    """Something that runs a simulator; collects the numbers it gave."""
    before = (simulating._give_number, simulating._is_running)
    given: list[str] = []

    def give(gateway: Gateway) -> str:
        given.append(f"+1206555010{len(given)}")
        return given[-1]

    simulating.register(give, is_running=lambda: True)
    yield given
    simulating._give_number, simulating._is_running = before


def names(client: Client) -> list[str]:
    text = client.get(PAGE).content.decode()
    return re.findall(r'class="rowlink" href="/w/([\w-]+)/"', text)


def test_the_page_shows_the_organizations_clients(
    client: Client, world: World, now: datetime
) -> None:
    advance_clock(now)
    create_workspace(world.shop.organization, name="Harbor", slug="harbor", now=now)
    roll_up_all(now=business_now())
    client.force_login(world.shop.owner)
    assert client.get("/agency/")["Location"] == PAGE
    assert names(client) == ["harbor", "juniper"]
    text = client.get(PAGE).content.decode()
    assert "juniper-two" not in text
    assert "Sending is not connected" in text
    assert 'hx-trigger="every' not in text  # counted just now
    assert client.get("/agency/agency-juniper-two/").status_code == 404
    assert client.get("/agency/nobody/").status_code == 404


def test_a_member_sees_the_clients_named(client: Client, world: World, now: datetime) -> None:
    one, _ = (
        create_workspace(world.shop.organization, name=name, slug=name, now=now)
        for name in ("one", "two")
    )
    roll_up_all(now=now)
    user = User.objects.create_user("m@agency.example", None, name="M")
    add_member(world.shop.organization, user=user, role="admin", workspaces=[one], now=now)
    client.force_login(user)
    assert names(client) == ["one"]
    text = client.get(PAGE).content.decode()
    assert "two" not in re.findall(r'name="workspaces" value="([\w-]+)"', text)
    assert "Also those that are added later" not in text
    assert 'value="owner"' not in text


def test_the_cost_does_not_grow_with_the_clients(
    client: Client, world: World, now: datetime
) -> None:
    advance_clock(now)
    client.force_login(world.shop.owner)

    def cost() -> int:
        roll_up_all(now=business_now())
        client.get(PAGE)
        with CaptureQueriesContext(
            connection,
        ) as seen:
            answer = client.get(PAGE)
        assert answer.status_code == 200
        return len(seen)

    few = cost()
    for number in range(40):
        create_workspace(
            world.shop.organization, name=f"Client {number}", slug=f"client-{number}", now=now
        )
    many = cost()
    assert len(names(client)) == 41
    assert many == few <= 15


def test_a_stale_page_asks_for_a_count(
    client: Client, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    woken: list[tuple[str, str]] = []
    monkeypatch.setattr(
        "analytics.agency.wake",
        lambda task, *, queue, organization_id: woken.append((task, organization_id)),
    )
    client.force_login(world.shop.owner)
    text = client.get(PAGE).content.decode()
    assert "Not counted yet" in text
    assert 'hx-trigger="load delay:3s"' in text
    assert woken == [("analytics.bulk_roll_up", str(world.shop.organization.id))]


def test_adding_a_client(client: Client, world: World) -> None:
    client.force_login(world.shop.owner)
    answer = client.post(f"{PAGE}clients/", FORM, follow=True)
    assert b"Harbor Street is ready" in answer.content
    made = Tenant.objects.get(slug="harbor-street")
    assert made.organization == world.shop.organization
    assert (made.timezone, made.accent) == ("America/Chicago", "#a03010")
    with tenant_scope(made.id):
        flows = dict(Flow.objects.values_list("slug", "status"))
        assert not Sender.objects.exists()
        assert ClientDay.objects.count() == 7
        entry = AuditEntry.objects.get(action="workspace.created")
    assert flows == {"cart-recovery": "draft", "back-in-stock": "draft", "loyalty-nudge": "draft"}
    assert entry.actor == "user:owner@juniper.example"
    assert client.get("/w/harbor-street/flows/").status_code == 200
    stranger = Client()
    stranger.force_login(world.other.owner)
    assert stranger.get("/w/harbor-street/").status_code == 404


def test_a_client_begins_where_the_newest_one_is(client: Client, world: World) -> None:
    client.force_login(world.shop.owner)

    def chosen(field: str) -> str | None:
        page = client.get(PAGE).content.decode()
        form = page[page.index(f'name="{field}"') :].split("</select>", 1)[0]
        found = re.search(r"<option(?: value=\"(\w*)\")? selected>([^<]*)", form)
        return found and (found[1] or found[2])

    assert (chosen("country"), chosen("currency")) == ("US", None)
    assert chosen("timezone") == "America/Los_Angeles"
    data = {**FORM, "country": "DE", "timezone": "Europe/Berlin"}
    assert client.post(f"{PAGE}clients/", data).status_code == 302
    made = Tenant.objects.get(slug="harbor-street")
    assert (made.country, made.currency) == ("DE", "EUR")  # the country's own
    assert (chosen("country"), chosen("currency")) == ("DE", None)
    assert chosen("timezone") == "Europe/Berlin"
    data |= {"name": "Pier", "country": "CH", "currency": "EUR"}
    assert client.post(f"{PAGE}clients/", data).status_code == 302
    made = Tenant.objects.get(slug="pier")
    assert (made.country, made.currency) == ("CH", "EUR")
    assert (chosen("country"), chosen("currency")) == ("CH", "EUR")


def test_what_a_new_client_begins_with_tells_nothing_of_unseen_ones(
    world: World, now: datetime
) -> None:
    create_workspace(
        world.shop.organization,
        name="Secret",
        slug="secret",
        country="JP",
        currency="JPY",
        timezone="Asia/Tokyo",
        now=now + timedelta(days=1),
    )
    user = User.objects.create_user("m@agency.example", None, name="M")
    add_member(
        world.shop.organization, user=user, role="admin", workspaces=[world.shop.tenant], now=now
    )
    reach = reach_of(user, world.shop.organization.slug)
    assert reach is not None
    begins = beginning_for(reach)
    assert (begins.country, begins.timezone) == ("US", "America/Los_Angeles")
    assert begins.accent not in {world.shop.tenant.accent}


def test_a_name_twice_gets_another_address(owner: Reach, now: datetime) -> None:
    slugs = [add_client(owner, **{**GIVEN, "name": "Juniper"}, now=now).slug for _ in range(2)]
    assert slugs == ["juniper-3", "juniper-4"] or slugs == ["juniper-2", "juniper-3"]
    long = [add_client(owner, **{**GIVEN, "name": "x" * 60}, now=now).slug for _ in range(2)]
    assert [len(slug) for slug in long] == [40, 40]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", " "),
        ("name", "…"),
        ("name", "x" * 121),
        ("timezone", "Mars/Olympus"),
        ("timezone", "America/New York"),
        ("accent", "red"),
        ("accent", "#12345g"),
        ("shop_url", "javascript:alert(1)"),
        ("shop_url", "https://"),
        ("shop_url", "https://x.example/[FirstName]"),
        ("shop_url", "https://[::1"),
        ("sender", "simulator"),
        ("sender", "pigeon"),
        ("country", ""),
        ("country", "us"),
        ("country", "XX"),
        ("currency", "DOGE"),
        ("currency", "usd"),
    ],
)
def test_bad_input_makes_nothing(client: Client, world: World, field: str, value: str) -> None:
    client.force_login(world.shop.owner)
    before = Tenant.objects.count()
    answer = client.post(f"{PAGE}clients/", {**FORM, field: value})
    assert answer.status_code == 422
    assert b'role="alert"' in answer.content
    assert Tenant.objects.count() == before


def test_a_failure_half_way_leaves_nothing(
    owner: Reach, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(**given: object) -> None:
        raise RuntimeError("boom")

    monkeypatch.setattr("analytics.domain.adding.roll_up", fail)
    with pytest.raises(RuntimeError):
        add_client(owner, **GIVEN, now=now)
    assert not Tenant.objects.filter(slug="harbor-street").exists()


def test_with_the_simulator(owner: Reach, now: datetime, simulator: list[str]) -> None:
    made = add_client(owner, **{**GIVEN, "sender": "simulator"}, now=now)
    with tenant_scope(made.id):
        sender = Sender.objects.select_related("gateway").get()
        assert (sender.phone, sender.gateway.kind) == (simulator[0], "simulator")
        assert sender.gateway.secret


def test_a_simulator_that_is_away_makes_nothing(client: Client, world: World) -> None:
    before = (simulating._give_number, simulating._is_running)

    def give(gateway: Gateway) -> str:
        raise ConnectionError

    simulating.register(give, is_running=lambda: True)
    try:
        client.force_login(world.shop.owner)
        answer = client.post(f"{PAGE}clients/", {**FORM, "sender": "simulator"})
    finally:
        simulating._give_number, simulating._is_running = before
    assert answer.status_code == 503
    assert b"does not answer" in answer.content
    assert not Tenant.objects.filter(slug="harbor-street").exists()


def test_an_admin_of_some_clients_gains_the_one_they_add(
    client: Client, world: World, now: datetime
) -> None:
    user = User.objects.create_user("m@agency.example", None, name="M")
    add_member(
        world.shop.organization, user=user, role="admin", workspaces=[world.shop.tenant], now=now
    )
    client.force_login(user)
    client.post(f"{PAGE}clients/", FORM)
    assert sorted(names(client)) == ["harbor-street", "juniper"]


def test_a_form_of_another_organization_is_refused(client: Client, world: World) -> None:
    client.force_login(world.shop.owner)
    for said in ("agency-juniper-two", ""):
        for what in ("clients", "invite"):
            answer = client.post(f"{PAGE}{what}/", {**FORM, "organization": said})
            assert answer.status_code == 409
    assert Tenant.objects.count() == 2
    assert not Invite.objects.exists()


def test_inviting_from_the_agency_page(client: Client, world: World) -> None:
    client.force_login(world.shop.owner)
    data = {"email": "n@new.example", "role": "analyst", "organization": "agency-juniper"}
    assert client.post(f"{PAGE}invite/", {**data, "reach": "some"}).status_code == 422
    made = client.post(f"{PAGE}invite/", {**data, "reach": "all"})
    assert made.status_code == 201
    assert b"/invite/" in made.content
    assert Invite.objects.get().all_workspaces


@pytest.mark.parametrize("role", ["marketer", "approver", "analyst", "support", "developer"])
def test_others_look_and_change_nothing(
    client: Client, world: World, now: datetime, role: str
) -> None:
    user = User.objects.create_user("m@agency.example", None, name="M")
    add_member(world.shop.organization, user=user, role=role, now=now)
    client.force_login(user)
    page = client.get(PAGE)
    assert page.status_code == 200
    assert b"Add client" not in page.content
    assert b"Invite" not in page.content
    assert client.post(f"{PAGE}clients/", FORM).status_code == 403
    invited = {
        "email": "n@x.example",
        "role": role,
        "reach": "all",
        "organization": "agency-juniper",
    }
    assert client.post(f"{PAGE}invite/", invited).status_code == 403
    assert Tenant.objects.count() == 2


def test_the_switcher_and_ctrl_k_know_only_ones_own(
    client: Client, world: World, now: datetime
) -> None:
    for number in range(40):
        create_workspace(
            world.shop.organization, name=f"Client {number:02}", slug=f"client-{number}", now=now
        )
    assert client.get("/workspaces/")["Location"] == "/login/?next=/"
    client.force_login(world.shop.owner)
    listed = re.findall(
        r'href="/w/([\w-]+)/"', client.get("/workspaces/?here=juniper").content.decode()
    )
    assert len(listed) == 41
    assert "juniper-two" not in listed
    found = client.get("/w/juniper/find/?q=agency 07").content.decode()
    assert re.findall(r'href="/w/(client-\d+)/"', found) == ["client-7"]
    assert client.get("/w/juniper/").content.count(b'href="/w/client-') == 0  # fetched when opened


def test_no_workspace_no_agency(client: Client, db: None) -> None:
    client.force_login(User.objects.create_user("n@x.example", None, name="N"))
    assert client.get("/agency/").status_code == 403


def test_bad_values_are_named(owner: Reach, now: datetime) -> None:
    with pytest.raises(Invalid) as refused:
        add_client(owner, name="", timezone="x", accent="x", shop_url="x", sender="x", now=now)
    assert [error.field for error in refused.value.errors] == [
        "name", "timezone", "accent", "shop_url", "sender",
    ]  # fmt: skip
