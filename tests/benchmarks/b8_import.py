"""A file of contacts with columns of consent: sent, checked and imported over the API.

What counts is the import, from its start to its end; the check before it does the same work and takes
it back. The limit is COPY of the same rows into a table with two indexes.
"""

from __future__ import annotations

import csv
import io
import time
from typing import Any

import psycopg
import requests

from tests.benchmarks.figures import Figure, median_figure
from tests.benchmarks.scale import Scale
from tests.benchmarks.shop import Shop, open_shop
from tests.benchmarks.stack import BenchStack
from tests.benchmarks.usage import pss_megabytes

COLUMNS = (
    ("external_id", "external_id"),
    ("phone", "phone"),
    ("email", "email"),
    ("first_name", "first_name"),
    ("city", "city"),
    ("sms", "consent_status"),
    ("agreed_at", "consent_date"),
    ("form", "consent_source"),
    ("wording", "consent_wording"),
)
LIMIT_SECONDS = 3600.0
GROWS = 1.2
TABLE = """
CREATE TABLE IF NOT EXISTS bench_contact (external_id text, phone text, email text,
    first_name text, city text, sms text, agreed_at timestamptz, form text, wording text);
CREATE UNIQUE INDEX IF NOT EXISTS bench_contact_once ON bench_contact (external_id);
CREATE INDEX IF NOT EXISTS bench_contact_phone ON bench_contact (phone);
TRUNCATE bench_contact
"""


def measure(stack: BenchStack, scale: Scale) -> list[Figure]:
    runs: list[dict[str, Any]] = []
    _Run(stack, min(scale.rows, 500)).go()
    for _ in range(scale.import_runs):
        runs.append(_Run(stack, scale.rows).go())
    count = f"{scale.rows:,} contacts with consent"
    memory = [{"ours": round(run["late"], 1), "limit": round(run["early"], 1)} for run in runs]
    return [
        median_figure(
            "B8",
            f"CSV import of {count}",
            [{key: run[key] for key in ("ours", "limit", "cpu")} for run in runs],
            unit="rows/s",
            floor=0.10,
        ),
        median_figure(
            "B8 memory",
            "memory (PSS) of the worker in the second half of it against the first",
            memory,
            unit="MB",
            floor=GROWS,
            at_most=True,
        ),
    ]


class _Run:
    def __init__(self, stack: BenchStack, count: int) -> None:
        self.stack, self.count = stack, count
        self.shop: Shop = open_shop(stack, "import")
        self.rows = make_rows(count)

    def go(self) -> dict[str, float]:
        job = self._checked()
        stack = self.stack
        early, late = [0.0], [0.0]
        worker = stack.processes["worker-bulk"].pid

        def look(told: dict[str, Any]) -> None:
            half = early if told["rows_done"] * 2 < self.count else late
            half.append(pss_megabytes([worker]))

        cpu, began = stack.cpu(), time.perf_counter()
        self.shop.api("POST", f"imports/{job}/start", {})
        told = self._wait(job, "done", look)
        spent = time.perf_counter() - began
        used = stack.cpu() - cpu
        if told["counts"]["created"] != self.count:
            raise RuntimeError(f"Not everybody was created: {told['counts']} {told['reasons']}")
        found = {
            "ours": round(self.count / spent),
            "limit": round(self.count / self._copy()),
            "cpu": round(used / self.count * 1000, 3),
            "early": max(early) or max(late),
            "late": max(late),
        }
        stack.retire(self.shop.tenant_id)
        return found

    def _checked(self) -> str:
        job: str = self.shop.api("POST", "imports", {"kind": "contacts", "name": "b8.csv"})["id"]
        requests.put(
            f"{self.stack.web}/api/v1/imports/{job}/file",
            data=as_csv(self.rows),
            headers={"Authorization": f"Bearer {self.shop.api_key}", "Content-Type": "text/csv"},
            timeout=600,
        ).raise_for_status()
        mapping = [
            {"column": number, "field": field} for number, (_, field) in enumerate(COLUMNS, 1)
        ]
        self.shop.api("POST", f"imports/{job}/check", {"mapping": mapping})
        self._wait(job, "checked")
        return job

    def _wait(self, job: str, state: str, look: Any = None) -> dict[str, Any]:
        end = time.monotonic() + LIMIT_SECONDS
        while True:
            told: dict[str, Any] = self.shop.api("GET", f"imports/{job}")
            if look is not None:
                look(told)
            if told["state"] == state:
                return told
            if told["error"] or time.monotonic() > end:
                raise RuntimeError(f"The import stands at {told['state']}: {told['error']}")
            time.sleep(0.1 if self.count < 10_000 else 0.5)

    def _copy(self) -> float:
        lines = ["\t".join(row).encode() + b"\n" for row in self.rows]
        with psycopg.connect(self.stack.parts.owner_url) as owner:
            owner.execute(TABLE)
            owner.commit()
            began = time.perf_counter()
            with owner.cursor() as cursor, cursor.copy("COPY bench_contact FROM STDIN") as copy:
                for start in range(0, len(lines), 500):
                    copy.write(b"".join(lines[start : start + 500]))
            owner.commit()
            return time.perf_counter() - began


def make_rows(count: int) -> list[tuple[str, ...]]:
    from demo.core.synthetic import invent_people

    return [
        (
            one.external_id,
            one.phone,
            one.email,
            one.first_name,
            one.city,
            "yes",
            "2026-05-31T10:00:00Z",
            "Checkout form",
            "Text me offers. Reply STOP to end.",
        )
        for one in invent_people(0, count)
    ]


def as_csv(rows: list[tuple[str, ...]]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow([title for title, _ in COLUMNS])
    writer.writerows(rows)
    return text.getvalue().encode()
