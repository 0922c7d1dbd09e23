"""Method by address by role by status, against a table written by hand; and what pages offer."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urljoin, urlsplit

import pytest
from django.test import Client
from django.urls import Resolver404, resolve

from tenancy.domain.keys import SCOPES, create_api_key
from tenancy.domain.workspaces import add_member, create_workspace
from tenancy.models import User
from tenancy.permissions import PERMISSIONS, ROLES, SCOPE_NEEDS, can, may_give_scope
from tenancy.scope import tenant_scope
from tests.isolation.conftest import Pair
from tests.isolation.permissions_table import AGENCY, API, LETTERS, OPEN, PAGES
from tests.isolation.table import TABLE, Row
from tests.isolation.test_endpoints import (
    bearer,
    changed,
    differs,
    in_turn,
    marked,
    request,
    snapshot,
)
from tests.support.world import Brand, World

WORKSPACE, ORGANIZATION, MACHINES = "w/<slug:slug>/", "agency/<slug:organization>/", "api/v1/"


def rights() -> dict[str, str]:
    """`METHOD /route` -> the letters of the roles that may."""
    parts = ((WORKSPACE, PAGES), (ORGANIZATION, AGENCY))
    return {
        f"{line.split(' ', 1)[0]} /{base}{line.split(' ', 1)[1]}": who
        for base, table in parts
        for line, who in table.items()
    }


def scopes() -> dict[str, str]:
    split = ([*line.split(" ", 1), scope] for line, scope in API.items())
    return {f"{method} /{MACHINES}{route}": scope for method, route, scope in split}


PERSONAL = [row for row in TABLE if row.route.startswith((WORKSPACE, ORGANIZATION))]
KEYED = [row for row in TABLE if row.kind == "api"]


def team(brand: Brand, now: datetime) -> dict[str, User]:
    """Somebody for each role, by its letter."""
    found = {"O": brand.owner, "N": brand.analyst}
    for letter, role in LETTERS.items():
        if letter not in found:
            email = f"{role}@{brand.tenant.slug}.example"
            found[letter] = User.objects.create_user(email, None, name=role)
            add_member(brand.organization, user=found[letter], role=role, now=now)
    return found


def doors_of(brand: Brand, now: datetime) -> dict[str, Client]:
    """A logged-in client for each role."""
    return {letter: as_somebody(user) for letter, user in team(brand, now).items()}


def as_somebody(user: User) -> Client:
    client = Client(raise_request_exception=False)
    client.force_login(user)
    return client


def test_every_address_says_who_may() -> None:
    known = {*rights(), *scopes(), *OPEN}
    assert {str(row) for row in TABLE} == known
    assert sum(map(len, (rights(), scopes(), OPEN))) == len(known)


def test_every_permission_and_scope_is_told_apart() -> None:
    assert set(SCOPE_NEEDS) == set(SCOPES)
    assert set(LETTERS.values()) == set(ROLES)
    used = {name for names in ROLES.values() for name in names}
    assert used == set(PERMISSIONS)


def test_each_role_at_each_address(pair: Pair, now: datetime) -> None:
    """Who may gets what `table.py` says; who may not gets 403, and nothing has changed."""
    table, doors = rights(), doors_of(pair.ours.brand, now)
    before = snapshot(pair.ours)

    def ask(row: Row, letter: str, wanted: int) -> Iterator[str]:
        answer = request(doors[letter], row, pair.ours.fill(row.route), {}, pair.ours)
        yield from (f"{LETTERS[letter]}: {word}" for word in differs(answer, wanted))
        yield from marked(answer, pair.theirs)

    def look(row: Row) -> Iterator[str]:
        allowed = table[str(row)]
        for letter in set(LETTERS) - set(allowed):
            yield from ask(row, letter, 403)
        if len(allowed) < len(LETTERS):
            yield from changed(before, pair.ours, row)
        for letter in allowed:
            found = in_turn([row], lambda row, letter=letter: ask(row, letter, row.own))  # type: ignore[misc]
            yield from (word for words in found.values() for word in words)

    say(in_turn(PERSONAL, look))


def test_each_role_of_another_organization(pair: Pair, now: datetime) -> None:
    doors = doors_of(pair.theirs.brand, now)
    before = snapshot(pair.ours)

    def look(row: Row) -> Iterator[str]:
        for letter, client in doors.items():
            answer = request(client, row, pair.ours.fill(row.route), {}, pair.ours)
            yield from (f"{LETTERS[letter]}: {word}" for word in differs(answer, 404))
            yield from marked(answer, pair.ours)
        yield from changed(before, pair.ours, row)

    say(in_turn(PERSONAL, look))


def test_each_role_of_another_client_of_the_same_organization(pair: Pair, now: datetime) -> None:
    """Whoever may enter one client of an agency finds nothing of the next one, whatever the role."""
    organization = pair.ours.brand.organization
    next_door = create_workspace(
        organization,
        name="Next door",
        slug="next-door",
        timezone="America/Chicago",
        shop_url="https://next-door.example",
        now=now,
    )
    doors = {}
    for letter, role in LETTERS.items():
        user = User.objects.create_user(f"{role}@next-door.example", None, name=role)
        add_member(organization, user=user, role=role, workspaces=[next_door], now=now)
        doors[letter] = as_somebody(user)
        assert doors[letter].get("/w/next-door/").status_code == 200
    before = snapshot(pair.ours)

    def look(row: Row) -> Iterator[str]:
        for letter, client in doors.items():
            answer = request(client, row, pair.ours.fill(row.route), {}, pair.ours)
            yield from (f"{LETTERS[letter]}: {word}" for word in differs(answer, 404))
            yield from marked(answer, pair.ours)
        yield from changed(before, pair.ours, row)

    say(in_turn([row for row in PERSONAL if row.route.startswith(WORKSPACE)], look))


def test_each_scope_at_each_address(pair: Pair, now: datetime) -> None:
    """A key with the one scope gets in; a key with every other one does not."""
    table = scopes()
    with tenant_scope(pair.ours.brand.tenant.id):
        only = {
            given: create_api_key(name=given, scopes=given.split(" + "), now=now)[1]
            for given in set(table.values())
        }
        but = {
            scope: create_api_key(name=scope, scopes=[s for s in SCOPES if s != scope], now=now)[1]
            for scope in SCOPES
        }

    before = snapshot(pair.ours)

    def look(row: Row) -> Iterator[str]:
        given, path = table[str(row)], pair.ours.fill(row.route)
        scope = given.split(" + ")[0]
        answer = request(Client(raise_request_exception=False), row, path, bearer(but[scope]))
        yield from (f"without {scope}: {word}" for word in differs(answer, 403))
        yield from changed(before, pair.ours, row)
        answer = request(Client(raise_request_exception=False), row, path, bearer(only[given]))
        yield from (f"with {given}: {word}" for word in differs(answer, row.own))

    say(in_turn(KEYED, look))


def test_pages_offer_what_the_role_may(pair: Pair, now: datetime) -> None:
    """No link and no button on any page leads somebody into a 403."""
    table, doors = rights(), doors_of(pair.ours.brand, now)

    def look(row: Row) -> Iterator[str]:
        path = pair.ours.fill(row.route)
        query = f"?{row.data['query']}" if "query" in row.data else ""
        for letter in table[str(row)]:
            answer = doors[letter].get(path + query)
            if answer.streaming:
                continue  # a file to keep, no page
            for method, url in sorted(offered(answer.content.decode(), path)):
                try:
                    route = resolve(urlsplit(url).path).route
                except Resolver404:
                    yield f"{method} {url} is no address"
                    continue
                if letter not in table.get(f"{method} /{route}", letter):
                    yield f"{LETTERS[letter]} is offered {method} {url}"

    looked_at = [row for row in PERSONAL if row.method == "GET" and row.own == 200]
    say(in_turn(looked_at, look))


def test_nobody_makes_a_key_that_may_more_than_they(world: World, now: datetime) -> None:
    for letter, client in doors_of(world.shop, now).items():
        role = LETTERS[letter]
        for scope, need in SCOPE_NEEDS.items():
            answer = client.post(
                "/w/juniper/settings/keys/api/",
                {"name": scope, "scopes": scope, "workspace": "juniper"},
            )
            wanted = 403 if not can(role, "manage_keys") else 201 if can(role, need) else 422
            assert answer.status_code == wanted, (role, scope)
            assert may_give_scope(role, scope) is (wanted == 201)


def say(found: dict[str, list[str]]) -> None:
    """Fails with one line for each thing that is wrong: pytest cuts a long dictionary short."""
    lines = [f"{where}: {what}" for where, all_of in found.items() for what in all_of]
    if lines:
        pytest.fail("\n".join(lines), pytrace=False)


class _Offers(HTMLParser):
    """Links and forms of a page, dialogs included, as (method, address).

    A form counts when something in it can send it: one without a button, or whose fields are all
    switched off, only shows what is set.
    """

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, str]] = []
        self._forms: list[tuple[str, str]] = []
        self._by_id: dict[str, tuple[str, str]] = {}
        self._fieldsets: list[bool] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given: dict[str, Any] = dict(attrs)
        off = "disabled" in given or any(self._fieldsets)
        asks = [
            (method, given[name])
            for name, method in (("hx-get", "GET"), ("hx-post", "POST"))
            if given.get(name)
        ]
        if tag == "fieldset":
            self._fieldsets.append("disabled" in given)
        elif tag == "form":
            plain = ((given.get("method") or "get").upper(), given.get("action") or "")
            self._forms.append((asks or [plain])[0])
            if given.get("id"):
                self._by_id[given["id"]] = self._forms[-1]
            return
        elif tag == "a" and given.get("href"):
            self.found.append(("GET", given["href"]))
        elif sends(tag, given) and not off:
            form = self._by_id.get(given.get("form") or "")
            if form is None and self._forms:
                form = self._forms[-1]
            if given.get("formaction"):
                form = ("POST", given["formaction"])
            self.found += [form] if form else []
        if not off:
            self.found += asks

    def handle_endtag(self, tag: str) -> None:
        if tag == "fieldset" and self._fieldsets:
            self._fieldsets.pop()
        if tag == "form" and self._forms:
            self._forms.pop()


def sends(tag: str, given: dict[str, Any]) -> bool:
    """Whether a control sends the form it stands in."""
    if "data-submits" in given:
        return True
    kind = given.get("type") or ("submit" if tag == "button" else "")
    return tag in {"button", "input"} and kind == "submit"


def offered(text: str, path: str) -> set[tuple[str, str]]:
    parser = _Offers()
    parser.feed(text)
    full = {(method, urljoin(f"http://here{path}", url)) for method, url in parser.found}
    return {
        (method, url)
        for method, url in full
        if url.startswith("http://here/") and not url.startswith("http://here/static/")
    }
