"""What texts may say of the event that started them: checked when a flow goes live."""

from __future__ import annotations

from typing import Any

import pytest

from api.problems import Problem
from events.domain.catalogue import set_event_flags
from events.domain.recording import NewEvent, append_events
from events.domain.usage import list_usages
from templates_engine.domain.templates import save_and_approve
from tenancy.scope import tenant_scope
from tests.support.world import World
from triggers.core.event_words import EventFacts, said_of_event
from triggers.domain.flows import create_flow, publish_flow
from triggers.models import Flow

pytestmark = pytest.mark.django_db


def flow_on(event: str, world: World, *, body: str, name: str = "Kiln") -> Flow:
    slug = name.lower()
    save_and_approve(f"{slug}-text", body=body, now=world.now)
    definition: dict[str, Any] = {
        "trigger": {"type": "event", "event": event},
        "reentry": {"mode": "every", "min_gap": "PT24H"},
        "exit": [{"event": "Order Completed"}],
        "steps": [{"key": "text_1", "type": "message", "template": f"{slug}-text"}],
    }
    return create_flow(name, slug=slug, definition=definition, now=world.now)


def came(world: World, *names: str) -> None:
    append_events([NewEvent(name, None, {}, world.now) for name in names], now=world.now)


def refused(flow: Flow, world: World) -> list[tuple[str, str, str]]:
    with pytest.raises(Problem) as caught:
        publish_flow(flow, now=world.now)
    return [(error.field, error.code, error.detail) for error in caught.value.errors]


def test_nothing_of_a_sensitive_event_stands_in_a_text(world: World) -> None:
    body = "Hi [FirstName or 'there'], your [event.treatment or 'visit'] is booked."
    with tenant_scope(world.other.tenant.id):
        came(world, "Treatment Booked")
        publish_flow(flow_on("Treatment Booked", world, body=body), now=world.now)
    with tenant_scope(world.shop.tenant.id):
        came(world, "Treatment Booked")
        flow = flow_on("Treatment Booked", world, body=body)
        set_event_flags("Treatment Booked", changes={"is_sensitive": True}, now=world.now)
        [(field, code, detail)] = refused(flow, world)
        assert (field, code) == ("steps[0].template", "sensitive_event")
        assert "event.treatment from Treatment Booked" in detail
        assert "FirstName" not in detail
        save_and_approve("kiln-text", body="Hi [FirstName or 'there'], see you.", now=world.now)
        fresh = flow_on(
            "Treatment Booked", world, body="Hi [FirstName or 'there'].", name="Kilntwo"
        )
        publish_flow(fresh, now=world.now)
    with tenant_scope(world.other.tenant.id):  # the flag is the other workspace's own affair
        publish_flow(flow_on("Treatment Booked", world, body=body, name="Kilnthree"), now=world.now)


@pytest.mark.parametrize(
    "body",
    [
        "About [ProductName or 'it'].",
        "At [AppointmentPlace or 'our place'].",
        "[product.name or 'it'] waits.",
    ],
)
def test_fields_that_may_look_into_the_event_count(world: World, body: str) -> None:
    with tenant_scope(world.shop.tenant.id):
        came(world, "Treatment Booked")
        set_event_flags("Treatment Booked", changes={"is_sensitive": True}, now=world.now)
        flow = flow_on("Treatment Booked", world, body=body)
        assert [code for _, code, _ in refused(flow, world)] == ["sensitive_event"]


def test_answers_to_replies_are_texts_too(world: World) -> None:
    with tenant_scope(world.shop.tenant.id):
        came(world, "Treatment Booked")
        set_event_flags("Treatment Booked", changes={"is_sensitive": True}, now=world.now)
        save_and_approve(
            "answer",
            body="It is [event.treatment or 'a visit'].",
            message_type="conversational",
            now=world.now,
        )
        save_and_approve("ask", body="Any question? Reply SIZE.", now=world.now)
        definition = {
            "trigger": {"type": "event", "event": "Treatment Booked"},
            "reentry": {"mode": "every", "min_gap": "PT24H"},
            "exit": [{"event": "Order Completed"}],
            "steps": [
                {"key": "t", "type": "message", "template": "ask", "replies": {"SIZE": "answer"}}
            ],
        }
        flow = create_flow("Asks", slug="asks", definition=definition, now=world.now)
        assert [(field, code) for field, code, _ in refused(flow, world)] == [
            ("steps[0].replies.SIZE", "sensitive_event")
        ]


def test_saying_what_nobody_expects_is_a_notice(world: World) -> None:
    body = "Still thinking of [ProductName or 'it']?"
    with tenant_scope(world.shop.tenant.id):
        came(world, "Product Viewed")
        done = publish_flow(flow_on("Product Viewed", world, body=body), now=world.now)
        assert "unexpected_event" in [notice.code for notice in done.notices]
        set_event_flags("Product Viewed", changes={"is_expected": True}, now=world.now)
        done = publish_flow(
            flow_on("Product Viewed", world, body=body, name="Second"), now=world.now
        )
        assert "unexpected_event" not in [notice.code for notice in done.notices]


@pytest.mark.parametrize(
    ("event", "labels", "code"),
    [
        (EventFacts("A", is_sensitive=True), ["X"], "sensitive_event"),
        (EventFacts("A", is_sensitive=True, is_expected=True), ["X"], "sensitive_event"),
        (EventFacts("A", is_sensitive=True), [], None),
        (EventFacts("A", is_expected=False), ["X"], "unexpected_event"),
        (EventFacts("A", is_expected=False), [], None),
        (EventFacts("A", is_expected=None), ["X"], None),
        (EventFacts("A", is_expected=True), ["X"], None),
    ],
)
def test_verdicts(event: EventFacts, labels: list[str], code: str | None) -> None:
    verdict = said_of_event(event, "text", labels)
    assert (verdict.code if verdict else None) == code


def test_uses_name_flows_with_what_the_event_does_there(world: World) -> None:
    with tenant_scope(world.other.tenant.id):
        flow_on("Kiln Opened", world, body="Hello", name="Theirs")
    with tenant_scope(world.shop.tenant.id):
        body = "See [event.shelf or 'the shelf']."
        live = flow_on("Kiln Opened", world, body=body, name="Live")
        publish_flow(live, now=world.now)
        flow_on("Kiln Opened", world, body="Hello", name="Draft")
        uses = list_usages()
        assert [(u.label, u.role, u.live, u.reads) for u in uses["Kiln Opened"]] == [
            ("Draft", "starts", False, ()),
            ("Live", "starts", True, ("event.shelf",)),
        ]
        assert [(u.label, u.role) for u in uses["Order Completed"]] == [
            ("Draft", "ends"),
            ("Live", "ends"),
        ]
