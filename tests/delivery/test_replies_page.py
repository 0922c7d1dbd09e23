"""The replies page over HTTP: reading, answering, refusing; who may; what it costs."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from delivery.models import Answer, Conversation, Message
from people.models import Contact
from tenancy.ids import show_id
from tenancy.scope import tenant_scope
from tests.delivery.making import LA, Shop, make_contact, make_shop, numbers
from tests.delivery.test_conversations import hear
from tests.support.pages import flat
from tests.support.world import World

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _now_is_the_tests(monkeypatch: pytest.MonkeyPatch, now: datetime) -> None:
    monkeypatch.setattr("tenancy.web.business_now", lambda: now)


@pytest.fixture
def contact(shop: Shop, now: datetime) -> UUID:
    with tenant_scope(shop.tenant_id):
        contact = make_contact(LA, now=now)
        Contact.objects.filter(id=contact).update(first_name="Maya", last_name="Chen")
        hear("Is the mug in stock?", now=now - timedelta(minutes=4))
        return contact


def url(shop: Shop, contact: UUID | None = None, tail: str = "") -> str:
    base = f"/w/{shop.brand.tenant.slug}/replies/"
    return base if contact is None else f"{base}{show_id('con', contact)}/{tail}"


@pytest.fixture
def owner(client: Client, shop: Shop) -> Client:
    client.force_login(shop.brand.owner)
    return client


def send(client: Client, shop: Shop, contact: UUID, text: str, **more: Any) -> Any:
    data = {"workspace": shop.brand.tenant.slug, "body": text, "token": str(uuid4()), **more}
    return client.post(url(shop, contact, "answer/"), data)


def test_the_list_shows_who_waits_and_how_long(owner: Client, shop: Shop, contact: UUID) -> None:
    text = owner.get(url(shop)).content.decode()
    for said in ("Maya Chen", "Is the mug in stock?", "waits 4 min", "1 open", "1 unread"):
        assert said in text
    owner.get(url(shop, contact))  # looking is reading
    assert "unread" not in owner.get(url(shop) + "list/").content.decode()
    assert "Maya Chen" not in owner.get(f"{url(shop)}?show=closed").content.decode()


def test_an_answer_is_sent_once_and_shows_who_gave_it(
    owner: Client, shop: Shop, contact: UUID
) -> None:
    token = str(uuid4())
    for _ in range(2):
        answer = send(owner, shop, contact, "Yes, two left.", token=token)
        assert (answer.status_code, answer["Location"]) == (302, url(shop, contact))
    with tenant_scope(shop.tenant_id):
        made = Message.objects.get()
        assert (made.status, made.message_type) == ("queued", "conversational")
        assert Answer.objects.get().member_name == "Olga Owner"
    page = flat(owner.get(url(shop, contact)))
    assert "Yes, two left." in page
    assert "Olga Owner · " in page
    assert "Queued" in page
    assert ">Answered</span>" in page
    assert "Maya Chen" in owner.get(f"{url(shop)}?show=answered").content.decode()


def test_the_meter_says_parts_and_stores_nothing(owner: Client, shop: Shop, contact: UUID) -> None:
    data = {"workspace": shop.brand.tenant.slug, "body": "x" * 170}
    said = owner.post(url(shop, contact, "check/"), data).content.decode()
    assert "2 parts" in said
    with tenant_scope(shop.tenant_id):
        assert not Message.objects.exists()


def test_stop_locks_the_box_with_a_red_line(
    owner: Client, shop: Shop, contact: UUID, now: datetime
) -> None:
    with tenant_scope(shop.tenant_id):
        hear("STOP", now=now - timedelta(minutes=1))
    page = owner.get(url(shop, contact)).content.decode()
    assert 'class="sysline stop"' in page
    assert "No answer can go out" in page
    assert 'name="body"' not in page
    polled = owner.get(url(shop, contact, "thread/")).content.decode()
    assert "hx-swap-oob" in polled
    assert "No answer can go out" in polled
    # An old tab still has its box: the gate refuses, in words.
    answer = send(owner, shop, contact, "Wait!")
    assert answer.status_code == 422
    assert "Not sent. Unsubscribed. The contact opted out." in answer.content.decode()
    with tenant_scope(shop.tenant_id):
        assert list(Message.objects.values_list("status", "reason")) == [
            ("skipped", "unsubscribed")
        ]


def test_a_late_answer_at_night_says_until_when_it_waits(
    owner: Client, shop: Shop, contact: UUID, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    night = now + timedelta(hours=12)
    monkeypatch.setattr("tenancy.web.business_now", lambda: night)
    assert "Waiting until" in owner.get(url(shop, contact)).content.decode()
    assert send(owner, shop, contact, "Good morning").status_code == 302
    page = owner.get(url(shop, contact)).content.decode()
    assert "quiet hours" in page
    with tenant_scope(shop.tenant_id):
        assert Message.objects.get().status == "scheduled"
        assert Conversation.objects.get().state == "answered"


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ({"body": ""}, "Write something first."),
        ({"body": "x" * 1601}, "At most 1,600 characters"),
        ({"token": "broken"}, "Load the page again"),
        ({"token": ""}, "Load the page again"),
    ],
)
def test_a_bad_form_comes_back_with_its_words(
    owner: Client, shop: Shop, contact: UUID, data: dict[str, str], said: str
) -> None:
    answer = send(owner, shop, contact, data.pop("body", "Hello"), **data)
    assert answer.status_code == 422
    assert said in answer.content.decode()
    with tenant_scope(shop.tenant_id):
        assert not Message.objects.exists()


def test_words_from_outside_stay_words(owner: Client, shop: Shop, now: datetime) -> None:
    with tenant_scope(shop.tenant_id):
        contact = make_contact(LA, now=now)
        hear("<script>alert(1)</script>", now=now)
    send(owner, shop, contact, "{{ 7*7 }} [FirstName] <b>")
    page = owner.get(url(shop, contact)).content.decode()
    assert "<script>alert" not in page
    assert "{{ 7*7 }} [FirstName] &lt;b&gt;" in page


def test_closing_and_opening_again(owner: Client, shop: Shop, contact: UUID) -> None:
    data = {"workspace": shop.brand.tenant.slug}
    for state in ("closed", "open"):
        answer = owner.post(url(shop, contact, "state/"), {**data, "state": state})
        assert answer.status_code == 302
        with tenant_scope(shop.tenant_id):
            assert Conversation.objects.get().state == state
    assert owner.post(url(shop, contact, "state/"), {**data, "state": "x"}).status_code == 422


def test_an_analyst_reads_masked_numbers_and_answers_nobody(
    client: Client, shop: Shop, contact: UUID
) -> None:
    client.force_login(shop.brand.analyst)
    page = client.get(url(shop, contact)).content.decode()
    assert "•••• 0100" in page
    assert LA not in page
    assert "555-0100" not in page
    assert 'name="body"' not in page
    assert "1 unread" in page  # who cannot answer has not taken it off the list
    for tail in ("answer/", "check/", "state/"):
        data = {"workspace": shop.brand.tenant.slug, "body": "x", "state": "closed"}
        assert client.post(url(shop, contact, tail), data).status_code == 403


def test_nobody_reaches_another_workspace(
    client: Client, world: World, shop: Shop, contact: UUID, now: datetime
) -> None:
    other = make_shop(world.other, now=now)
    client.force_login(world.other.owner)
    assert client.get(url(shop, contact)).status_code == 404
    assert client.get(url(other, contact)).status_code == 404
    assert client.get(url(other, contact, "thread/")).status_code == 404
    assert send(client, other, contact, "Hello").status_code == 404
    assert "Maya" not in client.get(url(other)).content.decode()


def test_the_pages_cost_the_same_however_many_wait(
    owner: Client, shop: Shop, contact: UUID, now: datetime
) -> None:
    def cost(path: str) -> int:
        with CaptureQueriesContext(connection) as queries:
            assert owner.get(path).status_code == 200
        return len(queries)

    paths = [url(shop), url(shop, contact), url(shop, contact, "thread/")]
    before = [cost(path) for path in paths]
    with tenant_scope(shop.tenant_id):
        for phone in numbers(12):
            hear("Hello?", now=now, phone=phone)
        for _ in range(12):
            hear("And?", now=now)
    # One or two settings are kept for some seconds and read again; 24 rows more would show.
    after = [cost(path) for path in paths]
    assert [b - a for a, b in zip(before, after, strict=True) if b - a > 2] == []
    assert max(before) < 60
