"""The funnel says beforehand what the gate then does, and what it costs."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from consent.domain.opt_outs import OptOut, record_opt_outs
from tenancy.clock import advance_clock
from tenancy.scope import tenant_scope
from tests.support.carrier import CarrierProcess
from tests.triggers.campaigning import call, change, draft, go, launch, people, segment
from tests.triggers.scene import Scene
from triggers.domain import funnels
from triggers.domain.prices import Price, set_price


@pytest.fixture(autouse=True)
def _clock(scene: Scene) -> None:
    advance_clock(scene.now)


def funnel(client: Client, scene: Scene, campaign: str) -> Any:
    status, said = call(client, scene.brand, "get", f"campaigns/{campaign}/funnel")
    assert status == 200, said
    return said


def unsubscribe(scene: Scene, name: str, phone: str) -> None:
    stop = OptOut(
        phone=phone,
        contact_id=scene.people[name],
        source="keyword",
        evidence={"body": "STOP"},
        occurred_at=scene.now,
    )
    with tenant_scope(scene.id):
        record_opt_outs([stop], now=scene.now)


def test_the_funnel_is_what_happens(
    scene: Scene, other_scene: Scene, client: Client, carrier: CarrierProcess
) -> None:
    members = people(scene, 8, cohort="spring")  # p1 .. p8
    change(scene, members[0], vip="yes")
    change(scene, scene.people["maya"], cohort="spring")
    unsubscribe(scene, "p2", "+12125551002")
    launch(client, scene.brand, name="First", audience="everybody")
    first_only = scene.people["p3"]
    go(scene)
    # Five hours later: everybody but the unsubscribed was texted by another campaign.
    later = scene.now + timedelta(days=2)
    go(scene, later)
    change(scene, first_only, news="yes")
    segment(scene, "news", "news", "yes")
    launch(client, scene.brand, name="Second", audience="segment", segment="news")
    go(scene)
    segment(scene, "spring", "cohort", "spring")
    segment(scene, "vips", "vip", "yes")
    third = draft(
        client, scene.brand, audience="segment", segment="spring", exclude=["vips"], name="Third"
    )
    said = funnel(client, scene, third)
    assert {key: said[key] for key in ("selected", "subscribed", "not_capped", "in_window")} == {
        "selected": 8,
        "subscribed": 7,
        "not_capped": 6,
        "in_window": 6,
    }
    assert (said["will_send"], said["parts"], said["sampled"], said["asked"]) == (6, 6, False, 6)
    assert said["held_back"] == {"unsubscribed": 1, "frequency_cap": 1}
    assert (said["price_micros"], said["currency"]) == (8300, "USD")
    assert said["cost_minor"] == 5  # 6 x 0.83 cents, rounded up
    before = len(carrier.messages())
    call(client, scene.brand, "post", f"campaigns/{third}/launch")
    go(scene)
    assert len(carrier.messages()) - before == said["will_send"]
    _, read = call(client, scene.brand, "get", f"campaigns/{third}")
    assert read["numbers"]["held_back"] == said["held_back"]


def test_asking_writes_nothing(scene: Scene, client: Client) -> None:
    people(scene, 3)
    campaign = draft(client, scene.brand)
    assert funnel(client, scene, campaign)["will_send"] == 4
    assert scene.messages() == []
    assert scene.runs() == []


def test_who_waits_for_the_morning_is_in_the_window_and_said(scene: Scene, client: Client) -> None:
    people(scene, 2, area="310")
    at = scene.now.replace(hour=3) + timedelta(days=1)  # 22:00 in New York, 19:00 in Los Angeles
    campaign = draft(client, scene.brand, timing="at", send_at=at.isoformat())
    said = funnel(client, scene, campaign)
    assert (said["in_window"], said["waits_for_window"], said["will_send"]) == (3, 1, 3)
    noon = (scene.now + timedelta(days=1)).strftime("%Y-%m-%dT12:00")
    local = draft(client, scene.brand, timing="local", local_time=noon)
    assert funnel(client, scene, local)["waits_for_window"] == 0


def test_a_very_large_audience_is_sampled_and_says_so(
    scene: Scene, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    people(scene, 40, cohort="spring")
    unsubscribe(scene, "p2", "+12125551002")
    segment(scene, "spring", "cohort", "spring")
    campaign = draft(client, scene.brand, audience="segment", segment="spring")
    whole = funnel(client, scene, campaign)
    assert (whole["selected"], whole["subscribed"], whole["sampled"]) == (40, 39, False)
    monkeypatch.setattr(funnels, "SAMPLE", 10)
    some = funnel(client, scene, campaign)
    assert (some["will_send"], some["asked"], some["sampled"]) == (39, 10, True)
    monkeypatch.setattr(funnels, "WHOLE", 20)
    fewer = funnel(client, scene, campaign)
    assert fewer["selected"] == 40
    assert fewer["sampled"]
    assert 30 <= fewer["will_send"] <= 40
    everybody = draft(client, scene.brand, audience="everybody")
    some = funnel(client, scene, everybody)
    assert some["sampled"]
    assert 25 <= some["selected"] <= 45  # 40 of 41
    assert some["subscribed"] == some["selected"]


def test_long_texts_cost_their_parts(scene: Scene, client: Client) -> None:
    campaign = draft(client, scene.brand, body="Long words. " * 20)
    said = funnel(client, scene, campaign)
    assert (said["will_send"], said["parts"]) == (1, 2)
    with tenant_scope(scene.id):
        set_price(50_000, "EUR", now=scene.now)
    said = funnel(client, scene, campaign)
    assert (said["cost_minor"], said["currency"]) == (10, "EUR")


def test_an_unfinished_draft_has_an_empty_funnel(scene: Scene, client: Client) -> None:
    _, made = call(client, scene.brand, "post", "campaigns", {"name": "Bare"})
    assert funnel(client, scene, made["id"])["selected"] == 0
    call(client, scene.brand, "patch", f"campaigns/{made['id']}", {"audience": "everybody"})
    said = funnel(client, scene, made["id"])
    assert (said["selected"], said["not_capped"], said["will_send"]) == (1, 1, 0)


@pytest.mark.parametrize(
    ("micros", "parts", "minor"), [(8300, 1, 1), (8300, 1000, 830), (8300, 0, 0), (10_000, 3, 3)]
)
def test_costs_are_rounded_up(micros: int, parts: int, minor: int) -> None:
    assert Price(micros, "USD", True).cost_minor(parts) == minor
