"""The test phone: one contact's phone, and the shop's buttons. Real events, real texts, real taps.

What goes in goes through the product's own doors: the shop's events through the public API, taps
through the short link, replies through the carrier. What is shown is read from the ledger.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.conf import settings

from api.problems import Problem
from commerce.models import BackInStockRequest, Cart, Product
from delivery.domain.history import list_messages
from delivery.domain.queries import inbound_of
from delivery.models import Sender
from demo.core.cast import BRANDS, JONAS, MAYA, BrandPlan
from demo.core.plan import Post
from demo.domain.client import Carrier, Shop
from demo.domain.own_shop import sample_product, send
from people.domain.queries import ContactFacts, contacts_by_id, list_contacts
from people.models import Identifier
from tenancy.models import Tenant

REWARD = 15
PRICES = (1_200, 9_000)  # what somebody would send a text about
_LINK = re.compile(r"(?:https?://)?[\w.:-]+/t/(?P<token>[A-Za-z0-9]+)")


@dataclass(frozen=True, slots=True)
class Button:
    """Something the contact, or the shop, can do. `post` is what the shop would send."""

    key: str
    icon: str
    title: str
    detail: str
    post: Post


@dataclass(frozen=True, slots=True)
class Bubble:
    """One text on the phone. `pieces`: (words, token of the link they are, or "")."""

    key: str
    at: datetime
    mine: bool
    pieces: tuple[tuple[str, str], ...]


def choices(*, now: datetime) -> list[ContactFacts]:
    """Whom the visitor may be: the cast first, then the newest contacts with a number."""
    cast = dict(
        Identifier.objects.filter(
            kind=Identifier.Kind.EXTERNAL_ID, value__in=[MAYA.user_id, JONAS.user_id]
        ).values_list("value", "contact_id")
    )
    first = [cast[each.user_id] for each in (MAYA, JONAS) if each.user_id in cast]
    known = contacts_by_id(first)
    others = [c for c in list_contacts(limit=30).contacts if c.phone and c.id not in known]
    return [known[key] for key in first if key in known] + others


def thread_of(contact: ContactFacts) -> list[Bubble]:
    """What stands on the contact's phone, oldest first: texts that reached it, and replies."""
    texts = list_messages(contact_id=contact.id, statuses=("sent", "delivered"), limit=40)
    bubbles = [
        Bubble(str(story.id), story.happened_at, False, _pieces(story.body))
        for story in texts.stories
    ]
    bubbles += [
        Bubble(str(reply.id), reply.received_at, True, ((reply.body, ""),))
        for reply in inbound_of(contact.id, limit=40)
    ]
    return sorted(bubbles, key=lambda bubble: bubble.at)


def buttons_for(tenant: Tenant, contact: ContactFacts, *, now: datetime) -> list[Button]:
    """The four buttons. Products, carts and requests are the workspace's own."""
    user_id = contact.external_id or ""
    products = list(
        Product.objects.filter(price_minor__range=PRICES).exclude(name="").order_by("key")[:40]
    )
    if _plan_of(tenant) is None:
        products = products or [sample_product(tenant)]
    elif not user_id or not products:
        return []
    product = products[contact.id.int % len(products)]
    cart = (
        Cart.objects.filter(contact_id=contact.id, state=Cart.State.OPEN)
        .order_by("-updated_at")
        .first()
    )
    tag = f"{now:%m%d%H%M%S}"
    return [
        _checkout(tenant, user_id, product, tag, now),
        _order(user_id, product, cart, tag, now),
        _reward(tenant, user_id, now),
        _restock(user_id, contact.id, products, now),
    ]


def shop_of(tenant: Tenant) -> Shop:
    """The workspace's shop, as its own server would speak to us."""
    plan = _plan_of(tenant)
    key = plan.write_key if plan else ""
    return Shop(settings.KAIROS_PUBLIC_BASE_URL, write_key=key)


def _plan_of(tenant: Tenant) -> BrandPlan | None:
    return next((plan for plan in BRANDS if plan.slug == tenant.slug), None)


def press(tenant: Tenant, button: Button, contact: ContactFacts) -> None:
    """Sends the event as the shop would. Call it outside of every scope."""
    if _plan_of(tenant) is None:
        send(tenant, button.post, contact)
    else:
        shop_of(tenant).track([button.post])


