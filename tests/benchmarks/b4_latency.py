"""From an event to its text at the gateway: ten events per second, and a burst.

The limit is the least that could do it: a Django view, a Celery task, a bare SDK call, served and
worked by the same programs.
"""

from __future__ import annotations

import itertools
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

import orjson

from stack.local import HOST
from stack.services import WORKER
from tests.benchmarks.figures import Figure, median_figure
from tests.benchmarks.scale import EVENTS_PER_SECOND, Scale
from tests.benchmarks.shop import Person, Poster, Shop, open_shop, put_account
from tests.benchmarks.stack import BenchStack, free_port

FLOW = {
    "trigger": {"type": "event", "event": "Early Access Asked"},
    "reentry": {"mode": "every"},
    "exit": [{"event": "Order Completed"}],
    "steps": [{"key": "text", "type": "message", "template": "early"}],
}
ACCOUNT, NUMBER = "AC" + "b" * 32, "+12135559999"
_cohorts = itertools.count(1)


def measure(stack: BenchStack, scale: Scale) -> list[Figure]:
    """B4 at the median and at the 99th percentile, in milliseconds."""
    shop = _open(stack)
    count = EVENTS_PER_SECOND * scale.seconds
    runs: list[dict[str, dict[str, float]]] = []
    with bare_web(stack) as bare:
        for number in range(scale.runs + 1):
            some = count if number else EVENTS_PER_SECOND * 2
            people = shop.add_people(some, cohort=f"steady-{next(_cohorts)}")
            stack.empty_carrier()
            run = {"ours": _latencies(shop, people), "limit": _bare_latencies(stack, bare, people)}
            if number:
                runs.append(run)
    stack.retire(shop.tenant_id)
    what = f"event to text at the gateway, {EVENTS_PER_SECOND} per second for {scale.seconds} s"
    return [
        median_figure(
            f"B4 {name}",
            f"{what}, {name}",
            [{side: round(run[side][name], 1) for side in ("ours", "limit")} for run in runs],
            unit="ms",
            floor=floor,
            at_most=True,
        )
        for name, floor in (("p50", 3.0), ("p99", 4.0))
    ]


