"""A workspace with something on every page, made through the same verbs as the real thing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from commerce.models import Product
from consent.core.message_types import CONSENT_TYPES
from consent.domain.opt_ins import OptIn, record_opt_ins
from consent.domain.opt_outs import OptOut, record_opt_outs
from delivery.domain.deciding import redecide_due
from delivery.domain.inbound import InboundSms, receive_inbound
from delivery.models import Gateway, Message, Sender
from events.domain.recording import NewEvent, append_events
from imports.core.columns import read_mapping
from imports.domain.advancing import advance
from imports.domain.jobs import attach_file, create_import, map_columns
from people.domain.attributes import TraitChange, apply_traits
from people.domain.resolving import IdentityRef, resolve_contacts
from tenancy.clock import advance_clock, business_now
from tenancy.ids import new_id, show_id
from tenancy.scope import tenant_scope
from tests.support.world import Brand
from triggers.domain.flows import publish_flow
from triggers.domain.reacting import react
from triggers.domain.recipes import install_recipe
from triggers.domain.ticking import tick
from triggers.domain.watching import watch_date
from triggers.models import Flow

RECIPES = ("cart-recovery", "back-in-stock", "loyalty-nudge")


@dataclass(frozen=True)
class Story:
    """What the pages of one workspace are about."""

    brand: Brand
    maya: UUID
    ruth: UUID
    product: UUID
    columns: str = ""  # imports: one waits for its columns, one was checked
    checked: str = ""

    @property
    def slug(self) -> str:
        return self.brand.tenant.slug

    def pages(self) -> dict[str, str]:
        """Every page a person can open, by name."""
        base, maya = f"/w/{self.slug}", show_id("con", self.maya)
        return {
            "home": f"{base}/",
            "home-30d": f"{base}/?period=30d",
            "contacts": f"{base}/contacts/",
            "contacts-none": f"{base}/contacts/?q=nobody",
            "contacts-narrowed": f"{base}/contacts/?has_phone=true&sort=name",
            "contact": f"{base}/contacts/{maya}/",
            "contact-stopped": f"{base}/contacts/{show_id('con', self.ruth)}/?show=messages",
            "contact-new": f"{base}/contacts/new/",
            "contact-paste": f"{base}/contacts/paste/",
            "imports": f"{base}/imports/",
            "import-upload": f"{base}/imports/new/",
            "import-columns": f"{base}/imports/{self.columns}/",
            "import-checked": f"{base}/imports/{self.checked}/",
            "contact-edit": f"{base}/contacts/{maya}/edit/",
            "contact-merge": f"{base}/contacts/{maya}/merge/?q=ruth",
            "contact-merge-preview": f"{base}/contacts/{maya}/merge/?with={show_id('con', self.ruth)}",
            "contact-erase": f"{base}/contacts/{maya}/erase/",
            "contact-consent": f"{base}/contacts/{show_id('con', self.ruth)}/consent/",
            "segments": f"{base}/segments/",
            "products": f"{base}/products/",
            "products-none": f"{base}/products/?q=nothing",
            "product": f"{base}/products/{show_id('prod', self.product)}/",
            "segment-new": f"{base}/segments/-/new/",
            "templates": f"{base}/templates/",
            "template": f"{base}/templates/cart-1/",
            "template-new": f"{base}/templates/-/new/",
            "messages": f"{base}/messages/",
            "messages-skipped": f"{base}/messages/?status=skipped",
            "messages-held": f"{base}/messages/?status=held&period=7d",
            "replies": f"{base}/replies/",
            "reply": f"{base}/replies/{maya}/",
            "flows": f"{base}/flows/",
            "flow": f"{base}/flows/cart-recovery/",
            "campaigns": f"{base}/campaigns/",
            "costs": f"{base}/settings/costs/",
            "dates": f"{base}/settings/dates/",
            "flow-text": f"{base}/flows/cart-recovery/?step=text_1&edit=1",
            "flow-delay": f"{base}/flows/cart-recovery/?step=wait_1h&edit=1",
            "flow-filter": f"{base}/flows/cart-recovery/?step=trigger&edit=1",
            "flow-versions": f"{base}/flows/cart-recovery/versions/",
            "flow-review": f"{base}/flows/cart-recovery/review/",
            "workspace": f"{base}/settings/workspace/",
            "sending": f"{base}/settings/sending/",
            "test-texts": f"{base}/settings/test-texts/",
            "quiet-hours": f"{base}/settings/quiet-hours/",
            "caps": f"{base}/settings/caps/",
            "sign-up": f"{base}/settings/sign-up/",
            "keys": f"{base}/settings/keys/",
            "attributes": f"{base}/settings/attributes/",
            "attribute": f"{base}/settings/attributes/name/first_name/",
            "events": f"{base}/settings/events/",
            "event": f"{base}/settings/events/name/Checkout%20Started/",
            "arrivals": f"{base}/settings/events/arrivals/",
            "site": f"{base}/settings/site/",
            "webhooks": f"{base}/settings/webhooks/",
            "connectors": f"{base}/settings/connectors/",
            "test-phone": f"{base}/test-phone/?contact={maya}",
            "team": f"{base}/settings/team/",
            "agency": f"/agency/{self.brand.organization.slug}/",
            "agency-team": f"/agency/{self.brand.organization.slug}/team/",
            "copying": f"/agency/{self.brand.organization.slug}/copy/",
            "missing": f"{base}/nothing-here/",
        }


def tell_story(brand: Brand, *, now: datetime, also: Brand | None = None) -> Story:
    """Two contacts, three live flows, texts delivered, waiting and skipped. Commits.

    `also`: a second workspace in which the same happens.
    """
    brands = [brand] if also is None else [brand, also]
    advance_clock(now)
    people = [_begin(each, now) for each in brands]
    advance_clock(now + timedelta(hours=13))
    for each in brands:
        _work(each)
        ask(each, "Is the oak tray dishwasher safe?")
    return Story(brand, *people[0], *_bring_files(brand))


def _bring_files(brand: Brand) -> tuple[str, str]:
    """A file that waits for its columns, and one that was checked and has something to say."""
    file = b"Phone,Name,Opted in,Points\n3105550143,Ida,yes,12\n3105550143,Ida,yes,12\n12,Bo,no,\n"
    refs, now = [], business_now()
    for name in ("members.csv", "spring.csv"):
        with tenant_scope(brand.tenant.id):
            job = attach_file(create_import("contacts", name, now=now).id, [file])
            refs.append(show_id("imp", job.id))
    with tenant_scope(brand.tenant.id):
        map_columns(
            job.id, read_mapping(job.mapping, kind=job.kind, width=4), {}, now=now, wall=now
        )
    while advance(brand.tenant.id, job.id, now=now):
        pass
    return refs[0], refs[1]


def _begin(brand: Brand, now: datetime) -> tuple[UUID, UUID, UUID]:
    with tenant_scope(brand.tenant.id):
        _add_sender(now)
        for slug in RECIPES:
            install_recipe(slug, now=now)
        for flow in Flow.objects.all():
            publish_flow(flow, now=now)
        watch_date("birthday", days=-3, now=now)
        maya = _add_contact("maya", "+13105550142", "Maya", "Los Angeles", now)
        ruth = _add_contact("ruth", "+12125550117", "Ruth", "New York", now)
        for key, name, price in (("mug", "Ridge mug, sage", 2400), ("tray", "Oak tray", 5600)):
            _add_product(key, name, price, now)
        stop = OptOut(
            phone="+12125550117",
            contact_id=ruth,
            source="keyword",
            evidence={"body": "STOP"},
            occurred_at=now,
        )
        record_opt_outs([stop], now=now)
        for contact in (maya, ruth):
            _happen("Loyalty Balance Changed", contact, {"balance": 15, "currency": "USD"}, now)
            _happen("Checkout Started", contact, _cart(contact), now)
    _work(brand)
    with tenant_scope(brand.tenant.id):
        # There is no carrier here: what is queued counts as delivered.
        arrived = business_now()
        Message.objects.filter(status="queued").update(
            status="delivered", sent_at=arrived, final_at=arrived + timedelta(seconds=3)
        )
    with tenant_scope(brand.tenant.id):
        return maya, ruth, Product.objects.get(key="mug").id


def _add_product(key: str, name: str, price: int, now: datetime) -> None:
    Product.objects.create(
        key=key,
        name=name,
        price_minor=price,
        currency="USD",
        stock=12,
        url=f"https://juniper.example/p/{key}",
        created_at=now,
        updated_at=now,
    )


def _cart(contact: UUID) -> dict[str, object]:
    return {
        "cart_id": f"c-{contact.hex[-4:]}",
        "value": 24,
        "currency": "USD",
        "cart_url": "https://juniper.example/cart",
        "products": [{"product_id": "mug", "name": "Ridge mug, sage", "price": 24}],
    }


def add_people(story: Story, count: int, *, now: datetime) -> None:
    """More contacts with carts, so that lists have more to show."""
    with tenant_scope(story.brand.tenant.id):
        for number in range(count):
            phone = f"+1213555{100 + number:04d}"
            contact = _add_contact(f"more-{number}", phone, f"Ada{number}", "Los Angeles", now)
            cart = {"cart_id": f"m-{number}", "value": 24, "currency": "USD"}
            _happen("Checkout Started", contact, cart, now)
            _happen("Loyalty Balance Changed", contact, {"balance": 20, "currency": "USD"}, now)
    _work(story.brand)


def ask(brand: Brand, words: str, phone: str = "+13105550142") -> None:
    """A text of Maya's (or another phone's) that no keyword takes care of."""
    sms = InboundSms(sid=f"SM{new_id().hex}", from_phone=phone, to_phone="+13105550199", body=words)
    with tenant_scope(brand.tenant.id):
        receive_inbound(Gateway.objects.get(), sms, now=business_now())


def _work(brand: Brand) -> None:
    # Only planning: without a carrier every submit would fail.
    for _ in range(6):
        now = business_now()
        stages = (react, tick, redecide_due)
        if not sum(stage(brand.tenant.id, now=now) for stage in stages):
            break


def _add_sender(now: datetime) -> None:
    gateway = Gateway(kind=Gateway.Kind.SIMULATOR, account_sid="AC" + "0" * 32, created_at=now)
    gateway.set_secrets(secret="x", auth_tokens=["x"])
    gateway.save(force_insert=True)
    Sender.objects.create(
        gateway=gateway, phone="+13105550199", segments_per_second=50, created_at=now
    )


def _add_contact(key: str, phone: str, name: str, city: str, now: datetime) -> UUID:
    [contact] = resolve_contacts([IdentityRef(external_id=key, phone=phone)], now=now)
    assert contact is not None
    apply_traits(
        [TraitChange(contact, {"first_name": name, "last_name": "Okonkwo", "city": city})], now=now
    )
    record_opt_ins(
        [OptIn(phone=phone, source="web_form", occurred_at=now - timedelta(days=40),
               contact_id=contact, legal_basis="pewc", message_types=CONSENT_TYPES,
               double_opt_in=False, evidence={"form_url": "https://juniper.example/texts"},
               disclosure="Reply STOP to opt out.")],
        now=now,
    )  # fmt: skip
    return contact


def _happen(name: str, contact: UUID, properties: dict[str, object], now: datetime) -> None:
    append_events(
        [NewEvent(name=name, contact_id=contact, properties=properties, occurred_at=now,
                  kind="track")],
        now=now,
    )  # fmt: skip
