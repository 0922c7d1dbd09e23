"""A workspace to measure with: its keys, a sender, people who may be texted, events over HTTP."""

from __future__ import annotations

import base64
import http.client
import itertools
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from datetime import time as clock_time
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID
from zoneinfo import ZoneInfo

import orjson
import requests

from tests.benchmarks.stack import BenchStack

CLIENTS = 4
BATCH = 500
TOKEN = "bench-token"
RATE = 100_000.0  # segments per second of the sender: the carrier's rate is not what is measured
_numbers = itertools.count(2_000_000)
_shops = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Person:
    user_id: str
    phone: str
    first_name: str


@dataclass
class Shop:
    stack: BenchStack
    tenant_id: UUID
    api_key: str
    write_key: str
    account: str
    number: str

    # --- people -----------------------------------------------------------------------------

    def add_people(self, count: int, *, cohort: str, texted: bool = True) -> list[Person]:
        """People with a name and a `cohort`, told over HTTP; `texted`: they agreed to texts."""
        people = [
            Person(f"{cohort}-{index}", f"+1310{next(_numbers):07d}", f"Maya {index % 97}")
            for index in range(count)
        ]
        self.post_batches(
            {
                "type": "identify",
                "userId": one.user_id,
                "messageId": f"who-{one.user_id}",
                "traits": {"phone": one.phone, "firstName": one.first_name, "cohort": cohort},
            }
            for one in people
        )
        if texted:
            self._opt_in(people)
        self.stack.settle(self.tenant_id, limit=300)
        return people

    def _opt_in(self, people: Sequence[Person]) -> None:
        from consent.domain.opt_ins import OptIn, record_opt_ins
        from people.domain.queries import lock_contacts
        from people.domain.resolving import IdentityRef, resolve_contacts
        from tenancy.clock import business_now
        from tenancy.scope import tenant_scope

        now = business_now()
        for start in range(0, len(people), BATCH):
            some = people[start : start + BATCH]
            with tenant_scope(self.tenant_id):
                refs = [IdentityRef(external_id=one.user_id) for one in some]
                ids = resolve_contacts(refs, now=now)
                lock_contacts(key for key in ids if key is not None)
                results = record_opt_ins(
                    [
                        OptIn(
                            phone=one.phone,
                            source="web_form",
                            occurred_at=now - timedelta(days=30),
                            contact_id=contact_id,
                            legal_basis="pewc",
                            double_opt_in=False,
                            disclosure="Text me offers.",
                        )
                        for one, contact_id in zip(some, ids, strict=True)
                    ],
                    now=now,
                )
            if {result.code for result in results} != {"subscribed"}:
                raise RuntimeError("Somebody could not be opted in.")

    # --- what a marketer does, over the API ---------------------------------------------------

    def api(self, method: str, path: str, body: Any = None) -> Any:
        answer = requests.request(
            method,
            f"{self.stack.web}/api/v1/{path}",
            json=body,
            headers={"Authorization": f"Bearer {self.api_key}"},
            timeout=60,
        )
        if not answer.ok:
            raise RuntimeError(f"{method} {path}: {answer.status_code} {answer.text[:500]}")
        return answer.json()

    def add_template(self, slug: str, body: str) -> None:
        self.api("POST", "templates", {"slug": slug, "body": body, "approve": True})

    def add_segment(self, slug: str, definition: dict[str, Any]) -> None:
        """Returns when it is filled."""
        self.api("POST", "segments", {"name": slug, "slug": slug, "definition": definition})
        end = time.monotonic() + 120
        while self.api("GET", f"segments/{slug}")["state"] != "live":
            if time.monotonic() > end:
                raise RuntimeError(f"The segment {slug} is not filled.")
            time.sleep(0.1)

    def add_flow(self, slug: str, definition: dict[str, Any], *, publish: bool = True) -> None:
        self.api("POST", "flows", {"name": slug, "slug": slug, "definition": definition})
        if publish:
            self.api("POST", f"flows/{slug}/publication")

    # --- events -------------------------------------------------------------------------------

    def post_batches(self, items: Iterable[dict[str, Any]], *, size: int = BATCH) -> None:
        self.post_bodies(make_bodies(items, size=size))

    def post_bodies(self, bodies: Sequence[bytes], *, path: str = "/v1/batch") -> None:
        """From four clients with connections of their own, as fast as answers come."""
        waiting = iter(bodies)
        lock = threading.Lock()

        def run() -> None:
            with Poster(self) as poster:
                while True:
                    with lock:
                        body = next(waiting, None)
                    if body is None:
                        return
                    poster.post(path, body)

        with ThreadPoolExecutor(CLIENTS) as pool:
            for done in [pool.submit(run) for _ in range(CLIENTS)]:
                done.result()


