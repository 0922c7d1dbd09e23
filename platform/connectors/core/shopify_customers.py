"""Who a Shopify body is about, and what they said about texts. Pure."""

from __future__ import annotations

from typing import Any

from connectors.core.items import (
    IDENTIFY,
    ConsentSaid,
    Data,
    Item,
    Shop,
    Translation,
    count_of,
    data_of,
    filled,
    ignore,
    text_of,
)
from events.core import names

_OPTED_IN = {"single_opt_in", "confirmed_opt_in"}


def read_customer(body: Data, shop: Shop) -> Translation:
    if not shop.key(body.get("id")):
        return ignore("no_id", "A customer has an id.")
    at = text_of(body.get("updated_at")) or text_of(body.get("created_at"))
    address = data_of(body.get("default_address"))
    tags = [tag.strip() for tag in text_of(body.get("tags"), limit=2_000).split(",") if tag.strip()]
    item = Item(
        names.IDENTIFIED,
        f"shopify:{shop.prefix}customer:{body['id']}:{at}",
        at,
        kind=IDENTIFY,
        external_id=shop.key(body.get("id")),
        phone=text_of(body.get("phone")),
        email=text_of(body.get("email"), limit=300),
        country=text_of(address.get("country_code")),
        traits=person_of(body)
        | filled(
            [
                ("city", text_of(address.get("city"))),
                ("region", text_of(address.get("province_code"))),
                ("postal_code", text_of(address.get("zip"), limit=32)),
                ("country", text_of(address.get("country_code"))),
                ("shopify_tags", tags[:50]),
                ("shopify_orders_count", count_of(body.get("orders_count"))),
                ("shopify_total_spent", text_of(body.get("total_spent"))),
            ]
        ),
    )
    return Translation([item], consent=consent_of(body, country=item.country))


def consent_of(customer: Data, *, country: str) -> ConsentSaid | None:
    """The explicit SMS state with its level and time. What is not there means nothing, and what
    somebody said about e-mail means nothing here."""
    said = data_of(customer.get("sms_marketing_consent"))
    state, level = text_of(said.get("state")), text_of(said.get("opt_in_level"))
    at, phone = text_of(said.get("consent_updated_at")), text_of(customer.get("phone"))
    if not phone or not at:
        return None
    if state == "subscribed" and level in _OPTED_IN:
        action = "opt_in"
    elif state == "unsubscribed":
        action = "opt_out"
    else:
        return None
    evidence = filled(
        [
            ("said_by", "Shopify"),
            ("customer_id", text_of(customer.get("id"))),
            ("sms_state", state),
            ("opt_in_level", level),
            ("consent_updated_at", at),
            ("collected_from", text_of(said.get("consent_collected_from"))),
        ]
    )
    return ConsentSaid(action, phone, at, level, evidence, country)


def whose_is(body: Data, shop: Shop) -> dict[str, Any]:
    """Identifiers of the buyer. Never the number of a shipping address: that may be a gift."""
    customer = data_of(body.get("customer"))
    address = data_of(customer.get("default_address")) or data_of(body.get("billing_address"))
    cart = text_of(body.get("cart_token"))
    return {
        "external_id": shop.key(customer.get("id")),
        "phone": text_of(customer.get("phone")) or text_of(body.get("phone")),
        "email": text_of(customer.get("email"), limit=300)
        or text_of(body.get("email"), limit=300)
        or text_of(body.get("contact_email"), limit=300),
        "anonymous_id": shop.key(f"cart-{cart}") if cart and shop.hears_carts else "",
        "country": text_of(address.get("country_code")),
    }


def person_of(customer: Data) -> dict[str, Any]:
    return filled([(name, text_of(customer.get(name))) for name in ("first_name", "last_name")])
