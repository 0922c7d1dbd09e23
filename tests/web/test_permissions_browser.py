"""Every role in a real browser: which pages open, and that none offers what the role is refused.

The hand-written table is the one that `tests/isolation` asks with plain requests. Here the pages are
those that people see: they logged in by hand, scripts ran, what loads behind the page has loaded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import pytest
from django.urls import Resolver404, resolve
from playwright.sync_api import Page

from events.domain.merging import merge_contacts
from people.domain.resolving import IdentityRef, resolve_contacts
from tenancy.clock import business_now
from tenancy.domain.workspaces import add_member
from tenancy.ids import show_id
from tenancy.models import User
from tenancy.scope import tenant_scope
from tests.isolation.conftest import Objects, make_objects
from tests.isolation.permissions_table import LETTERS
from tests.isolation.table import TABLE
from tests.isolation.test_permissions import ORGANIZATION, WORKSPACE, rights
from tests.support.world import World
from tests.web.story import tell_story
from tests.web.test_phone_width import DOWNLOADS
from triggers.domain.campaign_drafts import Wanted, create_campaign
from triggers.domain.campaigns import launch_campaign
from triggers.domain.flows import pause_flow
from triggers.models import Flow

pytestmark = [pytest.mark.browser, pytest.mark.slow]
PASSWORD = "a long walk by the sea"
REFUSED = "Your role does not allow this."
# Every control of a document as "METHOD address": links, what htmx and our elements ask, and forms
# that something in them can send. Also in dialogs that are closed and in templates: a click opens them.
WALK = """
(page, here) => {
  const found = new Set(), methods = ["get", "post", "put", "patch", "delete"];
  const say = (method, address) => {
    const url = new URL(address, here);
    if (url.origin === location.origin && !url.pathname.startsWith("/static/"))
      found.add(`${method.toUpperCase()} ${url.pathname}`);
  };
  const asks = e => methods.map(m => [m, e.getAttribute(`hx-${m}`)]).filter(each => each[1]);
  const sends = e => !e.matches(":disabled")
    && ("submits" in e.dataset || e.matches("button, input") && /^(submit|image)$/.test(e.type));
  const look = root => {
    for (const e of root.querySelectorAll("a[href], area[href]"))
      if (!e.getAttribute("href").startsWith("#")) say("get", e.getAttribute("href"));
    for (const e of root.querySelectorAll("*"))
      if (!e.matches("form, :disabled, fieldset:disabled *")) asks(e).forEach(each => say(...each));
    for (const e of root.querySelectorAll("[data-url]")) say("post", e.dataset.url);
    for (const e of root.querySelectorAll("[data-contacts]")) say("get", e.dataset.contacts);
    for (const e of root.querySelectorAll("[data-opened]")) if (e.dataset.opened) say("get", e.dataset.opened);
    for (const form of root.querySelectorAll("form"))
      for (const e of [...form.elements, ...form.querySelectorAll("[data-submits]")].filter(sends)) {
        if (e.hasAttribute("formaction"))
          say(e.getAttribute("formmethod") || form.method, e.getAttribute("formaction"));
        else if (asks(form).length) asks(form).forEach(each => say(...each));
        else say(form.method, form.getAttribute("action") || here);
      }
    for (const e of root.querySelectorAll("template")) look(e.content);
  };
  look(page);
  return [...found].sort();
}
"""
CONTROLS = f"() => ({WALK})(document, location.href)"
# Status, what is said and the controls of addresses, asked with the page's own cookies. A redirect is
# status 0 here.
ASK = f"""
async paths => {{
  const found = [];
  for (const path of paths) {{
    const answer = await fetch(path, {{redirect: "manual"}}), text = await answer.text();
    const told = new DOMParser().parseFromString(text, "text/html");
    const said = told.querySelector("[data-problem]")?.dataset.problem ?? "";
    found.push([answer.status, said, ({WALK})(told, new URL(path, location.href).href)]);
  }}
  return found;
}}
"""

Expected = dict[str, tuple[str, int]]  # by address: the letters of who may, and what they get


def refused(offered: list[str], letter: str) -> Iterator[str]:
    """Those of a page's controls that lead the role into a 403, or nobody anywhere."""
    table = rights()
    for control in offered:
        method, path = control.split(" ", 1)
        try:
            route = resolve(path).route
        except Resolver404:
            yield f"{control}, which is no address"
            continue
        if letter not in table.get(f"{method} /{route}", letter):
            yield control


def pages(objects: Objects) -> Expected:
    """Every GET of the table in a workspace and its organization."""
    found, table = {}, rights()
    for row in TABLE:
        if row.method == "GET" and row.route.startswith((WORKSPACE, ORGANIZATION)):
            query = f"?{row.data['query']}" if "query" in row.data else ""
            found[objects.fill(row.route) + query] = table[str(row)], row.own
    return found


def more_pages(objects: Objects, base: str) -> list[str]:
    """The same pages in other states: a campaign on its way, a paused flow, somebody merged, an
    editor that is open. Each has controls of its own."""
    now = business_now()
    with tenant_scope(objects.brand.tenant.id):
        live = create_campaign(
            Wanted("On its way", audience="everybody", body="Hello there"), now=now
        )
        launch_campaign(live, now=now)
        pause_flow(Flow.objects.get(slug="loyalty-nudge"), now=now)
        refs = [IdentityRef(external_id=f"{name}-ours") for name in ("nora", "nell")]
        nora, nell = resolve_contacts(refs, now=now)
        assert nora
        assert nell
        merge_contacts(nora, nell, now=now)
    draft = objects.kwargs["campaign"]
    live_ref, merged = show_id("cmp", live.id), show_id("con", nora)
    return [
        f"{base}campaigns/{live_ref}/",
        f"{base}campaigns/{live_ref}/?stop=1",
        f"{base}campaigns/{draft}/?review=1",
        f"{base}contacts/{merged}/",
        f"{base}contacts/?has_phone=true",
        f"{base}flows/loyalty-nudge/",
        f"{base}flows/cart-recovery/?step=text_1",
        f"{base}flows/cart-recovery/?step=wait_1h&edit=1",
        f"{base}messages/?status=skipped",
    ]