class Poster:
    """One client: a kept connection that posts with the write key and checks the answer."""

    def __init__(self, shop: Shop) -> None:
        parts = urlsplit(shop.stack.web)
        self.connection = http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=60)
        login = base64.b64encode(f"{shop.write_key}:".encode()).decode()
        self.headers = {"Authorization": f"Basic {login}", "Content-Type": "application/json"}

    def __enter__(self) -> Poster:
        return self

    def __exit__(self, *error: object) -> None:
        self.connection.close()

    def post(self, path: str, body: bytes) -> None:
        self.connection.request("POST", path, body, self.headers)
        answer = self.connection.getresponse()
        said = answer.read()
        if answer.status != 200 or b'"rejected":0' not in said.replace(b" ", b""):
            raise RuntimeError(f"{path}: {answer.status} {said[:300]!r}")


def make_bodies(items: Iterable[dict[str, Any]], *, size: int = BATCH) -> list[bytes]:
    found = iter(items)
    bodies = []
    while some := list(itertools.islice(found, size)):
        bodies.append(orjson.dumps({"batch": some}))
    return bodies


def open_shop(stack: BenchStack, name: str) -> Shop:
    """A workspace of its own for one measure, so that none carries another's weight."""
    from delivery.models import Gateway, Sender
    from tenancy.clock import business_now
    from tenancy.domain.keys import SCOPES, create_api_key, create_write_key
    from tenancy.domain.workspaces import create_organization, create_workspace
    from tenancy.scope import tenant_scope

    serial, now = next(_shops), business_now()
    account, number = f"AC{serial:032x}", f"+1213555{serial:04d}"
    organization = create_organization(f"Bench {name}", slug=f"bench-{serial}", now=now)
    tenant = create_workspace(
        organization,
        name="Juniper & Oak",
        slug=f"bench-{serial}",
        timezone="America/Los_Angeles",
        shop_url="https://juniper.example",
        now=now,
    )
    with tenant_scope(tenant.id):
        _, api_key = create_api_key(name="Bench", scopes=list(SCOPES), now=now)
        _, write_key = create_write_key(name="Bench", kind="server", now=now)
        gateway = Gateway(kind="simulator", account_sid=account, created_at=now)
        gateway.set_secrets(secret=TOKEN, auth_tokens=[TOKEN])
        gateway.save(force_insert=True)
        Sender.objects.create(
            gateway=gateway,
            kind="short_code",
            phone=number,
            segments_per_second=RATE,
            created_at=now,
        )
    put_account(stack, account, number)
    return Shop(stack, tenant.id, api_key, write_key, account, number)


def put_account(stack: BenchStack, account: str, number: str) -> None:
    requests.post(
        f"{stack.carrier}/_sim/accounts",
        json={"sid": account, "auth_token": TOKEN, "numbers": [number]},
        timeout=10,
    ).raise_for_status()


def open_hours() -> None:
    """Moves the clock to a Tuesday at ten in Los Angeles: open hours everywhere in the US."""
    from tenancy.clock import advance_clock, wall_now

    zone = ZoneInfo("America/Los_Angeles")
    local = wall_now().astimezone(zone)
    day = local.date() + timedelta(days=(1 - local.weekday()) % 7 or 7)
    advance_clock(datetime.combine(day, clock_time(10), zone).astimezone(UTC))


def seconds_of(work: Callable[[], None]) -> float:
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin
