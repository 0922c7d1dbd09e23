"""Settings, Sign-up: what it shows, what it saves, who may."""

from __future__ import annotations

import html
from typing import Any

import pytest
from django.test import Client

from consent.domain.hooks import claimed_by, number_to_text
from consent.domain.keywords import own_keywords
from consent.domain.settings import read_compliance
from consent.domain.sign_up import read_page
from consent.models import SignUpVersion
from tenancy.models import User
from tenancy.scope import tenant_scope
from tests.support.world import World

pytestmark = pytest.mark.django_db
BASE = "/w/juniper/settings/sign-up/"
WORDS = {
    "headline": "Oak <club>",
    "intro": "",
    "sends": "offers",
    "frequency": "Up to 2 msgs a week",
    "terms_url": "https://juniper.example/terms",
    "privacy_url": "https://juniper.example/privacy",
}


def visit(user: User, path: str = BASE, data: dict[str, Any] | None = None) -> Any:
    client = Client()
    client.force_login(user)
    if data is None:
        return client.get(path)
    return client.post(path, {"workspace": "juniper", **data})


def text(answer: Any) -> str:
    return html.unescape(answer.content.decode())


def test_the_page_goes_live_with_all_it_needs_and_not_before(world: World) -> None:
    owner = world.shop.owner
    page = text(visit(owner))
    assert "it still needs: link to your terms, link to your privacy policy" in page
    assert "data:image/svg+xml" not in page
    refused = visit(owner, f"{BASE}save/", {**WORDS, "privacy_url": "", "live": "on"})
    assert refused.status_code == 422
    assert "cannot go live without it" in text(refused)
    assert 'value="Oak <club>"' in text(refused)  # what was typed is still there
    assert Client().get("/join/juniper").status_code == 404
    saved = visit(owner, f"{BASE}save/", {**WORDS, "live": "on"})
    assert (saved.status_code, saved["Location"]) == (302, BASE)
    page = text(visit(owner))
    assert "http://127.0.0.1:8000/join/juniper" in page
    assert "data:image/svg+xml" in page
    public = Client().get("/join/juniper")
    assert public.status_code == 200
    assert "Oak &lt;club&gt;" in public.content.decode()
    assert "First name" not in public.content.decode()  # the box was not sent
    visit(owner, f"{BASE}save/", WORDS)
    assert Client().get("/join/juniper").status_code == 404
    with tenant_scope(world.other.tenant.id):
        assert read_page().version == 0


def test_the_preview_shows_the_form_and_stores_nothing(world: World) -> None:
    answer = visit(
        world.shop.owner, f"{BASE}preview/", {**WORDS, "sends": "<i>hats</i>", "terms_url": "x"}
    )
    assert answer.status_code == 200
    assert "We text you about: <i>hats</i>." in text(answer)
    assert "<i>" not in answer.content.decode()
    assert "https://" in text(answer)
    assert "checked" not in text(answer)
    with tenant_scope(world.shop.tenant.id):
        assert not SignUpVersion.objects.exists()


def test_double_opt_in_can_be_chosen_for_the_page_alone(world: World) -> None:
    for sent, wanted in (({}, False), ({"double": "on"}, True)):
        assert visit(world.shop.owner, f"{BASE}double/", sent).status_code == 302
        with tenant_scope(world.shop.tenant.id):
            sources = set(read_compliance().double_opt_in_sources)
        assert ("web_form" in sources) is wanted
        assert {"api", "import", "agent"} <= sources


def test_keywords_come_and_go(world: World) -> None:
    owner = world.shop.owner
    refused = visit(owner, f"{BASE}keywords/", {"word": "STOP"})
    assert refused.status_code == 422
    assert "has a meaning of its own" in text(refused)
    assert visit(owner, f"{BASE}keywords/", {"word": "Árbol"}).status_code == 302
    with tenant_scope(world.shop.tenant.id):
        assert own_keywords() == {"arbol"}
    assert "ARBOL" in text(visit(owner))
    assert visit(owner, f"{BASE}keywords/arbol/", {}).status_code == 302
    assert visit(owner, f"{BASE}keywords/arbol/", {}).status_code == 404
    with tenant_scope(world.shop.tenant.id):
        assert own_keywords() == set()


def test_an_analyst_sees_and_changes_nothing(world: World) -> None:
    analyst = world.shop.analyst
    page = text(visit(analyst))
    assert "Revoke all links" not in page
    assert "disabled" in page
    for path in ("save/", "preview/", "double/", "keywords/", "keywords/x/", "revoke-links/"):
        assert visit(analyst, BASE + path, {"word": "VIP"}).status_code == 403


def test_the_floors_above_have_registered_what_is_asked_of_them(world: World) -> None:
    with tenant_scope(world.shop.tenant.id):
        assert claimed_by("size") == ""
        assert number_to_text() == ""
