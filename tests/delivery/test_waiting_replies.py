"""A reply that waits for a person: in the side bar, on Home, on the agency's list."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from analytics.domain.rolling_up import roll_up_all
from delivery.domain.conversations import close_conversation
from delivery.domain.waiting_replies import BADGE_MOST
from delivery.models import Conversation
from people.domain.queries import lock_contacts
from people.models import Contact
from tenancy.scope import tenant_scope
from tests.delivery.making import LA, Shop, make_contact
from tests.delivery.test_conversations import hear
from tests.support.world import World

pytestmark = pytest.mark.django_db
BADGE = re.compile(r'class="badge">\s*([\d+]+)<span class="sr">\s+waiting</span>')


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch, now: datetime) -> list[datetime]:
    """The page's now, to be moved."""
    held = [now]
    monkeypatch.setattr("tenancy.web.business_now", lambda: held[0])
    return held


@pytest.fixture
def owner(client: Client, shop: Shop) -> Client:
    client.force_login(shop.brand.owner)
    return client


def ask(shop: Shop, *, now: datetime) -> None:
    with tenant_scope(shop.tenant_id):
        make_contact(LA, now=now)
        hear("Is the mug in stock?", now=now)


def home(client: Client, shop: Shop) -> str:
    answer = client.get(f"/w/{shop.brand.tenant.slug}/")
    assert answer.status_code == 200
    return answer.content.decode()


def agency(client: Client, shop: Shop) -> str:
    return client.get(f"/agency/{shop.brand.organization.slug}/").content.decode()


def test_home_names_how_many_and_since_when(
    owner: Client, shop: Shop, clock: list[datetime], now: datetime
) -> None:
    assert "for an answer" not in home(owner, shop)
    ask(shop, now=now)
    clock[0] = now + timedelta(hours=3)
    page = home(owner, shop)
    assert "A reply waits for an answer" in page
    assert "For 3 h" in page
    link = re.search(r'class="rowlink"\s+href="([^"]+)"\s*>A reply waits', page)
    assert link is not None
    listed = owner.get(link[1]).content.decode()
    assert "Is the mug in stock?" in listed
    assert re.search(r'\?show=open"\s+aria-current="true"', listed)
    assert '<span class="chip wait">' in page
    # After a day it is red: from then on an answer needs an opt-in.
    clock[0] = now + timedelta(days=3)
    page = home(owner, shop)
    assert "For 3 days" in page
    assert '<span class="chip stop">' in page


def test_every_page_shows_how_many_wait_and_no_page_of_another_workspace(
    owner: Client, shop: Shop, clock: list[datetime], now: datetime, world: World
) -> None:
    base = f"/w/{shop.brand.tenant.slug}/"
    assert BADGE.search(home(owner, shop)) is None
    ask(shop, now=now)
    for tail in ("", "contacts/", "messages/", "replies/", "settings/team/", "settings/keys/"):
        assert BADGE.findall(owner.get(base + tail).content.decode()) == ["1"], tail
    # A page that says what went wrong stands outside of every workspace's scope.
    lost = owner.get(base + "flows/none/")
    assert lost.status_code == 404
    assert BADGE.search(lost.content.decode()) is None
    stranger = Client()
    stranger.force_login(world.other.owner)
    theirs = stranger.get(f"/w/{world.other.tenant.slug}/").content.decode()
    assert BADGE.search(theirs) is None
    with tenant_scope(shop.tenant_id):
        contact = Conversation.objects.get().contact_id
        lock_contacts([contact])
        close_conversation(contact, now=now)
    assert BADGE.search(home(owner, shop)) is None


def test_the_badge_costs_one_query_and_counts_no_further_than_it_shows(
    owner: Client, shop: Shop, clock: list[datetime], now: datetime
) -> None:
    with tenant_scope(shop.tenant_id):
        people = Contact.objects.bulk_create(
            Contact(created_at=now, updated_at=now) for _ in range(BADGE_MOST + 20)
        )
        Conversation.objects.bulk_create(
            Conversation(
                contact=contact, state="open", waiting_since=now, active_at=now, answered_by=""
            )
            for contact in people
        )
    path = f"/w/{shop.brand.tenant.slug}/contacts/?q=nobody"
    with CaptureQueriesContext(connection) as seen:
        page = owner.get(path).content.decode()
    asked = [one["sql"] for one in seen if "delivery_conversation" in one["sql"]]
    assert len(asked) == 1
    assert "LIMIT" in asked[0]
    assert BADGE.findall(page) == ["99+"]
    # A fragment for polling draws no side bar, so it asks nothing of the sort.
    with CaptureQueriesContext(connection) as seen:
        owner.get(f"/w/{shop.brand.tenant.slug}/find/?q=nobody")
    assert not [one for one in seen if "AS waiting" in one["sql"]]


@pytest.mark.parametrize(
    ("hours", "words"),
    [(1, None), (4, "Look at it"), (23, "Look at it"), (24, "Needs you now")],
)
def test_the_agency_is_told_through_its_roll_up(
    owner: Client,
    shop: Shop,
    world: World,
    clock: list[datetime],
    now: datetime,
    hours: int,
    words: str | None,
) -> None:
    ask(shop, now=now)
    clock[0] = now + timedelta(hours=hours)
    roll_up_all(now=clock[0])
    with CaptureQueriesContext(connection) as seen:
        page = agency(owner, shop)
    # The page reads the roll-up alone: no query looks into a workspace.
    assert not [one for one in seen if "delivery_" in one["sql"]]
    assert ("A reply waits for an answer" in page) is (words is not None)
    if words:
        path = f"/w/{shop.brand.tenant.slug}/replies/?show=open"
        assert f'href="{path}">A reply waits for an answer</a>' in page
        problems = page[page.index("A reply waits") :]
        assert words in page
        assert f"For {hours} h" in problems
    stranger = Client()
    stranger.force_login(world.other.owner)
    theirs = stranger.get(f"/agency/{world.other.organization.slug}/").content.decode()
    assert "A reply waits" not in theirs
