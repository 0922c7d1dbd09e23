"""The organization's roll-up: counted in each workspace's scope, read across, walled off."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.db import connection
from django.db.utils import ProgrammingError

from analytics.domain.clients import Client, read_clients
from analytics.domain.rolling_up import roll_up, roll_up_all
from analytics.models import ClientDay
from delivery.models import Gateway, Message, Sender
from tenancy.domain.queries import workspaces_of
from tenancy.domain.workspaces import create_workspace
from tenancy.models import Tenant
from tenancy.scope import OutsideTenant, organization_scope, router_scope, tenant_scope
from tests.support.world import Brand, World
from tests.web.story import tell_story
from triggers.domain.flows import pause_flow
from triggers.models import Flow

pytestmark = pytest.mark.django_db


@pytest.fixture
def later(world: World, now: datetime) -> datetime:
    """The story is told in both workspaces; the next morning."""
    tell_story(world.shop, now=now, also=world.other)
    return now + timedelta(hours=13)


def clients_of(brand: Brand, now: datetime) -> dict[str, Client]:
    links = [link for link in workspaces_of(brand.owner)]
    return {row.link.slug: row for row in read_clients(brand.organization.id, links, now=now).rows}


def codes(client: Client) -> list[str]:
    return [problem["code"] for problem in client.problems]


def test_the_numbers_are_those_of_the_workspaces_own_tables(world: World, later: datetime) -> None:
    roll_up_all(now=later)
    client = clients_of(world.shop, later)["juniper"]
    with tenant_scope(world.shop.tenant.id):
        sent = Message.objects.filter(sent_at__lte=later).count()
    assert sent > 0
    assert (client.sent, client.delivered, client.opt_outs) == (sent, sent, 1)
    assert client.last_event_at == later - timedelta(hours=13)
    assert client.counted_at == later
    # Counting again changes nothing.
    roll_up_all(now=later)
    assert clients_of(world.shop, later)["juniper"] == client
    with tenant_scope(world.shop.tenant.id):
        assert ClientDay.objects.count() == 7


def test_days_follow_the_clients_own_calendar(world: World, now: datetime) -> None:
    """23:30 in Los Angeles is the next day in London: the row's day is the client's."""
    tell_story(world.shop, now=now)
    sent_at = datetime(2026, 11, 16, 7, 30, tzinfo=now.tzinfo)  # Sunday the 15th, 23:30 there
    with tenant_scope(world.shop.tenant.id):
        Message.objects.filter(status="delivered").update(sent_at=sent_at)
        roll_up(now=now)
        days = dict(ClientDay.objects.filter(sent__gt=0).values_list("day", "sent"))
    assert [str(day) for day in days] == ["2026-11-15"]


def test_a_week_has_seven_days(world: World, now: datetime) -> None:
    tell_story(world.shop, now=now)
    with tenant_scope(world.shop.tenant.id):
        Message.objects.filter(status="delivered").update(sent_at=now)
        roll_up(now=now)
    assert clients_of(world.shop, now)["juniper"].sent > 0
    week_later = now + timedelta(days=7)
    with tenant_scope(world.shop.tenant.id):
        roll_up(now=week_later)
    assert clients_of(world.shop, week_later)["juniper"].sent == 0


def test_an_organization_reads_its_own_rows_only(world: World, later: datetime) -> None:
    roll_up_all(now=later)
    every = workspaces_of(world.shop.owner) + workspaces_of(world.other.owner)
    rows = read_clients(world.shop.organization.id, every, now=later).rows
    assert {row.link.slug: row.counted_at is not None for row in rows} == {
        "juniper": True,
        "juniper-two": False,
    }
    with organization_scope(world.shop.organization.id), connection.cursor() as cursor:
        cursor.execute("SELECT DISTINCT tenant_id FROM analytics_clientday")
        assert cursor.fetchall() == [(world.shop.tenant.id,)]


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT 1 FROM delivery_message",
        "SELECT 1 FROM people_contact",
        "SELECT 1 FROM tenancy_tenant",
        "SELECT 1 FROM tenancy_user",
        "UPDATE analytics_clientday SET sent = 0",
        "DELETE FROM analytics_clientday",
    ],
)
def test_an_organizations_scope_opens_nothing_else(world: World, statement: str) -> None:
    with (
        pytest.raises(ProgrammingError, match="permission denied"),
        organization_scope(world.shop.organization.id),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement)


def test_scopes_never_cross(world: World) -> None:
    organization, tenant = world.shop.organization.id, world.shop.tenant.id
    with pytest.raises(OutsideTenant), tenant_scope(tenant), organization_scope(organization):
        pass
    with pytest.raises(OutsideTenant), organization_scope(organization), tenant_scope(tenant):
        pass
    with pytest.raises(OutsideTenant), organization_scope(organization), router_scope():
        pass
    with pytest.raises(OutsideTenant):
        ClientDay.across.count()
    # Left behind, nothing of it stays open.
    with tenant_scope(tenant):
        assert ClientDay.objects.count() == 0
    assert Tenant.objects.count() == 2


def test_a_row_cannot_be_put_into_another_organization(world: World, now: datetime) -> None:
    from django.db import IntegrityError

    with pytest.raises(IntegrityError), tenant_scope(world.shop.tenant.id):
        ClientDay.objects.create(
            organization_id=world.other.organization.id, day=now.date(), counted_at=now
        )


def test_health_in_words(world: World, later: datetime) -> None:
    roll_up_all(now=later)
    assert clients_of(world.shop, later)["juniper"].words == "Healthy"

    with tenant_scope(world.shop.tenant.id):
        pause_flow(Flow.objects.get(slug="cart-recovery"), now=later)
        roll_up(now=later)
    paused = clients_of(world.shop, later)["juniper"]
    assert (paused.health, codes(paused)) == ("wait", ["flows_paused"])
    assert paused.problems[0]["detail"] == "Cart recovery"

    silent = later + timedelta(days=3)
    with tenant_scope(world.shop.tenant.id):
        Gateway.objects.update(stopped_reason="wrong_credentials")
        Message.objects.filter(status="delivered").update(sent_at=silent)
        roll_up(now=silent)
    stopped = clients_of(world.shop, silent)["juniper"]
    assert (stopped.health, stopped.words) == ("stop", "Needs you now")
    assert "stopped" in stopped.problems[0]["title"]
    assert codes(stopped)[1:] == ["replies_wait", "silent", "flows_paused"]
    assert "No event for 3 days" in stopped.problems[2]["title"]
    # The look-alike next door is as it was.
    assert clients_of(world.other, later)["juniper-two"].health == "good"


def test_a_new_client_says_what_it_lacks(world: World, now: datetime) -> None:
    fresh = create_workspace(world.shop.organization, name="New", slug="new", now=now)
    assert clients_of(world.shop, now)["new"].health == "unknown"
    with tenant_scope(fresh.id):
        roll_up(now=now)
    assert codes(clients_of(world.shop, now)["new"]) == [
        "no_event_yet",
        "not_connected",
        "no_flow_live",
    ]


def test_one_that_fails_does_not_stop_the_others(
    world: World, later: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    from analytics.domain.attention import find_concerns as real

    first = min(world.shop.tenant.id, world.other.tenant.id)

    def broken(**given: datetime) -> object:
        from tenancy.scope import current_tenant_id

        if current_tenant_id() == first:
            raise RuntimeError("boom")
        return real(**given)  # type: ignore[arg-type]

    monkeypatch.setattr("analytics.domain.rolling_up.find_concerns", broken)
    assert roll_up_all(now=later) == {"counted": 1, "fresh": 0, "failed": 1}


def test_what_is_fresh_is_not_counted_again(world: World, now: datetime) -> None:
    minute = timedelta(minutes=1)
    assert roll_up_all(now=now, fresh=minute)["counted"] == 2
    assert roll_up_all(now=now + minute / 2, fresh=minute)["fresh"] == 2
    assert roll_up_all(now=now + 2 * minute, fresh=minute)["counted"] == 2
    mine = roll_up_all(now=now, organization_id=world.shop.organization.id)
    assert mine["counted"] == 1


def test_senders_count_as_connected(world: World, now: datetime) -> None:
    tell_story(world.shop, now=now)
    with tenant_scope(world.shop.tenant.id):
        assert Sender.objects.exists()
        roll_up(now=now)
    assert "not_connected" not in codes(clients_of(world.shop, now)["juniper"])
