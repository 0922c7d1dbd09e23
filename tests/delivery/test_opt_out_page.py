"""The public opt-out page: looking changes nothing, pressing the button ends everything."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from consent.domain.opt_out_links import revoke_opt_out_links
from consent.domain.queries import consent_history
from consent.domain.settings import set_consent_choices
from consent.domain.verifying import verify_chain
from consent.models import Consent
from delivery.core.opt_out_links import OptOutToken, read_token, write_token
from delivery.domain.deciding import decide
from delivery.domain.opting_out import opt_out_url
from delivery.models import Message
from events.models import Event
from tenancy.models import AuditEntry, Tenant
from tenancy.scope import tenant_scope
from tests.delivery.hooks import text_in
from tests.delivery.making import LA, Shop, intent, make_contact, make_shop, message
from tests.isolation.test_endpoints import tenant_tables
from tests.support.pages import flat
from tests.support.world import World

pytestmark = pytest.mark.django_db
NIGHT = datetime(2026, 11, 17, 8, 0, tzinfo=UTC)
METHODS = ("GET", "HEAD")
# How mail programs, messengers and browsers look ahead.
LOOKS: tuple[dict[str, str], ...] = (
    {},
    {"User-Agent": "facebookexternalhit/1.1"},
    {"User-Agent": "WhatsApp/2.23", "Sec-Purpose": "prefetch"},
    {"User-Agent": "iMessage", "Purpose": "preview"},
    {"User-Agent": "Slackbot-LinkExpanding 1.0"},
)


@pytest.fixture(autouse=True)
def _now_is_the_tests(monkeypatch: pytest.MonkeyPatch, now: datetime) -> None:
    monkeypatch.setattr("delivery.api.webhooks.business_now", lambda: now)
    monkeypatch.setattr("delivery.views.opt_out.business_now", lambda: now)


def link(shop: Shop, phone: str = LA) -> str:
    with tenant_scope(shop.tenant_id):
        url = opt_out_url(phone)
    assert url.startswith("http://127.0.0.1:8000/stop/")
    return url.removeprefix("http://127.0.0.1:8000")


def statuses(shop: Shop) -> set[str]:
    with tenant_scope(shop.tenant_id):
        return set(Consent.objects.values_list("status", flat=True))


def everything(*shops: Shop) -> list[Any]:
    from django.db import connection

    parts = " UNION ALL ".join(
        f"SELECT '{table}', count(*), sum(hashtext(t::text)::bigint) FROM {table} t"
        for table in tenant_tables()
    )
    found = []
    for shop in shops:
        with tenant_scope(shop.tenant_id), connection.cursor() as cursor:
            cursor.execute(parts)
            found.append(sorted(cursor.fetchall()))
    return found


def test_the_button_ends_consent_and_cancels_in_one_transaction(shop: Shop, now: datetime) -> None:
    with tenant_scope(shop.tenant_id):
        contact = make_contact(LA, now=NIGHT)
        waiting = decide([intent(contact, shop.plain_id)], now=NIGHT)[0]
        queued = decide([intent(contact, shop.plain_id)], now=now)[0]
        assert (waiting.status, queued.status) == ("scheduled", "queued")
    path = link(shop)
    page = Client().get(path)
    assert page.status_code == 200
    words = page.content.decode()
    assert "Stop texts from Juniper &amp; Oak?" in words
    assert "Nothing has changed yet" in words
    assert LA not in words
    assert "0100" in words
    answer = Client(enforce_csrf_checks=True).post(path, headers={"User-Agent": "Phone"})
    assert (answer.status_code, answer["Location"]) == (303, path)
    assert "No more texts" in Client().get(path).content.decode()
    assert statuses(shop) == {"unsubscribed"}
    with tenant_scope(shop.tenant_id):
        for made in (waiting, queued):
            row = message(made.message_id)
            assert (row.status, row.reason) == ("canceled", "unsubscribed")
        stop = consent_history(LA, with_personal=True)[-1]
        assert (stop.kind, stop.source, stop.rule) == (
            "opt_out", "preference_center", "opt_out_link",
        )  # fmt: skip
        assert stop.personal == {"phone": LA, "ip_address": "127.0.0.1", "user_agent": "Phone"}
        assert Event.objects.get(name="SMS Unsubscribed").contact_id == contact
        assert verify_chain().ok
        assert Message.objects.filter(step_key="answer_stopped").count() == 1


def test_pressing_twice_writes_and_tells_once(shop: Shop, now: datetime) -> None:
    with tenant_scope(shop.tenant_id):
        make_contact(LA, now=now)
    path = link(shop)
    Client().post(path)
    before = everything(shop)
    assert Client().post(path).status_code == 303
    assert everything(shop) == before


def test_an_unknown_number_can_leave_too(shop: Shop) -> None:
    path = link(shop, "+13105550177")
    assert Client().post(path).status_code == 303
    assert statuses(shop) == {"unsubscribed"}


def test_only_the_persons_own_act_takes_it_back(shop: Shop, now: datetime) -> None:
    with tenant_scope(shop.tenant_id):
        make_contact(LA, now=now)
    Client().post(link(shop))
    # START takes back only what was typed on the phone: here it asks, and the YES subscribes.
    text_in(shop, "START", sid="SM1")
    assert statuses(shop) == {"pending"}
    text_in(shop, "STOP", sid="SM2")
    assert statuses(shop) == {"unsubscribed"}
    text_in(shop, "JOIN", sid="SM3")
    assert statuses(shop) == {"subscribed"}


def test_a_narrow_stop_says_so_and_leaves_orders(shop: Shop, now: datetime) -> None:
    with tenant_scope(shop.tenant_id):
        set_consent_choices(stop_scope="marketing", now=now)
        make_contact(LA, now=now)
    path = link(shop)
    assert "Texts about your orders still come" in flat(Client().get(path))
    Client().post(path)
    with tenant_scope(shop.tenant_id):
        held = dict(Consent.objects.values_list("message_type", "status"))
    assert held == {
        "marketing": "unsubscribed",
        "conversational": "unsubscribed",
        "transactional": "subscribed",
    }


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    looks=st.lists(
        st.tuples(
            st.sampled_from(METHODS), st.sampled_from(LOOKS), st.sampled_from(["", "?done=1"])
        ),
        min_size=1,
        max_size=8,
    )
)
def test_no_sequence_of_looks_changes_anything(
    looks: list[tuple[str, dict[str, str], str]], shop: Shop, world: World, now: datetime
) -> None:
    with tenant_scope(shop.tenant_id):
        make_contact(LA, now=now) if not Consent.objects.exists() else None
        path = opt_out_url(LA).removeprefix("http://127.0.0.1:8000")
    before = everything(shop)
    client = Client()
    for method, headers, query in looks:
        answer = client.generic(method, path + query, headers=headers)
        assert answer.status_code == 200
        assert "no-store" in answer["Cache-Control"]
        assert answer["Referrer-Policy"] == "no-referrer"
        assert answer["X-Robots-Tag"] == "noindex"
        assert not answer.cookies
    assert everything(shop) == before


def test_other_methods_are_refused(shop: Shop, now: datetime) -> None:
    with tenant_scope(shop.tenant_id):
        make_contact(LA, now=now)
    path, before = link(shop), everything(shop)
    for method in ("PUT", "PATCH", "DELETE", "OPTIONS"):
        assert Client().generic(method, path).status_code == 405
    assert everything(shop) == before


def test_wrong_broken_and_revoked_links_are_404(shop: Shop, now: datetime, settings: Any) -> None:
    with tenant_scope(shop.tenant_id):
        make_contact(LA, now=now)
    path = link(shop)
    token = path.removeprefix("/stop/")
    broken = [
        "x" * 55,
        token[:-1],
        token + "A",
        token[:10] + ("A" if token[10] != "A" else "B") + token[11:],
        token.swapcase(),
        "%00" * 55,
        "\N{SNOWMAN}" * 55,
    ]
    before = everything(shop)
    for text in broken:
        assert Client().get(f"/stop/{text}").status_code == 404, text
        assert Client().post(f"/stop/{text}").status_code == 404, text
    assert everything(shop) == before

    # A new key takes over; the old one still reads until it is taken away.
    settings.KAIROS_ENCRYPTION_KEYS = ["another", *settings.KAIROS_ENCRYPTION_KEYS]
    assert link(shop) != path
    assert Client().get(path).status_code == 200
    settings.KAIROS_ENCRYPTION_KEYS = ["another"]
    assert Client().get(path).status_code == 404

    fresh = link(shop)
    with tenant_scope(shop.tenant_id):
        assert revoke_opt_out_links(actor=shop.brand.owner, now=now) == 1
        assert AuditEntry.objects.filter(action="opt_out_links.revoked").exists()
    assert Client().get(fresh).status_code == 404
    assert Client().post(fresh).status_code == 404
    assert statuses(shop) == {"subscribed"}
    assert Client().get(link(shop)).status_code == 200


def test_a_link_belongs_to_one_workspace(shop: Shop, world: World, now: datetime) -> None:
    other = make_shop(world.other, now=now)
    for each in (shop, other):
        with tenant_scope(each.tenant_id):
            make_contact(LA, now=now)
    assert link(shop) != link(other)
    before = everything(other)
    assert Client().post(link(shop)).status_code == 303
    assert (statuses(shop), statuses(other)) == ({"unsubscribed"}, {"subscribed"})
    assert everything(other) == before


def test_the_link_of_a_switched_off_workspace_is_404(shop: Shop) -> None:
    path = link(shop)
    Tenant.objects.filter(id=shop.tenant_id).update(is_active=False)
    assert Client().get(path).status_code == 404


@given(
    tenant=st.uuids(),
    digits=st.from_regex(r"[1-9][0-9]{6,14}", fullmatch=True),
    generation=st.integers(0, 0xFFFF),
)
def test_a_token_says_what_was_put_in_and_only_to_its_key(
    tenant: UUID, digits: str, generation: int
) -> None:
    token = OptOutToken(tenant, f"+{digits}", generation)
    text = write_token(token, ["a"])
    assert re.fullmatch(r"[\w-]{55}", text)
    assert read_token(text, ["b", "a"]) == token
    assert read_token(text, ["b"]) is None
    assert digits not in text