def tap_link(tenant: Tenant, token: str) -> str:
    """Opens a short link as the phone's browser does; returns the shop's address it leads to."""
    return shop_of(tenant).tap(f"{settings.KAIROS_LINK_BASE_URL}/t/{token}")


@dataclass(frozen=True, slots=True)
class Line:
    """What a reply needs: the carrier's account and the brand's number."""

    account_sid: str
    number: str


def line_of() -> Line:
    """The workspace's line; needs its scope."""
    sender = Sender.objects.select_related("gateway").order_by("created_at").first()
    if sender is None:
        raise Problem(
            "no_sender", "Connect sending first: this workspace has no number.", status=409
        )
    return Line(sender.gateway.account_sid, sender.phone)


def send_reply(line: Line, contact: ContactFacts, body: str) -> None:
    """The contact's phone answers: into the carrier, which tells us by a signed webhook."""
    carrier = Carrier(settings.KAIROS_TWILIO_BASE_URL or "")
    carrier.reply(line.account_sid, sender=contact.phone or "", to=line.number, body=body)


def _pieces(body: str) -> tuple[tuple[str, str], ...]:
    pieces, end = [], 0
    for match in _LINK.finditer(body):
        pieces += [(body[end : match.start()], ""), (match[0], match["token"])]
        end = match.end()
    return tuple(piece for piece in (*pieces, (body[end:], "")) if piece[0])


def _item(product: Product) -> dict[str, Any]:
    return {
        "product_id": product.key,
        "name": product.name,
        "price": (product.price_minor or 0) / 100,
        "category": product.category,
        "url": product.url,
    }


def _money(product: Product) -> str:
    return f"${(product.price_minor or 0) / 100:,.2f}"


def _checkout(tenant: Tenant, user_id: str, product: Product, tag: str, now: datetime) -> Button:
    cart = f"T{tag}"
    body = {
        "cart_id": cart,
        "value": (product.price_minor or 0) / 100,
        "currency": product.currency or tenant.currency,
        "cart_url": f"{tenant.shop_url}/cart/{cart}",
        "products": [{**_item(product), "quantity": 1}],
    }
    return Button(
        "checkout",
        "shopping-cart",
        "Start a checkout",
        f"{product.name} · {_money(product)}",
        Post(now, user_id, "Checkout Started", body),
    )


def _order(user_id: str, product: Product, cart: Cart | None, tag: str, now: datetime) -> Button:
    total = ((cart.value_minor if cart else None) or product.price_minor or 0) / 100
    body: dict[str, Any] = {
        "order_id": f"T{tag}",
        "total": total,
        "currency": (cart.currency if cart else "") or product.currency or "USD",
        "products": list(cart.items)
        if cart and cart.items
        else [{**_item(product), "quantity": 1}],
    }
    if cart is not None and not cart.key.startswith("contact:"):
        body["cart_id"] = cart.key
    detail = f"${total:,.2f} · what is in the cart" if cart else f"{product.name} · ${total:,.2f}"
    return Button(
        "order", "shopping-bag", "Place the order", detail,
        Post(now, user_id, "Order Completed", body),
    )  # fmt: skip


def _reward(tenant: Tenant, user_id: str, now: datetime) -> Button:
    body = {
        "balance": REWARD,
        "currency": tenant.currency,
        "redeem_url": f"{tenant.shop_url}/rewards",
    }
    return Button(
        "reward",
        "gift",
        f"Reach a ${REWARD} reward",
        "The loyalty balance becomes $15",
        Post(now, user_id, "Loyalty Balance Changed", body),
    )


def _restock(user_id: str, contact_id: UUID, products: list[Product], now: datetime) -> Button:
    """Asks for a product that is gone; once asked, the shop can bring it back."""
    waiting = (
        BackInStockRequest.objects.filter(contact_id=contact_id, fulfilled_at=None)
        .select_related("product")
        .order_by("-requested_at")
        .first()
    )
    if waiting is not None:
        back = waiting.product
        body = {**_item(back), "stock": 40}
        return Button(
            "restock", "package-check", "Bring it back in stock", f"{back.name} · 40 pieces",
            Post(now, "", "Product Inventory Changed", body),
        )  # fmt: skip
    gone = [product for product in products if product.stock == 0] or products
    wanted = gone[contact_id.int % len(gone)]
    return Button(
        "restock", "bell", "Ask to hear of a restock", wanted.name,
        Post(now, user_id, "Back In Stock Requested", _item(wanted)),
    )  # fmt: skip
