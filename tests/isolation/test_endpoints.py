"""Endpoint by method by visitor, against one table."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from django.db import connection, transaction
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from tenancy.models import User
from tenancy.scope import tenant_scope
from tenancy.security import tenant_models
from tests.isolation.conftest import Objects, Pair
from tests.isolation.table import ANY_METHOD, TABLE, Row

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
EVENT = {"event": "Product Viewed", "userId": "u1"}


def routes(resolver: Any = None, prefix: str = "") -> Iterator[str]:
    for entry in (resolver or get_resolver()).url_patterns:
        if isinstance(entry, URLResolver):
            yield from routes(entry, prefix + str(entry.pattern))
        elif isinstance(entry, URLPattern):
            yield prefix + str(entry.pattern)


def test_every_address_has_its_row() -> None:
    assert set(routes()) == {row.route for row in TABLE}


def test_the_own_people_and_keys(pair: Pair) -> None:
    def look(row: Row) -> Iterator[str]:
        answer = visit(row, pair.ours, as_owner_of=pair.ours)
        yield from differs(answer, row.own)
        yield from marked(answer, pair.theirs)

    assert in_turn(TABLE, look) == {}


def test_the_other_workspaces_objects_do_not_exist(pair: Pair) -> None:
    def look(row: Row) -> Iterator[str]:
        before = snapshot(pair.theirs)
        answer = visit(row, pair.ours, as_owner_of=pair.ours, objects=pair.theirs)
        yield from differs(answer, row.foreign)
        yield from marked(answer, pair.theirs)
        yield from changed(before, pair.theirs, row)

    assert in_turn([row for row in TABLE if row.foreign is not None], look) == {}


def test_the_other_workspaces_owner_and_keys(pair: Pair) -> None:
    def look(row: Row) -> Iterator[str]:
        before = snapshot(pair.ours)
        answer = visit(row, pair.ours, as_owner_of=pair.theirs)
        yield from differs(answer, row.stranger)
        yield from marked(answer, pair.ours)
        yield from changed(before, pair.ours, row)

    assert in_turn(TABLE, look) == {}


def test_nobody(pair: Pair) -> None:
    def look(row: Row) -> Iterator[str]:
        before = snapshot(pair.ours)
        answer = visit(row, pair.ours, as_owner_of=None)
        yield from differs(answer, row.nobody)
        if row.kind == "page" and not answer.get("Location", "").startswith("/login/?next="):
            yield "is not led to the log-in"
        yield from marked(answer, pair.ours)
        yield from changed(before, pair.ours, row)

    assert in_turn(TABLE, look) == {}


def test_a_role_or_scope_too_small(pair: Pair) -> None:
    def look(row: Row) -> Iterator[str]:
        before = snapshot(pair.ours)
        answer = visit(row, pair.ours, as_owner_of=pair.ours, small=True)
        yield from differs(answer, row.small)
        if row.small in {401, 403, 404}:
            yield from changed(before, pair.ours, row)

    assert in_turn(TABLE, look) == {}


def test_a_write_key_opens_no_api(pair: Pair) -> None:
    def look(row: Row) -> Iterator[str]:
        for secret in (pair.ours.brand.write_key, pair.ours.brand.public_key):
            answer = request(Client(), row, pair.ours.fill(row.route), bearer(secret))
            yield from differs(answer, 403)

    assert in_turn([row for row in TABLE if row.kind == "api"], look) == {}


def test_other_methods_are_refused(pair: Pair) -> None:
    taken: dict[str, set[str]] = {}
    for row in TABLE:
        taken.setdefault(row.route, set()).add(row.method)
    rows = {row.route: row for row in TABLE if row.route not in ANY_METHOD}

    def look(row: Row) -> Iterator[str]:
        before = snapshot(pair.ours)
        for method in METHODS:
            if method in taken[row.route]:
                continue
            client, headers = door_of(row, pair.ours, small=False)
            path = pair.ours.fill(row.route)
            answer = client.generic(method, path, b"{}", "application/json", headers=headers)
            yield from (f"{method}: {word}" for word in differs(answer, 405))
            machine = path.startswith(("/api/", "/v1/", "/webhooks/"))
            if machine and answer.json()["code"] != "method_not_allowed":
                yield f"{method}: no problem details"
        yield from changed(before, pair.ours, row)

    assert in_turn(rows.values(), look) == {}


def test_a_form_drawn_for_another_workspace_is_refused(pair: Pair) -> None:
    def look(row: Row) -> Iterator[str]:
        before = snapshot(pair.ours)
        client, _ = door_of(row, pair.ours, small=False)
        for said in (pair.theirs.brand.tenant.slug, ""):
            answer = client.post(pair.ours.fill(row.route), {**row.data, "workspace": said})
            yield from differs(answer, 409)
        yield from changed(before, pair.ours, row)

    rows = [row for row in TABLE if row.kind == "page" and row.method == "POST"]
    assert in_turn(rows, look) == {}


def in_turn(rows: Iterable[Row], look: Callable[[Row], Iterable[str]]) -> dict[str, list[str]]:
    """What is wrong at each address; every row starts from the same state."""
    found = {}
    for row in rows:
        with transaction.atomic():
            wrong = list(look(row))
            transaction.set_rollback(True)
        if wrong:
            found[str(row)] = wrong
    return found


def visit(
    row: Row,
    where: Objects,
    *,
    as_owner_of: Objects | None,
    objects: Objects | None = None,
    small: bool = False,
) -> Any:
    """One request at a workspace's address, as somebody of `as_owner_of`'s."""
    client, headers = door_of(row, as_owner_of, small=small)
    return request(client, row, where.fill(row.route, objects=objects), headers, where)


def door_of(row: Row, who: Objects | None, *, small: bool) -> tuple[Client, dict[str, str]]:
    """A client that is logged in, or the header of a key, as the row's kind asks."""
    client = Client(raise_request_exception=False)
    if who is None:
        return client, {}
    if row.kind == "api":
        return client, bearer(who.narrow_key if small else who.brand.api_key)
    if row.kind == "write":
        return client, bearer(who.brand.api_key if small else who.brand.write_key)
    person: User = who.brand.analyst if small else who.brand.owner
    client.force_login(person)
    return client, {}


