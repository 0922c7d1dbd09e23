"""The shop of a workspace that is no brand of the demo: its events come from the test phone alone.

The demo's brands send through the public API with a write key of theirs. A workspace of somebody's
own has keys too, but nobody knows them any more; so its events go in by the same decoder and the
same verb that the API's door uses.
"""

from __future__ import annotations

from typing import Any

import msgspec

from commerce.models import Product
from demo.core.plan import Post
from demo.domain.client import ShopError
from events.core.api_spec import ApiEvent, read_event
from events.domain.ingestion import accept_events
from people.domain.queries import ContactFacts, defaults_of
from tenancy.clock import business_now
from tenancy.models import Tenant


def sample_product(tenant: Tenant) -> Product:
    """What stands in the cart while the workspace knows no product. Not saved."""
    return Product(
        key="sample-mug",
        name="Sample mug",
        price_minor=2400,
        currency=tenant.currency,
        category="Samples",
        url=tenant.shop_url,
        stock=0,
    )


def send(tenant: Tenant, post: Post, contact: ContactFacts) -> None:
    """Stores one event, as POST /api/v1/events would. Call it outside of every scope."""
    said: dict[str, Any] = {"event": post.name, "properties": post.body}
    if not post.about_product:
        said["contact"] = _named(contact)
    event = read_event(
        msgspec.convert(said, ApiEvent), country=defaults_of(tenant.id).country, sent_at=None
    )
    (result,) = accept_events(tenant.id, [event], source="api", now=business_now())
    if result.errors:
        raise ShopError("; ".join(error.detail for error in result.errors))


def _named(contact: ContactFacts) -> dict[str, str]:
    """By what the shop would know them: its own id, else the number, else the address."""
    for name in ("external_id", "phone", "email"):
        if value := getattr(contact, name):
            return {name: value}
    raise ShopError("This contact has no id, number or e-mail.")
