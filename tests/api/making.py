"""A workspace with one of everything the API shows, and the other one beside it."""

from __future__ import annotations

from datetime import datetime, timedelta

from connectors.domain.connectors import create_connector
from connectors.models import ReceivedBody
from delivery.models import Message
from events.domain.webhooks import create_endpoint
from imports.domain.jobs import attach_file, create_import
from people.models import Contact
from segments.domain.segments import create_segment
from templates_engine.domain.templates import save_and_approve
from tenancy.clock import advance_clock
from tenancy.domain.keys import create_api_key
from tenancy.ids import show_id
from tenancy.scope import tenant_scope
from tests.api.calling import Api
from tests.support.world import World
from tests.web.story import tell_story
from triggers.domain.campaign_drafts import Wanted, create_campaign
from triggers.domain.watching import watch_date

SEGMENT = {"all": [{"attribute": "city", "op": "is", "value": "Los Angeles"}]}


def make_api(world: World, *, now: datetime, hook_url: str = "https://8.8.8.8/hook") -> Api:
    """Maya (may be texted) and Ruth (said STOP), three live flows, messages of every kind."""
    tell_story(world.shop, now=now, also=world.other)
    # The next day at ten in Los Angeles: nobody's quiet hours.
    advance_clock(now + timedelta(hours=24))
    with tenant_scope(world.shop.tenant.id):
        people = dict(Contact.objects.values_list("external_id", "id"))
        save_and_approve("plain", body="Good news today.", now=now)
        save_and_approve(
            "shipped",
            body="Order [OrderNumber or 'yours'] is on its way.",
            message_type="transactional",
            now=now,
        )
        create_segment("Angelenos", slug="angelenos", definition=SEGMENT, now=now)
        hook, _ = create_endpoint(url=hook_url, event_names=["SMS Sent"], now=now)
        connector, _ = create_connector(kind="webhook", name="Help desk", now=now)
        body = ReceivedBody.objects.create(
            connector=connector,
            delivery_key="1",
            body='{"event": "Ticket Solved", "phone": "+13105550142"}',
            received_at=now,
            state="done",
        )
        wanted = Wanted("Sale", audience="everybody", body="Good news today.")
        campaign = create_campaign(wanted, now=now)
        message = Message.objects.filter(contact_id=people["maya"]).order_by("created_at")[0]
        date = watch_date("birthday", days=-7, now=now)
        job = create_import("contacts", "contacts.csv", now=now)
        attach_file(job.id, [b"phone,first_name,last_purchase\n+13105550142,Maya,2026-05-31\n"])
        spare, _ = create_api_key(name="Spare", scopes=["events:write"], now=now)
    return Api(
        world.shop,
        world.other,
        {
            "contacts": show_id("con", people["maya"]),
            "stopped": show_id("con", people["ruth"]),
            "messages": show_id("msg", message.id),
            "campaigns": show_id("cmp", campaign.id),
            "webhooks": show_id("whk", hook.id),
            "connectors": show_id("cnr", connector.id),
            "bodies": show_id("bdy", body.id),
            "imports": show_id("imp", job.id),
            "watched-dates": show_id("dat", date.id),
            "keys": show_id("key", spare.id),
        },
    )