def measure_burst(stack: BenchStack, scale: Scale, campaign: float) -> list[Figure]:
    """B4b: texts per second of a burst, beside what a campaign does (texts per second)."""
    shop = _open(stack)
    runs = []
    for number in range(scale.runs + 1):
        people = shop.add_people(
            scale.burst if number else max(scale.burst // 5, 20), cohort=f"burst-{next(_cohorts)}"
        )
        stack.empty_carrier()
        cpu, began = stack.cpu(), time.time()
        bodies = [orjson.dumps(_event(one)) for one in people]
        shop.post_bodies(bodies, path="/v1/track")
        times = _wait_for_texts(stack, len(people))
        stack.settle(shop.tenant_id, limit=120)
        spent = stack.cpu() - cpu
        if number:
            runs.append(
                {
                    "ours": round(len(people) / (max(times.values()) - began), 1),
                    "limit": round(campaign, 1),
                    "cpu": round(spent / len(people) * 1000, 3),
                }
            )
    stack.retire(shop.tenant_id)
    return [
        median_figure(
            "B4b",
            f"a burst of {scale.burst:,} single events, each to a text; limit: the campaign's rate",
            runs,
            unit="texts/s",
            floor=0.5,
        )
    ]


def _open(stack: BenchStack) -> Shop:
    shop = open_shop(stack, "latency")
    shop.add_template("early", "Hi [FirstName or 'there'], early access is open for you.")
    shop.add_flow("early", FLOW)
    return shop


def _event(one: Person) -> dict[str, Any]:
    return {
        "userId": one.user_id,
        "event": "Early Access Asked",
        "messageId": f"asked-{one.user_id}",
        "properties": {"page": "home"},
    }


def _latencies(shop: Shop, people: list[Person]) -> dict[str, float]:
    with ThreadPoolExecutor(4) as pool:
        posters = [Poster(shop) for _ in range(4)]
        began = _paced(
            pool,
            people,
            lambda place, one: posters[place % 4].post("/v1/track", orjson.dumps(_event(one))),
        )
    return _percentiles(began, _wait_for_texts(shop.stack, len(people)))


def _bare_latencies(stack: BenchStack, base_url: str, people: list[Person]) -> dict[str, float]:
    stack.empty_carrier()
    parts = urlsplit(base_url)
    clients = [HTTPConnection(str(parts.hostname), parts.port, timeout=30) for _ in range(4)]

    def post(place: int, one: Person) -> None:
        body = orjson.dumps({**_event(one), "phone": one.phone})
        clients[place % 4].request("POST", "/event", body)
        answer = clients[place % 4].getresponse()
        if answer.status != 200 or not answer.read():
            raise RuntimeError(f"the bare view said {answer.status}")

    with ThreadPoolExecutor(4) as pool:
        began = _paced(pool, people, post)
    return _percentiles(began, _wait_for_texts(stack, len(people)))


def _paced(
    pool: ThreadPoolExecutor, people: list[Person], post: Callable[[int, Person], None]
) -> dict[str, float]:
    """Posts at a steady pace; when each event was due to leave, so that queueing here counts."""
    began: dict[str, float] = {}
    start = time.time() + 0.1
    lanes: list[list[tuple[int, Person]]] = [[] for _ in range(4)]
    for place, one in enumerate(people):
        began[one.phone] = start + place / EVENTS_PER_SECOND
        lanes[place % 4].append((place, one))

    def run(lane: list[tuple[int, Person]]) -> None:
        for place, one in lane:
            time.sleep(max(0.0, began[one.phone] - time.time()))
            post(place, one)

    for done in [pool.submit(run, lane) for lane in lanes]:
        done.result()
    return began


def _wait_for_texts(stack: BenchStack, count: int) -> dict[str, float]:
    end = time.monotonic() + 60 + count / 20
    while stack.texts() < count:
        if time.monotonic() > end:
            raise RuntimeError(f"{stack.texts()} of {count} texts came.")
        time.sleep(0.25)
    return stack.text_times()


def _percentiles(began: dict[str, float], times: dict[str, float]) -> dict[str, float]:
    took = sorted((times[phone] - at) * 1000 for phone, at in began.items())
    return {
        "p50": statistics.median(took),
        "p99": took[min(len(took) - 1, int(len(took) * 0.99))],
    }


@contextmanager
def bare_web(stack: BenchStack) -> Iterator[str]:
    """The limit's own server and worker; its address."""
    port = free_port(18_200)
    put_account(stack, ACCOUNT, NUMBER)
    own = {"BENCH_ACCOUNT": ACCOUNT, "BENCH_NUMBER": NUMBER, "DJANGO_SETTINGS_MODULE": ""}
    web = (
        *(sys.executable, "-m", "gunicorn", "tests.benchmarks.bare_web:application"),
        *("--bind", f"{HOST}:{port}", "--worker-class", "gthread", "--workers", "2"),
        *("--threads", "8", "--keep-alive", "30", "--no-control-socket"),
    )
    worker = (
        *(sys.executable, "-m", "celery", "-A", "tests.benchmarks.bare_web", "worker"),
        *("-Q", "bare", "-c", "8", "-n", "bare@%h", *WORKER),
    )
    stack.launch("bare-web", web, **own)
    stack.launch("bare-worker", worker, **own)
    try:
        stack.wait_until(lambda: stack.answers(f"http://{HOST}:{port}/health"), "bare-web")
        stack.wait_until(stack.says_ready("bare-worker"), "bare-worker")
        yield f"http://{HOST}:{port}"
    finally:
        stack.end("bare-web")
        stack.end("bare-worker")
