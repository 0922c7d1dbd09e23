"""What pages cost when a workspace is large: the same reads with many contacts and with few.

The two workspaces differ in nothing but their size. Each read runs in this process by Django's own
client, so its time is the server's and its queries can be counted.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import psycopg
from django.conf import settings
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from tests.benchmarks.figures import Figure
from tests.benchmarks.scale import Scale
from tests.benchmarks.shop import Shop, open_shop
from tests.benchmarks.stack import BenchStack

EVENTS_EACH = 3
READS = 15
MOST = 1.5
SEGMENT = {"event": "Order Completed", "within": "P90D"}
FLOW = {
    "trigger": {"type": "event", "event": "Checkout Started"},
    "exit": [{"event": "Order Completed"}],
    "steps": [{"key": "wait", "type": "delay", "for": "P3D"}],
}


def measure(stack: BenchStack, scale: Scale) -> list[Figure]:
    someone = scale.few_contacts // 2  # of both: the same person, who did the same
    few = _Place(stack, scale.few_contacts, someone)
    many = _Place(stack, scale.many_contacts, someone)
    with psycopg.connect(stack.parts.owner_url, autocommit=True) as owner:
        owner.execute("ANALYZE")  # as autovacuum would have done by itself a minute later
    found: list[Figure] = []
    for name in few.reads:
        runs = []
        for _ in range(scale.runs):
            runs.append({"ours": many.time(name), "limit": few.time(name)})
        counts = many.queries(name), few.queries(name)
        what = f"{name}: {scale.many_contacts:,} contacts against {scale.few_contacts:,}"
        found.append(
            Figure(
                id=f"B7 {name}",
                what=f"{what}; {counts[0]} queries against {counts[1]}",
                ours=round(statistics.median(run["ours"] for run in runs), 2),
                limit=round(statistics.median(run["limit"] for run in runs), 2),
                unit="ms",
                # Another query for each contact more would not be seen in the time of one page.
                floor=MOST if counts[0] == counts[1] else 0.0,
                at_most=True,
                runs=runs,
            )
        )
    for place in (few, many):
        stack.retire(place.shop.tenant_id)
    return found


class _Place:
    """One workspace of a size, and how its pages are asked for."""

    def __init__(self, stack: BenchStack, contacts: int, someone: int) -> None:
        from demo.core.synthetic import invent_people
        from demo.domain.synthetic import load_synthetic
        from people.domain.queries import list_contacts
        from tenancy.clock import business_now
        from tenancy.domain.workspaces import add_member
        from tenancy.ids import show_id
        from tenancy.models import Tenant, User
        from tenancy.scope import tenant_scope

        self.shop: Shop = open_shop(stack, "size")
        now = business_now()
        tenant = Tenant.objects.select_related("organization").get(id=self.shop.tenant_id)
        load_synthetic(tenant.id, contacts=contacts, events=contacts * EVENTS_EACH, now=now)
        stack.settle(tenant.id, limit=7200)
        self.shop.add_segment("buyers", SEGMENT)
        self.shop.add_flow("cart", FLOW)
        user = User.objects.create(email=f"{tenant.slug}@example.com", name="Bea Bench")
        add_member(tenant.organization, user=user, role="owner", now=now)
        self.client = Client(headers={"host": "127.0.0.1"})
        self.client.force_login(user, settings.AUTHENTICATION_BACKENDS[0])
        one = invent_people(someone, someone + 1)[0]
        with tenant_scope(tenant.id):
            who = show_id("con", list_contacts(search=one.external_id).contacts[0].id)
        page, key = f"/w/{tenant.slug}/", {"authorization": f"Bearer {self.shop.api_key}"}
        self.reads: dict[str, Callable[[], object]] = {
            "contacts": self._page(f"{page}contacts/"),
            "by number": self._page(f"{page}contacts/?q={one.phone.removeprefix('+')}"),
            "by e-mail": self._page(f"{page}contacts/?q={one.email}"),
            "contact": self._page(f"{page}contacts/{who}/"),
            "timeline": self._page(f"/api/v1/contacts/{who}/timeline", key),
            "segment": self._page("/api/v1/segments/buyers/members", key),
            "flow": self._page(f"{page}flows/cart/"),
        }

    def _page(self, path: str, headers: dict[str, str] | None = None) -> Callable[[], object]:
        def read() -> object:
            answer = self.client.get(path, headers=headers or {})
            if answer.status_code != 200:
                raise RuntimeError(f"{path}: {answer.status_code} {answer.content[:300]!r}")
            return answer.content

        return read

    def time(self, name: str) -> float:
        """Milliseconds of one read: the median of some, after one that warms up."""
        read = self.reads[name]
        read()
        spent = []
        for _ in range(READS):
            began = time.perf_counter()
            read()
            spent.append((time.perf_counter() - began) * 1000)
        return statistics.median(spent)

    def queries(self, name: str) -> int:
        """Of one read. What is kept for some seconds is asked now and then: the fewest count."""
        counts = []
        for _ in range(3):
            with CaptureQueriesContext(connection) as found:
                self.reads[name]()
            counts.append(len(found))
        return min(counts)
