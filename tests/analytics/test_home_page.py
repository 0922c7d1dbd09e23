"""Home over HTTP: every number leads to exactly the texts it counts, seven days are the agency's
seven days, and a workspace that has sent nothing is told what to do next."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from html import unescape

import pytest
from django.test import Client

from analytics.domain.clients import read_clients
from analytics.domain.first_steps import mark_step
from analytics.domain.home import home_numbers
from analytics.domain.rolling_up import roll_up_all
from consent.domain.opt_ins import OptIn, record_opt_ins
from consent.domain.opt_outs import OptOut, record_opt_outs
from delivery.core.periods import period_of
from delivery.models import Message
from events.domain.recording import NewEvent, append_events
from people.domain.resolving import IdentityRef, resolve_contacts
from tenancy.domain.queries import workspaces_of
from tenancy.scope import tenant_scope
from tests.analytics.rows import make_contact, send
from tests.analytics.test_first_steps import KEYS, connect
from tests.support.world import World
from triggers.domain.flows import publish_flow
from triggers.domain.recipes import install_recipe

pytestmark = pytest.mark.django_db
HOME = "/w/juniper/"
LINK = re.compile(r'<a\s+href="([^"]+\?status=held[^"]+)"\s*>(.*?)</a>', re.DOTALL)
NUMBER = re.compile(r"<b>([\d,]+)</b>")


@pytest.fixture(autouse=True)
def _now_is_the_tests(monkeypatch: pytest.MonkeyPatch, now: datetime) -> None:
    monkeypatch.setattr("tenancy.web.business_now", lambda: now)


@pytest.fixture
def shop(client: Client, world: World) -> Client:
    client.force_login(world.shop.owner)
    return client


def get(client: Client, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200
    return unescape(answer.content.decode())


def rows_of(client: Client, path: str) -> Iterator[str]:
    """Every line behind an address, page by page."""
    while path:
        text = get(client, path)
        yield from re.findall(r"<li>\s*<span class=\"chip.*?</li>", text, re.DOTALL)
        older = re.search(r'rel="next"\s+href="([^"]+)"', text)
        path = "/w/juniper/messages/" + older[1] if older else ""


def hold_back(now: datetime) -> None:
    """Texts of every fate and many ages, for three reasons; more than a page for one of them."""
    contact = make_contact(now)
    ages = [timedelta(hours=1), timedelta(hours=23), timedelta(days=3), timedelta(days=6, hours=9)]
    ages += [timedelta(days=6, hours=20), timedelta(days=20), timedelta(days=40)]
    for age in ages:
        at = now - age
        send(contact, at, "scheduled", reason="quiet_hours", waited_for="quiet_hours")
        send(contact, at, "queued", waited_for="quiet_hours")
        send(contact, at, "delivered", waited_for="quiet_hours")
        send(contact, at, "undelivered", reason="not_reached", waited_for="quiet_hours")
        send(contact, at, "canceled", reason="exited", waited_for="quiet_hours")
        send(contact, at, "sent", waited_for="frequency_cap")
        send(contact, at, "skipped", reason="frequency_cap")
        send(contact, at, "skipped", reason="unsubscribed")
        send(contact, at, "skipped", reason="required_missing")
        send(contact, at, "undelivered")
        send(contact, at, "failed", reason="carrier_filtered")
        send(contact, at, "canceled", reason="lost")
        send(contact, at, "delivered")
    for _ in range(30):
        send(contact, now - timedelta(hours=2), "delivered", waited_for="sender_busy")


@pytest.mark.parametrize("period", ["24h", "7d", "30d"])
def test_every_number_leads_to_as_many_texts(world: World, shop: Client, period: str) -> None:
    for brand in (world.shop, world.other):
        with tenant_scope(brand.tenant.id):
            hold_back(world.now)
    page = get(shop, f"{HOME}?period={period}")
    found = LINK.findall(page)
    assert len(found) == 5
    for path, words in found:
        number = NUMBER.search(words)
        assert number is not None
        rows = list(rows_of(shop, path))
        assert len(rows) == int(number[1]), path
        # The list says which reason it shows, and how many there are.
        listed = get(shop, path)
        reason = re.search(r"reason=(\w+)", path)
        assert reason is not None
        assert f'<option value="{reason[1]}" selected>' in listed
        assert f"{number[1]} text" in listed


@pytest.mark.parametrize("period", ["24h", "7d", "30d"])
def test_every_text_that_needs_attention_is_behind_its_line(
    world: World, shop: Client, period: str
) -> None:
    for brand in (world.shop, world.other):
        with tenant_scope(brand.tenant.id):
            hold_back(world.now)
    page = get(shop, f"{HOME}?period={period}")
    links = re.findall(
        r'class="rowlink"\s+href="(/w/juniper/messages/[^"]+)"\s*>([\d,]+) texts', page
    )
    assert len(links) == 5  # two kinds of failure, one without a reason, one skipped, one canceled
    for path, number in links:
        assert len(list(rows_of(shop, path))) == int(number), path


def test_what_went_later_says_what_it_waited_for(world: World, shop: Client) -> None:
    with tenant_scope(world.shop.tenant.id):
        contact = make_contact(world.now)
        send(contact, world.now - timedelta(hours=2), "delivered", waited_for="quiet_hours")
    [row] = rows_of(shop, "/w/juniper/messages/?status=held&reason=quiet_hours&period=7d")
    assert "Delivered" in row
    assert "Waited · quiet hours" in row


def test_seven_days_are_the_same_on_home_and_on_the_agency_page(
    world: World, shop: Client, now: datetime
) -> None:
    """At both edges of the week, and for somebody who leaves twice."""
    first = datetime(2026, 11, 11, 8, tzinfo=UTC)  # midnight in Los Angeles
    for brand in (world.shop, world.other):
        with tenant_scope(brand.tenant.id):
            contact = make_contact(now)
            for at in (now, now - timedelta(days=2), first, first + timedelta(minutes=1)):
                send(contact, at)
            # 167 hours ago and yet not in these seven days; and the last instant before them.
            send(contact, now - timedelta(hours=167))
            send(contact, first - timedelta(microseconds=1))
            send(contact, now - timedelta(hours=1), source_kind="test_text", flow_id=None)
            for days in (5, 1):
                gone = now - timedelta(days=days)
                out = OptOut("+13105550142", None, "keyword", {"body": "STOP"}, gone)
                record_opt_outs([out], now=gone)
                back = gone + timedelta(hours=1)
                record_opt_ins([OptIn("+13105550142", "start", back)], now=back)
    roll_up_all(now=now)
    [client] = read_clients(
        world.shop.organization.id, workspaces_of(world.shop.owner), now=now
    ).rows
    with tenant_scope(world.shop.tenant.id):
        week = period_of("7d", timezone=world.shop.tenant.timezone, now=now)
        home = home_numbers(week, currency="USD").current
    assert (home.sent, home.delivered, home.opt_outs) == (4, 4, 1)
    assert (client.sent, client.delivered, client.opt_outs) == (4, 4, 1)
    page = get(shop, HOME)
    assert "Nov 11 to today, by the calendar in Los Angeles" in page
    assert re.search(r'<dt>Sent</dt>\s*<dd class="v">4</dd>', page)


def settle_steps(world: World) -> None:
    for key in KEYS:
        mark_step(key, "skipped", now=world.now)


def next_up(shop: Client) -> str:
    """The card's words; there is no line of numbers beside it."""
    page = get(shop, HOME)
    for zeros in ("Attributed revenue", "Texts by day", "All flows", "24 hours"):
        assert zeros not in page, zeros
    found = re.search(r'<section class="card next-up".*?</section>', page, re.DOTALL)
    assert found is not None
    return found[0]


def test_a_workspace_that_has_sent_nothing_says_what_comes_next(world: World, shop: Client) -> None:
    tenant = world.shop.tenant.id
    with tenant_scope(tenant):
        settle_steps(world)
    said = next_up(shop)
    assert "Connect sending" in said
    assert 'href="/w/juniper/settings/sending/"' in said
    with tenant_scope(tenant):
        connect(world)
    assert "Start a flow" in next_up(shop)
    with tenant_scope(tenant):
        flow = install_recipe("loyalty-nudge", now=world.now)
    assert 'href="/w/juniper/flows/loyalty-nudge/review/"' in next_up(shop)
    with tenant_scope(tenant):
        publish_flow(flow, now=world.now)
    assert 'href="/w/juniper/contacts/new/"' in next_up(shop)
    with tenant_scope(tenant):
        resolve_contacts([IdentityRef(phone="+13105550142")], now=world.now)
        event = NewEvent("Loyalty Balance Changed", None, {"balance": 1}, world.now)
        append_events([event], now=world.now)
    said = next_up(shop)
    assert "The first text goes out by itself" in said
    assert "Loyalty nudge waits for Loyalty Balance Changed." in said


def test_test_texts_and_held_back_texts_are_no_numbers_yet(world: World, shop: Client) -> None:
    with tenant_scope(world.shop.tenant.id):
        settle_steps(world)
        contact = make_contact(world.now)
        at = world.now - timedelta(hours=1)
        send(contact, at, source_kind="test_text", flow_id=None)
        send(contact, at, "skipped", reason="never_subscribed")
    next_up(shop)
    page = get(shop, HOME)
    assert "Held back, on purpose" in page
    assert "Never subscribed" in page
    with tenant_scope(world.shop.tenant.id):
        send(contact, at)
    page = get(shop, HOME)
    assert "Attributed revenue" in page
    assert "next-up" not in page


def test_a_fresh_client_of_an_agency_sees_steps_and_no_zeros(world: World, shop: Client) -> None:
    data = {
        "name": "Harbor Street",
        "country": "US",
        "timezone": "America/Chicago",
        "accent": "#a03010",
        "shop_url": "https://harbor.example",
        "organization": "agency-juniper",
    }
    assert shop.post("/agency/agency-juniper/clients/", data).status_code == 302
    page = get(shop, "/w/harbor-street/")
    assert "First steps" in page
    assert "Attributed revenue" not in page
    assert "Needs attention" not in page
    with tenant_scope(world.shop.tenant.id):
        assert not Message.objects.exists()


def test_an_analyst_is_told_and_offered_nothing(world: World, client: Client) -> None:
    with tenant_scope(world.shop.tenant.id):
        settle_steps(world)
    client.force_login(world.shop.analyst)
    said = next_up(client)
    assert "Connect sending" in said
    assert "href" not in said
