"""Short links: fast on, written down, judged later."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import pytest
from django.test import Client

from delivery.core.tokens import is_web_address, link_token, with_campaign
from delivery.domain.clicks import classify_clicks, reclassify_clicks
from delivery.domain.deciding import decide
from delivery.models import Click, Message, TrackedLink
from events.models import Event
from tenancy.clock import wall_now
from tenancy.ids import new_id
from tenancy.scope import tenant_scope
from tests.delivery.making import LA, Shop, intent, make_contact, make_shop
from tests.delivery.test_click_verdicts import IPHONE
from tests.support.world import World

pytestmark = pytest.mark.django_db


def sent_link(shop: Shop, now: datetime, *, ago: float = 60.0, phone: str = LA) -> TrackedLink:
    """The link of a text that left `ago` seconds ago."""
    with tenant_scope(shop.tenant_id):
        contact = make_contact(phone, now=now)
        wish = intent(contact, shop.version_id, context={"campaign": "cart-recovery"})
        key = decide([wish], now=now)[0].message_id
        Message.objects.filter(id=key).update(
            status="sent", sent_at=now, submitted_at=wall_now() - timedelta(seconds=ago)
        )
        return TrackedLink.objects.get(message_id=key)  # type: ignore[no-any-return]


def tap(link: TrackedLink, *, method: str = "get", agent: str = IPHONE, **more: Any) -> Any:
    headers = {"User-Agent": agent, **more.pop("headers", {})}
    return getattr(Client(), method)(f"/t/{link.token}", headers=headers, **more)


def judge(shop: Shop, now: datetime, monkeypatch: pytest.MonkeyPatch) -> int:
    later = wall_now() + timedelta(seconds=3)
    monkeypatch.setattr("delivery.domain.clicks.wall_now", lambda: later)
    return classify_clicks(shop.tenant_id, now=now)


def clicks(shop: Shop) -> list[Click]:
    with tenant_scope(shop.tenant_id):
        return list(Click.objects.order_by("received_at"))


def test_a_tap_leads_on_and_becomes_an_event(
    shop: Shop, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    link = sent_link(shop, now)
    answer = tap(link)
    assert answer.status_code == 302
    assert answer["Cache-Control"] == "no-store"
    assert answer["Referrer-Policy"] == "no-referrer"
    target = urlsplit(answer["Location"])
    assert f"{target.scheme}://{target.netloc}{target.path}" == "https://juniper.example/cart"
    assert parse_qs(target.query) == {
        "utm_source": ["juniper"],
        "utm_medium": ["sms"],
        "utm_campaign": ["cart-recovery"],
        "utm_content": [link.label],
        "kairos": [link.token],
    }
    assert classify_clicks(shop.tenant_id, now=now) == 0  # not settled yet
    assert judge(shop, now, monkeypatch) == 1
    (click,) = clicks(shop)
    assert (click.kind, click.kind_reason) == ("human", "tapped")
    with tenant_scope(shop.tenant_id):
        told = Event.objects.get(name="SMS Link Clicked")
        assert TrackedLink.objects.get().first_clicked_at == click.clicked_at
    assert told.contact_id == link.contact_id
    assert told.properties["message_id"] == str(link.message_id)
    assert told.properties["link"] == "https://juniper.example/cart"
    assert "127.0.0.1" not in click.address


def test_previews_and_scanners_are_no_clicks(
    shop: Shop, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    link = sent_link(shop, now)
    assert tap(link, method="head").status_code == 302
    tap(link, agent="WhatsApp/2.23.20.0")
    tap(link, headers={"Sec-Purpose": "prefetch"})
    assert judge(shop, now, monkeypatch) == 3
    assert [(c.kind, c.kind_reason) for c in clicks(shop)] == [
        ("prefetch", "method"),
        ("bot", "crawler"),
        ("prefetch", "prefetch_header"),
    ]
    with tenant_scope(shop.tenant_id):
        assert not Event.objects.filter(name="SMS Link Clicked").exists()
        assert TrackedLink.objects.get().first_clicked_at is None


def test_a_verdict_is_made_again_from_the_same_facts(
    shop: Shop, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    link = sent_link(shop, now)
    tap(link)
    judge(shop, now, monkeypatch)
    (click,) = clicks(shop)
    with tenant_scope(shop.tenant_id):
        assert reclassify_clicks([click.id], now=now) == 0
        Click.objects.filter(id=click.id).update(kind="bot", kind_reason="crawler")
        assert reclassify_clicks([click.id], now=now) == 1
        assert Event.objects.filter(name="SMS Link Clicked").count() == 1
    assert clicks(shop)[0].kind == "human"


@pytest.mark.parametrize(
    "token", ["00000000", "short", "x" * 60, "........", "%00%00%00", "ÄÄÄÄÄÄÄÄ"]
)
def test_an_unknown_token_is_not_found(shop: Shop, now: datetime, token: str) -> None:
    answer = Client().get(f"/t/{token}")
    assert answer.status_code == 404
    assert clicks(shop) == []


def test_other_methods_are_refused(shop: Shop, now: datetime) -> None:
    link = sent_link(shop, now)
    for method in ("post", "put", "delete"):
        answer = tap(link, method=method)
        assert (answer.status_code, answer["Allow"]) == (405, "GET, HEAD")
    assert clicks(shop) == []


def test_behind_a_proxy_people_keep_their_own_addresses(
    shop: Shop, now: datetime, settings: Any
) -> None:
    link = sent_link(shop, now)
    forged = {"X-Forwarded-For": "6.6.6.6, 9.9.9.9"}
    tap(link, headers=forged)
    settings.KAIROS_TRUSTED_PROXIES = 1
    tap(link, headers=forged)
    tap(link, headers={"X-Forwarded-For": "7.7.7.7, 9.9.9.9"})
    direct, first, second = (click.address for click in clicks(shop))
    assert direct != first == second


def test_each_workspaces_link_leads_to_its_own(
    world: World, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop, other = make_shop(world.shop, now=now), make_shop(world.other, now=now)
    mine, theirs = sent_link(shop, now), sent_link(other, now)
    assert "utm_source=juniper&" in tap(mine)["Location"]
    assert "utm_source=juniper-two&" in tap(theirs)["Location"]
    assert tap(mine).status_code == 302  # from what the process keeps
    assert (len(clicks(shop)), len(clicks(other))) == (2, 1)
    judge(shop, now, monkeypatch)
    assert [click.kind for click in clicks(other)] == [""]


def test_tokens_are_short_plain_and_the_same_every_time() -> None:
    message = new_id()
    token = link_token(b"secret", message, "CartLink")
    assert token == link_token(b"secret", message, "CartLink")
    assert len(token) == 8
    assert token.isalnum()
    others = {
        link_token(b"other", message, "CartLink"),
        link_token(b"secret", message, "ProductLink"),
        link_token(b"secret", new_id(), "CartLink"),
        link_token(b"secret", message, "CartLink", 1),
    }
    assert len(others | {token}) == 5
    assert len({link_token(b"s", UUID(int=n), "x") for n in range(20_000)}) == 20_000


@pytest.mark.parametrize(
    ("url", "then"),
    [
        ("https://a.example/x", "https://a.example/x?utm_medium=sms"),
        ("https://a.example/x?b=1#top", "https://a.example/x?b=1&utm_medium=sms#top"),
        ("https://a.example/x?UTM_Medium=mail", "https://a.example/x?UTM_Medium=mail"),
        ("https://a.example/x?utm_medium=", "https://a.example/x?utm_medium="),
        ("https://a.example/?q=%C3%A9&q=2", "https://a.example/?q=%C3%A9&q=2&utm_medium=sms"),
    ],
)
def test_campaign_parameters_are_added_beside_what_is_there(url: str, then: str) -> None:
    assert with_campaign(url, {"utm_medium": "sms", "utm_term": ""}) == then


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "//a.example",
        "ftp://a.example",
        "https://",
        "https://a b.example",
        "https://a.example/\r\nX: y",
        "http://[bad",
    ],
)
def test_only_web_addresses_are_led_to(url: str) -> None:
    assert not is_web_address(url)
    assert is_web_address("https://a.example/x?y=1")
