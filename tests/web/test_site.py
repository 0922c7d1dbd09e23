"""The snippet in a real page on another origin, and the page that gives its code."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from delivery.domain.links import forget_targets
from events.models import Event
from events.views import limits
from tenancy.clock import business_now
from tenancy.domain.keys import set_origins
from tenancy.models import WriteKey
from tenancy.scope import tenant_scope
from tests.delivery.making import make_shop
from tests.delivery.test_links import sent_link
from tests.support.browser import watch
from tests.support.world import Brand, World
from tests.web.conftest import LogIn
from tests.web.test_pages import VIEWS
from tests.web.test_replies import look

pytestmark = pytest.mark.browser
PAGE = """<!doctype html><html lang="en"><head><title>Ridge Mug</title><link rel="icon" href="data:,">
<script src="{host}/site/v1.js" data-key="{key}"></script></head><body>
<button id="look">Look</button><button id="add">Add</button><button id="find">Find</button>
<button id="out">Out</button><button id="in">In</button>
<script>
  const on = (id, act) => document.getElementById(id).addEventListener("click", act)
  on("look", () => kairos.viewed({{product_id: "mug", name: "Ridge Mug"}}))
  on("add", () => kairos.added({{product_id: "mug", quantity: 1, cart_id: "c1"}}))
  on("find", () => kairos.search("mugs"))
  on("out", () => kairos.optOut())
  on("in", () => kairos.optIn())
</script></body></html>"""


@pytest.fixture
def shop_site(committed_world: World, live_server: Any) -> Iterator[str]:
    """The address of a shop on an origin of its own, allowed by the workspace's key."""
    limits._by_key.clear()
    limits._by_address.clear()
    forget_targets()
    html = PAGE.format(host=live_server.url, key=committed_world.shop.public_key).encode()

    class Shop(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.end_headers()
            self.wfile.write(html)

        def log_message(self, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Shop)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    origin = f"http://127.0.0.1:{server.server_port}"
    with tenant_scope(committed_world.shop.tenant.id):
        set_origins(WriteKey.objects.get(kind="public"), [origin])
    yield origin
    server.shutdown()
    server.server_close()


def arrived(brand: Brand) -> list[str]:
    with tenant_scope(brand.tenant.id):
        rows = Event.objects.filter(source="public").order_by("id")
        return list(rows.values_list("name", flat=True))


def until(page: Page, brand: Brand, count: int) -> list[str]:
    for _ in range(300):
        if len(arrived(brand)) >= count:
            break
        page.wait_for_timeout(100)
    return sorted(arrived(brand))


def cookies(page: Page, site: str) -> dict[str, str]:
    return {one["name"]: one["value"] for one in page.context.cookies(site)}


@pytest.mark.parametrize("beacon", [True, False])
def test_a_page_on_another_origin_tells_what_a_visitor_does(
    committed_world: World, shop_site: str, page: Page, beacon: bool
) -> None:
    if not beacon:
        page.add_init_script("navigator.sendBeacon = () => false")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"{shop_site}/mug?secret=1")
    for name in ("look", "add", "find"):
        page.locator(f"#{name}").click()
    names = until(page, committed_world.shop, 4)
    assert names == ["Page Viewed", "Product Added", "Product Viewed", "Products Searched"]
    with tenant_scope(committed_world.shop.tenant.id):
        rows = list(Event.objects.filter(source="public"))
        assert len({row.contact_id for row in rows}) == 1
        assert {row.context["page"]["url"] for row in rows} == {f"{shop_site}/mug"}
    assert list(cookies(page, shop_site)) == ["kairos_id"]
    hosts = {url.split("/")[2] for url in asked if url.startswith("http")}
    assert len(hosts) == 2  # the shop and Kairos
    with tenant_scope(committed_world.other.tenant.id):
        assert Event.objects.count() == 0


def test_what_is_not_sent_yet_goes_out_when_the_page_is_left(
    committed_world: World, shop_site: str, page: Page
) -> None:
    page.goto(shop_site)
    until(page, committed_world.shop, 1)
    page.evaluate("kairos.viewed({product_id: 'mug'}); location.href = 'about:blank'")
    assert until(page, committed_world.shop, 2) == ["Page Viewed", "Product Viewed"]


@pytest.mark.parametrize("wish", ["globalPrivacyControl = true", "doNotTrack = '1'"])
def test_a_browser_that_asks_not_to_be_followed_is_not(
    committed_world: World, shop_site: str, browser: Browser, wish: str
) -> None:
    name, value = wish.split(" = ")
    context = browser.new_context()
    context.add_init_script(f"Object.defineProperty(navigator, '{name}', {{value: {value}}})")
    page = context.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"{shop_site}/?kairos=AAAAAAAA&size=2")
    page.locator("#look").click()
    page.wait_for_function("location.search === '?size=2'")
    assert page.evaluate("kairos.id()") is None
    page.wait_for_timeout(1000)  # longer than a batch waits
    assert cookies(page, shop_site) == {}
    assert [url for url in asked if "/v1/" in url or "/site/visit" in url] == []
    context.close()


def test_an_opt_out_holds_over_pages_until_it_is_taken_back(
    committed_world: World, shop_site: str, page: Page
) -> None:
    page.goto(shop_site)
    until(page, committed_world.shop, 1)
    page.locator("#out").click()
    page.locator("#look").click()
    page.reload()
    page.locator("#look").click()
    assert cookies(page, shop_site) == {"kairos_id": "off"}
    page.locator("#in").click()
    page.locator("#find").click()
    assert until(page, committed_world.shop, 2) == ["Page Viewed", "Products Searched"]


def test_who_comes_from_a_text_is_its_contact(
    committed_world: World, live_server: Any, shop_site: str, page: Page, now: Any
) -> None:
    shop = make_shop(committed_world.shop, now=now)
    link = sent_link(shop, now)
    with tenant_scope(shop.tenant_id):
        link.url = f"{shop_site}/mug"
        link.created_at = business_now()
        link.save(update_fields=["url", "created_at"])
    page.goto(f"{live_server.url}/t/{link.token}")
    page.wait_for_function("!location.search.includes('kairos')")
    assert "utm_source=juniper" in page.url
    page.locator("#add").click()
    assert until(page, committed_world.shop, 3) == [
        "Contact Identified",
        "Page Viewed",
        "Product Added",
    ]
    with tenant_scope(shop.tenant_id):
        found = Event.objects.filter(source="public").values_list("contact_id", flat=True)
        assert set(found) == {link.contact_id}


@pytest.mark.parametrize("view", VIEWS)
def test_the_page_that_gives_the_code(
    committed_world: World,
    live_server: Any,
    log_in: LogIn,
    free_page: Callable[..., Page],
    view: str,
) -> None:
    shop = committed_world.shop
    with tenant_scope(shop.tenant.id):
        WriteKey.objects.filter(kind="public").delete()
    page = free_page(**VIEWS[view])
    bad = watch(page)
    log_in(page.context, shop)
    page.goto(f"{live_server.url}/w/{shop.tenant.slug}/settings/site/")
    look(page, f"site-none-{view}")
    page.get_by_label("Sites it may be used on").fill("https://juniper.example")
    page.get_by_role("button", name="Make the code", exact=True).click()
    expect(page.locator("copy-text code")).to_contain_text("/site/v1.js")
    expect(page.get_by_text("Nothing has come from your pages yet.")).to_be_visible()
    look(page, f"site-{view}")
    assert not bad, bad