def request(
    client: Client, row: Row, path: str, headers: dict[str, str], where: Objects | None = None
) -> Any:
    if row.kind == "write":
        body: Any = json.dumps(EVENT)
    elif row.kind == "api":
        body = json.dumps(row.data) if row.method in {"POST", "PATCH"} else ""
    else:
        data = {key: value for key, value in row.data.items() if key != "query"}
        if row.method == "POST":
            slug = where.brand.tenant.slug if where else ""
            names = {"workspace": slug}
            if where is not None:
                names["organization"] = path.split("/")[2] if "/agency/" in path else ""
            return client.post(path, {**data, **names}, headers=headers)
        path = f"{path}?{row.data['query']}" if "query" in row.data else path
        body = ""
    return client.generic(row.method, path, body, "application/json", headers=headers)


def bearer(secret: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {secret}"}


def differs(answer: Any, wanted: int | None) -> Iterator[str]:
    if answer.status_code != wanted:
        yield f"{answer.status_code}, not {wanted}: {answer.content[:200]!r}"


def marked(answer: Any, whose: Objects) -> Iterator[str]:
    """Whatever of somebody else's stands in an answer; the asked address may stand in it again."""
    body = b"".join(answer.streaming_content) if answer.streaming else answer.content
    text = body.decode(errors="replace")
    asked = answer.wsgi_request.path
    yield from (f"shows {mark}" for mark in whose.marks if mark in text and mark not in asked)


def changed(before: dict[str, Any], whose: Objects, row: Row) -> Iterator[str]:
    if row.route.startswith(("t/", "join/", "stop/")):
        return  # open to whoever holds the address, and written down where that belongs
    after = snapshot(whose)
    yield from (f"changed {name}" for name in before if after[name] != before[name])


def snapshot(whose: Objects) -> dict[str, Any]:
    """Rows per table of one workspace, and a digest of what they say."""
    parts = " UNION ALL ".join(
        f"SELECT '{table}', count(*), sum(hashtext({said_by(table)})::bigint) FROM {table} t"
        for table in tenant_tables()
    )
    with tenant_scope(whose.brand.tenant.id), connection.cursor() as cursor:
        cursor.execute(parts)
        return {name: (count, digest) for name, count, digest in cursor.fetchall()}


# What is written down whatever came: that a key was used, that a signed webhook arrived.
NOTED = {
    "tenancy_apikey": ("last_used_at",),
    # That somebody knocked who is not believed.
    "connectors_connector": ("failures", "failure_count", "last_failure_at"),
    "delivery_gateway": ("first_heard_at", "last_heard_at", "last_heard_token"),
}


def said_by(table: str) -> str:
    """A row as text, without what is merely noted."""
    noted = ", ".join(f"'{name}'" for name in NOTED.get(table, ()))
    return f"(to_jsonb(t) - ARRAY[{noted}]::text[])::text" if noted else "t::text"


def tenant_tables() -> list[str]:
    # A lease says who works, not what is there.
    return sorted(
        m._meta.db_table for m in tenant_models() if m._meta.db_table != "triggers_worklease"
    )
