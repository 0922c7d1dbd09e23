"""A campaign to a segment, written and launched through the API, until the last text is out.

The limit is the Twilio SDK called bare in a loop with as many threads, at the same carrier.
"""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
import time
from typing import Any

from stack.local import ROOT
from tests.benchmarks.figures import Figure, median_figure
from tests.benchmarks.scale import Scale
from tests.benchmarks.shop import Shop, open_shop
from tests.benchmarks.stack import BenchStack

BODY = (
    "Hi [FirstName or 'there'], early access is open for you: [link or 'https://juniper.example']"
)
WHY = "SELECT status, reason, count(*) FROM delivery_message WHERE tenant_id = %s GROUP BY 1, 2"
_cohorts = itertools.count(1)


def measure(stack: BenchStack, scale: Scale, *, callbacks: bool = False) -> list[Figure]:
    """B3, or with two signed callbacks per text B3c."""
    shop = open_shop(stack, "campaign")
    send_campaign(shop, scale.warm_recipients, callbacks=callbacks)
    runs = []
    for _ in range(scale.runs):
        run = send_campaign(shop, scale.recipients, callbacks=callbacks)
        runs.append(run | call_bare(stack, shop, scale.bare_texts))
    stack.retire(shop.tenant_id)
    what = f"campaign of {scale.recipients:,} texts with a link, started over HTTP"
    return [
        median_figure(
            "B3c" if callbacks else "B3",
            f"{what}, two signed callbacks each" if callbacks else what,
            runs,
            unit="texts/s",
            floor=0.3 if callbacks else 0.5,
            cpu_floor=6.0 if callbacks else 3.0,
        )
    ]


def send_campaign(shop: Shop, recipients: int, *, callbacks: bool = False) -> dict[str, Any]:
    """Texts per second from the launch to the last text (with callbacks: to the last receipt), and
    CPU seconds per thousand until nothing moves any more."""
    stack, cohort = shop.stack, f"cohort-{next(_cohorts)}"
    shop.add_people(recipients, cohort=cohort)
    shop.add_segment(cohort, {"attribute": "cohort", "op": "is", "value": cohort})
    wanted = {"name": cohort, "audience": "segment", "segment": cohort, "body": BODY}
    campaign = shop.api("POST", "campaigns", wanted)["id"]
    stack.empty_carrier(callbacks=callbacks)
    cpu, began, watch = stack.cpu(), time.time(), time.perf_counter()
    shop.api("POST", f"campaigns/{campaign}/launch")
    end = time.monotonic() + 60 + recipients / 20
    while stack.texts() < recipients:
        if time.monotonic() > end:
            held = stack.ask(WHY, shop.tenant_id)
            raise RuntimeError(f"{stack.texts()} of {recipients} texts are out: {held}")
        time.sleep(1.0 if recipients > 1000 else 0.1)
    while callbacks and _undelivered(shop, cohort):
        if time.monotonic() > end:
            raise RuntimeError("receipts are missing")
        time.sleep(0.2)
    receipts = time.perf_counter() - watch
    stack.settle(shop.tenant_id, limit=300)
    spent = stack.cpu() - cpu
    times = stack.text_times()
    if len(times) != recipients:
        raise RuntimeError(f"{len(times)} people were texted, not {recipients}.")
    seconds = receipts if callbacks else max(times.values()) - began
    return {
        "ours": round(recipients / seconds, 1),
        "cpu": round(spent / recipients * 1000, 3),
    }


def call_bare(stack: BenchStack, shop: Shop, texts: int) -> dict[str, Any]:
    stack.empty_carrier()
    from django.conf import settings

    done = subprocess.run(
        [
            *(sys.executable, "-m", "tests.benchmarks.bare_sdk", stack.carrier, shop.account),
            *(shop.number, str(texts), str(settings.KAIROS_SUBMIT_THREADS)),
        ],
        cwd=ROOT,
        env=stack.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])
    found = json.loads(done.stdout)
    return {
        "limit": round(texts / found["seconds"], 1),
        "cpu_limit": round(found["cpu"] / texts * 1000, 3),
    }


def _undelivered(shop: Shop, cohort: str) -> bool:
    found = shop.stack.ask(
        "SELECT EXISTS (SELECT 1 FROM delivery_message"
        " WHERE tenant_id = %s AND status = 'sent' AND fetches < 2)",
        shop.tenant_id,
    )
    return bool(found[0][0])
