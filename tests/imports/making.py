"""Imports made through the verbs: a file in, checked, imported."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from imports.core.columns import Target, read_mapping
from imports.domain.advancing import ROWS_AT_ONCE, advance
from imports.domain.jobs import attach_file, create_import, map_columns, start_import
from imports.domain.working import open_imports, work
from imports.models import Import, ImportOutcome
from templates_engine.domain.templates import save_and_approve
from templates_engine.models import Template
from tenancy.scope import tenant_scope
from tests.support.world import Brand, World
from triggers.domain.flows import create_flow, publish_flow

PROOF: dict[str, Any] = {
    "consent_source": "Checkout form",
    "consent_wording": "Text me offers",
    "consent_date": "2026-05-01",
}
Rows = list[tuple[int, str, str, str]]


def written(rows: Sequence[Sequence[str]], *, delimiter: str = ",") -> bytes:
    file = io.StringIO()
    csv.writer(file, delimiter=delimiter, lineterminator="\n").writerows(rows)
    return file.getvalue().encode()


def upload(brand: Brand, data: bytes, world: World, *, kind: str = "contacts") -> Import:
    with tenant_scope(brand.tenant.id):
        job = create_import(kind, "people.csv", actor=brand.owner, now=world.now)
        return attach_file(job.id, [data[at : at + 7000] for at in range(0, len(data), 7000)])


def begin_check(
    brand: Brand, job: Import, world: World, *, mapping: dict[int, Target] | None = None,
    **options: Any,
) -> Import:  # fmt: skip
    given = mapping or read_mapping(job.mapping, kind=job.kind, width=job.width)
    with tenant_scope(brand.tenant.id):
        return map_columns(job.id, given, options, now=world.now, wall=world.now)


def check(
    brand: Brand, data: bytes, world: World, *, kind: str = "contacts", **more: Any
) -> Import:
    """A file, checked to its end."""
    job = begin_check(brand, upload(brand, data, world, kind=kind), world, **more)
    go_on(brand, job, world)
    return read(brand, job.id)


def bring_in(
    brand: Brand, data: bytes, world: World, *, kind: str = "contacts", starts: bool = False,
    **more: Any,
) -> Import:  # fmt: skip
    """A file, checked and imported."""
    job = check(brand, data, world, kind=kind, **more)
    begin(brand, job, world, starts=starts)
    go_on(brand, job, world)
    return read(brand, job.id)


def begin(brand: Brand, job: Import, world: World, *, starts: bool = False) -> None:
    with tenant_scope(brand.tenant.id):
        start_import(
            job.id, starts_flows=starts, confirmed=starts, actor=brand.owner, now=world.now,
            wall=world.now,
        )  # fmt: skip


def go_on(brand: Brand, job: Import, world: World, *, limit: int = ROWS_AT_ONCE) -> int:
    """Set after set until the stage is over; how many sets."""
    sets = 0
    while read(brand, job.id).state in ("checking", "running"):
        advance(brand.tenant.id, job.id, now=world.now, limit=limit)
        sets += 1
    return sets


def tidy(brand: Brand) -> None:
    work(brand.tenant.id)
    assert open_imports(tenant_id=brand.tenant.id, now=brand.tenant.created_at) == []


def read(brand: Brand, import_id: UUID) -> Import:
    with tenant_scope(brand.tenant.id):
        job: Import = Import.objects.get(id=import_id)
        return job


def rows_of(brand: Brand, job: Import, stage: str = "run") -> Rows:
    """(line, outcome, code, detail) of every row, in order."""
    with tenant_scope(brand.tenant.id):
        sets = ImportOutcome.objects.filter(of=job, stage=stage).order_by("first_line")
        return [tuple(row) for each in sets for row in each.rows]


def short(rows: Rows) -> list[tuple[int, str, str]]:
    return [(line, outcome, code) for line, outcome, code, _ in rows]


def live_flow(brand: Brand, name: str, trigger: dict[str, Any], *, now: datetime) -> None:
    """Waits a day, then says hello."""
    steps = [
        {"key": "wait", "type": "delay", "for": "P1D"},
        {"key": "text", "type": "message", "template": "hello"},
    ]
    with tenant_scope(brand.tenant.id):
        if not Template.objects.filter(slug="hello").exists():
            save_and_approve("hello", body="Hello there.", now=now)
        flow = create_flow(name, definition={"trigger": trigger, "steps": steps}, now=now)
        publish_flow(flow, now=now)