def log_in(page: Page, base: str, email: str) -> None:
    page.context.clear_cookies()
    page.goto(f"{base}/login/")
    page.get_by_label("E-mail").fill(email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url("**/w/**")


@dataclass
class Round:
    """Looks at pages as one role after the other; `wrong` says what it met."""

    page: Page
    base: str
    wrong: list[str] = field(default_factory=list)
    offers: dict[str, int] = field(default_factory=dict)
    parts: set[str] = field(default_factory=set)  # answers without a page of their own

    def look(self, letter: str, wanted: Expected) -> None:
        """Pages are opened; what a page fetches, what a browser saves and what is refused is
        fetched."""
        opened = {
            path
            for path, (who, own) in wanted.items()
            if letter in who and own < 400 and path not in self.parts and not is_saved(path)
        }
        for path in sorted(opened):
            answer = self.page.goto(self.base + path, wait_until="domcontentloaded")
            if answer is None or answer.status != 200:
                self.say(letter, f"{path} does not open: {answer and answer.status}")
            if not self.page.locator("main").count():
                self.parts.add(path)
            self.judge(letter, path, self.page.evaluate(CONTROLS))
        rest = [path for path in wanted if path not in opened]
        for path, (status, said, controls) in zip(rest, self.page.evaluate(ASK, rest), strict=True):
            who, own = wanted[path]
            expected = own if letter in who else 403
            if status != expected:
                self.say(letter, f"{path} answers {status}, not {expected}")
            if status == 403 and said != REFUSED:
                self.say(letter, f"{path} is refused without the page that says so: {said!r}")
            self.judge(letter, path, controls)

    def judge(self, letter: str, path: str, controls: list[str]) -> None:
        self.offers[letter] = self.offers.get(letter, 0) + len(controls)
        for each in refused(controls, letter):
            self.say(letter, f"{path} offers {each}")

    def say(self, letter: str, what: str) -> None:
        self.wrong.append(f"{LETTERS[letter]}: {what}")


def is_saved(path: str) -> bool:
    """Whether a browser saves it instead of showing it."""
    return path.endswith(DOWNLOADS)


def test_each_role_opens_what_the_table_says_and_is_offered_nothing_it_refuses(
    committed_world: World,
    live_server: Any,
    free_page: Callable[..., Page],
    now: datetime,
) -> None:
    shop, other = committed_world.shop, committed_world.other
    tell_story(shop, now=now, also=other)
    ours, theirs = make_objects(shop, "ours", now), make_objects(other, "theirs", now)
    for letter, role in LETTERS.items():
        user = User.objects.create_user(f"{letter}@table.example".lower(), PASSWORD, name=role)
        add_member(shop.organization, user=user, role=role, now=now)
    everybody = "".join(LETTERS)
    wanted = pages(ours)
    for path in more_pages(ours, f"/w/{shop.tenant.slug}/"):
        wanted[path] = everybody, 200
    foreign: Expected = {path: (everybody, 404) for path in pages(theirs)}
    # And ours by address, theirs by what stands in it: whoever may everything here finds nothing.
    crossed: Expected = {
        ours.fill(row.route, objects=theirs): ("O", 404)
        for row in TABLE
        if row.foreign == 404 and row.method == "GET" and row.route.startswith(WORKSPACE)
    }
    assert len(wanted) > 50
    assert len(foreign) > 50
    page = free_page()
    seen = Round(page, live_server.url)
    for letter in LETTERS:
        log_in(page, live_server.url, f"{letter}@table.example".lower())
        seen.look(letter, wanted)
        seen.look(letter, foreign | crossed if letter == "O" else foreign)
        page.goto(f"{live_server.url}/w/{other.tenant.slug}/contacts/")
        assert page.get_by_role("heading", name="There is nothing here").count()
    page.goto("about:blank")
    if seen.wrong:
        pytest.fail("\n".join(seen.wrong), pytrace=False)
    # Whoever may more is offered more; nobody is offered next to nothing.
    assert seen.offers["O"] > seen.offers["N"] > 500


def test_every_kind_of_control_is_noticed(free_page: Callable[..., Page], live_server: Any) -> None:
    """The walk above is worth something only while it sees what a click would do."""
    page = free_page()
    page.goto(f"{live_server.url}/health")
    page.set_content(
        """
        <a href="/a">A</a> <a href="#here">Here</a> <a href="https://elsewhere.example/x">Away</a>
        <form action="/shown" method="post"><input name="only-shown"></form>
        <form action="/off" method="post"><fieldset disabled><button>Off</button></fieldset></form>
        <form action="/b" method="post"><button formaction="/c">C</button><button>B</button></form>
        <form id="far" action="/d" method="post"></form><button form="far">D</button>
        <form hx-post="/e"><input type="submit"></form>
        <button type="button" hx-delete="/f">F</button>
        <button type="button" hx-delete="/never" disabled>Never</button>
        <dialog><form action="/g" method="post"><select data-submits></select></form></dialog>
        <template><a href="/h">H</a></template>
        <div data-url="/i" data-contacts="/j" data-opened="/k"></div>
        """
    )
    assert page.evaluate(CONTROLS) == [
        "DELETE /f", "GET /a", "GET /h", "GET /j", "GET /k",
        "POST /b", "POST /c", "POST /d", "POST /e", "POST /g", "POST /i",
    ]  # fmt: skip
