"""Two workspaces with the same people, flows and texts; what belongs to the other one is marked."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pytest

from commerce.models import Product
from connectors.domain.connectors import create_connector
from connectors.models import ReceivedBody
from consent.domain.keywords import add_keyword
from consent.domain.sign_up import save_page
from delivery.domain.opting_out import opt_out_url
from delivery.models import Gateway, Message, SendAttempt, TrackedLink
from events.domain.webhooks import create_endpoint
from imports.domain.jobs import attach_file, create_import
from people.models import Contact
from segments.domain.segments import create_segment
from templates_engine.domain.templates import save_and_approve
from tenancy.clock import wall_now
from tenancy.domain.invites import create_invite
from tenancy.domain.keys import create_api_key, create_write_key
from tenancy.ids import show_id
from tenancy.models import WriteKey
from tenancy.scope import tenant_scope
from tests.support.world import Brand, World
from tests.web.story import tell_story
from triggers.domain.campaign_drafts import Wanted, create_campaign
from triggers.domain.flows import create_flow, publish_flow
from triggers.domain.watching import watch_date

FLOW = {
    "trigger": {"type": "event", "event": "Checkout Started"},
    "reentry": {"mode": "every", "min_gap": "PT24H"},
    "exit": [{"event": "Order Completed"}],
    "steps": [{"key": "text", "type": "message", "template": "only"}],
}
SIGN_UP = {
    "headline": "Texts from us",
    "sends": "offers",
    "frequency": "Msg frequency varies",
    "terms_url": "https://juniper.example/terms",
    "privacy_url": "https://juniper.example/privacy",
}
SEGMENT = {"all": [{"attribute": "city", "op": "is", "value": "Los Angeles"}]}


@dataclass(frozen=True)
class Objects:
    """One workspace's things, by the names that addresses use for them."""

    brand: Brand
    kwargs: dict[str, Any]
    now: datetime
    narrow_key: str  # an API key that opens next to nothing
    marks: tuple[str, ...]  # what nobody else may ever see in an answer

    def fill(self, route: str, *, objects: Objects | None = None) -> str:
        """The route as a path: this workspace's slug, the objects of `objects` or its own."""
        values = {**(objects or self).kwargs, "call": "track", "color": "1d6b5f"}
        path = route
        if route.startswith("w/"):
            path = path.replace("<slug:slug>", self.brand.tenant.slug)
        else:
            kind = route.split("/")[2] if route.count("/") > 1 else ""
            path = path.replace("<slug:slug>", values.get(f"{kind}_slug", ""))
            path = path.replace("<str:ref>", values.get(f"{kind}_ref", "<str:ref>"))
        for name, value in values.items():
            for converter in ("str", "slug", "uuid", "int", "path"):
                path = path.replace(f"<{converter}:{name}>", str(value))
        assert "<" not in path, path
        return f"/{path}"


@dataclass(frozen=True)
class Pair:
    ours: Objects
    theirs: Objects


@pytest.fixture
def pair(world: World, now: datetime) -> Pair:
    tell_story(world.shop, now=now, also=world.other)
    return Pair(make_objects(world.shop, "ours", now), make_objects(world.other, "theirs", now))


def make_objects(brand: Brand, name: str, now: datetime) -> Objects:
    """What only this workspace has, beside the look-alikes of the story."""
    invite, _ = create_invite(
        brand.organization,
        email=f"invited@{name}.example",
        role="analyst",
        wall=wall_now(),
        now=now,
    )
    member_id = brand.analyst.memberships.get().id
    with tenant_scope(brand.tenant.id):
        people = dict(Contact.objects.values_list("external_id", "id"))
        maya, ruth = people["maya"], people["ruth"]
        save_and_approve("only", body=f"Hello from {name}-words", now=now)
        save_and_approve(f"only-{name}", body=f"Hello from {name}-words", now=now)
        flow = create_flow(f"Flow of {name}", slug=f"only-{name}", definition=FLOW, now=now)
        publish_flow(flow, now=now)
        create_segment(f"Segment of {name}", slug=f"only-{name}", definition=SEGMENT, now=now)
        narrow_key, narrow = create_api_key(
            name=f"Narrow {name}", scopes=["messages:read"], now=now
        )
        create_write_key(name=f"Shop of {name}", kind="server", now=now)
        gateway = Gateway.objects.get()
        message = Message.objects.filter(contact_id=maya).order_by("created_at")[0]
        attempt = SendAttempt.objects.create(
            message=message,
            gateway=gateway,
            sender_id=message.sender_id,
            state="accepted",
            started_at=now,
            sid=f"SM{name:0<32}",
            body_hash="0" * 64,
        )
        link = TrackedLink.objects.order_by("id")[0]
        add_keyword(f"club{name}", now=now)
        save_page(SIGN_UP, asks_name=True, live=True, now=now)
        hook, _ = create_endpoint(
            url=f"https://8.8.8.8/{name}-hook", event_names=["SMS Sent"], now=now
        )
        connector, _ = create_connector(kind="webhook", name=f"Connector of {name}", now=now)
        body = ReceivedBody.objects.create(
            connector=connector,
            delivery_key="1",
            topic=f"topic-{name}",
            body='{"event": "Ticket Solved", "phone": "+13105550142"}',
            received_at=now,
            state="done",
        )
        campaign = create_campaign(
            Wanted(f"Campaign of {name}", audience="everybody", body=f"Hello from {name}-words"),
            now=now,
        )
        date = watch_date("birthday", days=-7, now=now)
        job = create_import("contacts", f"{name}-words.csv", now=now)
        attach_file(job.id, [f"phone\n+13105550142\n{name}-words\n".encode()])
        kwargs = {
            "job": show_id("imp", job.id),
            "date": show_id("dat", date.id),
            "ref": show_id("con", maya),
            "messages_ref": show_id("msg", message.id),
            "keys_ref": show_id("key", narrow_key.id),
            "campaign": show_id("cmp", campaign.id),
            "product": show_id("prod", Product.objects.get(key="mug").id),
            "hook": show_id("whk", hook.id),
            "connector": show_id("cnr", connector.id),
            "public_id": connector.public_id,
            "body": show_id("bdy", body.id),
            "name": "Checkout Started",
            "attribute_name": "loyalty_tier",
            "flow_slug": f"only-{name}",
            "flows_slug": f"only-{name}",
            "templates_slug": f"only-{name}",
            "segments_slug": f"only-{name}",
            "segment_slug": f"only-{name}",
            "template_slug": f"only-{name}",
            "key": "text",
            "number": 1,
            "recipe_slug": "cart-recovery",
            "organization": brand.organization.slug,
            "member_id": member_id,
            "invite_id": invite.id,
            "kind": "write",
            "key_id": WriteKey.objects.get(name=f"Shop of {name}").id,
            "gateway_id": gateway.id,
            "sender_id": message.sender_id,
            "attempt_id": attempt.id,
            "token": link.token,
            "page": brand.tenant.slug,
            "sealed": opt_out_url("+13105550142").rpartition("/")[2],
            "word": f"club{name}",
        }
        marks = (
            f"{name}-hook",
            f"Connector of {name}",
            f"topic-{name}",
            f"only-{name}",
            f"Flow of {name}",
            f"Segment of {name}",
            f"Campaign of {name}",
            f"Narrow {name}",
            f"Shop of {name}",
            f"invited@{name}",
            f"{name}-words",
            maya.hex,
            ruth.hex,
            str(message.id),
            message.id.hex,
        )
    return Objects(brand, kwargs, now, narrow, marks)
