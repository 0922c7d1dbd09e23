"""Campaigns under test: people in places, segments, and every stage of the way at one instant."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any
from uuid import UUID

from django.test import Client

from delivery.domain.deciding import redecide_due
from delivery.domain.submitting import submit_queued
from delivery.models import Message
from events.domain.changing import change_contact
from people.core.traits import read_traits
from segments.domain.segments import build_segment, create_segment
from segments.models import Segment
from tenancy.clock import advance_clock, business_now, wall_now
from tenancy.scope import tenant_scope
from tests.support.world import Brand
from tests.triggers.scene import Scene
from triggers.domain.fanning import fan_out
from triggers.domain.ticking import tick
from triggers.models import Campaign, FanOut

TEXT = "Hi [FirstName or 'there'], early access is open."


def call(
    client: Client, brand: Brand, method: str, path: str, body: Any = None, **headers: str
) -> tuple[int, Any]:
    answer = client.generic(
        method.upper(),
        f"/api/v1/{path}",
        json.dumps(body) if body is not None else b"",
        "application/json",
        headers={"Authorization": f"Bearer {brand.api_key}", **headers},
    )
    return answer.status_code, answer.json()


def people(scene: Scene, count: int, *, area: str = "212", **traits: Any) -> list[UUID]:
    """Subscribed contacts with numbers of one area."""
    start = len(scene.people)
    ids = [
        scene.add_person(f"p{start + index}", f"+1{area}555{1000 + start + index:04d}")
        for index in range(count)
    ]
    for one in ids if traits else ():
        change(scene, one, **traits)
    return ids


def change(scene: Scene, contact_id: UUID, **traits: Any) -> None:
    """Attributes of a contact, told as an event."""
    with tenant_scope(scene.id):
        change_contact(contact_id, read_traits(traits, country="US"), now=business_now())


def segment(scene: Scene, slug: str, attribute: str, value: str) -> Segment:
    """Who has this attribute, filled."""
    definition = {"all": [{"attribute": attribute, "op": "is", "value": value}]}
    with tenant_scope(scene.id):
        made = create_segment(slug.title(), slug=slug, definition=definition, now=scene.now)
        build_segment(made.id, now=scene.now)
        return made


def draft(client: Client, brand: Brand, **changes: Any) -> str:
    """A campaign to everybody, now; its id."""
    wanted = {"name": "Early access", "audience": "everybody", "body": TEXT, **changes}
    status, made = call(client, brand, "post", "campaigns", wanted)
    assert status == 201, made
    return str(made["id"])


def launch(client: Client, brand: Brand, **changes: Any) -> str:
    campaign = draft(client, brand, **changes)
    status, said = call(client, brand, "post", f"campaigns/{campaign}/launch")
    assert status == 200, said
    return campaign


def go(scene: Scene, at: datetime | None = None, *, limit: int = 1000) -> None:
    """All stages at one instant, until nothing is due."""
    if at is not None:
        move(scene, at)
    scene.now = business_now()
    for _ in range(200):
        done = scene.react()
        done += tick(scene.id, now=scene.now)
        done += fan_out(scene.id, now=scene.now, limit=limit)
        done += redecide_due(scene.id, now=scene.now)
        done += submit_queued(scene.id, now=scene.now, wall=wall_now())
        if not done:
            return
    raise AssertionError("the pipeline never came to rest")


def move(scene: Scene, at: datetime) -> None:
    """The business clock, for requests too; never backward."""
    if at > business_now():
        advance_clock(at)
    scene.now = business_now()


def walk(scene: Scene, until: datetime) -> None:
    """Business time up to `until`, stopping at every due instant."""
    go(scene)
    for _ in range(500):
        due = next_due(scene)
        if due is None or due > until:
            return go(scene, until)
        go(scene, due)
    raise AssertionError("there was always something due")


def next_due(scene: Scene) -> datetime | None:
    with tenant_scope(scene.id):
        texts = Message.objects.filter(status="scheduled", due_at__gt=scene.now)
        # A campaign that waits for its last texts looks again and again: that is no instant of its own.
        orders = FanOut.objects.filter(
            done_at=None, on_hold=False, stage="entering", starts_at__gt=scene.now
        )
        found = [
            *texts.order_by("due_at").values_list("due_at", flat=True)[:1],
            *orders.order_by("starts_at").values_list("starts_at", flat=True)[:1],
        ]
    return min(found, default=None)


def campaign_of(scene: Scene) -> Campaign:
    with tenant_scope(scene.id):
        found: Campaign = Campaign.objects.get()
        return found
