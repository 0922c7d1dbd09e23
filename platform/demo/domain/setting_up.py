"""The agency, its two brands, their keys, numbers and flows. Repeating it changes nothing."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction

from analytics.domain.first_steps import DONE, mark_step
from consent.core.message_types import CONSENT_TYPES
from consent.domain.opt_ins import OptIn, record_opt_ins
from consent.domain.settings import DAYS, set_sending_window, set_us_cart_rule
from delivery.models import Gateway, Sender
from demo.core.cast import AGENCY, AGENCY_SLUG, BRANDS, JONAS, MAYA, PERSON, BrandPlan, Person
from demo.domain.client import Carrier
from demo.domain.loader_key import end_loader_keys
from people.models import Contact
from segments.domain.segments import build_segment, create_segment
from segments.models import Segment
from tenancy.domain.keys import create_write_key
from tenancy.domain.workspaces import add_member, create_organization, create_workspace
from tenancy.models import Organization, Tenant, User
from tenancy.scope import tenant_scope
from triggers.domain.flows import publish_flow
from triggers.domain.recipes import install_recipe
from triggers.models import Flow

RECIPES = ("cart-recovery", "back-in-stock", "loyalty-nudge")
NUMBERS = {"juniper-oak": "+13105550199", "harbor-street": "+12125550199"}
DISCLOSURE = (
    "Text me offers and reminders about my cart from {brand}. Consent is not a condition of "
    "purchase. Message frequency varies. Msg & data rates may apply. Reply HELP for help, STOP to "
    "opt out."
)
ACKNOWLEDGMENT = (
    "I know the carriers' rule of one text per cart within 48 hours. Our sign-up names cart "
    "reminders and is confirmed by a second step. (Ines Duarte, demo)"
)
SEGMENTS = (
    (
        "Looked twice in two weeks",
        {
            "all": [
                {
                    "event": "Product Viewed",
                    "count": {"op": "gte", "value": 2},
                    "within": "P14D",
                },
                {"not": {"event": "Order Completed", "within": "P14D"}},
            ]
        },
    ),
    (
        "Bought three times in 90 days",
        {"event": "Order Completed", "count": {"op": "gte", "value": 3}, "within": "P90D"},
    ),
    (
        "Silent for 90 days",
        {
            "all": [
                {"event": "Order Completed", "count": {"op": "gte", "value": 1}},
                {"not": {"event": "Product Viewed", "within": "P90D"}},
                {"not": {"event": "Order Completed", "within": "P90D"}},
            ]
        },
    ),
)


@dataclass(frozen=True, slots=True)
class Brand:
    """A brand that is set up."""

    plan: BrandPlan
    tenant: Tenant


def is_set_up() -> bool:
    return Organization.objects.filter(slug=AGENCY_SLUG).exists()


@transaction.atomic
def set_up_agency(*, now: datetime) -> list[Brand]:
    """Everything but contacts."""
    organization = Organization.objects.filter(slug=AGENCY_SLUG).first()
    if organization is None:
        organization = create_organization(AGENCY, slug=AGENCY_SLUG, now=now)
        email, name = PERSON
        user = User.objects.create_user(email, secrets.token_urlsafe(24), name=name)
        add_member(organization, user=user, role="owner", now=now)
    return [_set_up_brand(organization, plan, now=now) for plan in BRANDS]


def register_numbers(carrier: Carrier) -> None:
    """Tells the simulated carrier whose numbers these are, and where replies go."""
    for plan in BRANDS:
        tenant = Tenant.objects.get(slug=plan.slug)
        with tenant_scope(tenant.id):
            sender = Sender.objects.select_related("gateway").get()
            gateway = sender.gateway
            account = {
                "sid": gateway.account_sid,
                "auth_token": gateway.auth_tokens[0],
                "numbers": [
                    {
                        "phone": sender.phone,
                        "inbound_url": f"{settings.KAIROS_PUBLIC_BASE_URL}"
                        f"/webhooks/twilio/{gateway.id}/inbound",
                    }
                ],
            }
        carrier.register(account)


def opt_people_in(
    tenant: Tenant, people: list[Person], *, asked_at: datetime, now: datetime
) -> int:
    """Everybody in the cast ticked the box of the shop's form, at a second of their own."""
    wishes = []
    with tenant_scope(tenant.id):
        contacts = dict(
            Contact.objects.filter(external_id__in=[person.user_id for person in people])
            .order_by("id")
            .values_list("external_id", "id")
        )
        for number, person in enumerate(people):
            if person.user_id not in contacts:
                continue
            wishes.append(
                OptIn(
                    phone=person.phone,
                    source="web_form",
                    occurred_at=asked_at + timedelta(seconds=37 * number),
                    contact_id=contacts[person.user_id],
                    legal_basis="pewc",
                    message_types=CONSENT_TYPES,
                    double_opt_in=False,
                    evidence={
                        "form_url": f"{tenant.shop_url}/texts",
                        "ip": "203.0.113.20",
                        "action": "ticked an unticked box and pressed Sign up",
                    },
                    disclosure=DISCLOSURE.format(brand=tenant.name),
                )
            )
        record_opt_ins(wishes, now=now, lane="backfill")
    return len(wishes)


def add_segments(tenant: Tenant, *, now: datetime) -> None:
    with tenant_scope(tenant.id):
        for name, definition in SEGMENTS:
            if not Segment.objects.filter(name=name).exists():
                segment = create_segment(name, definition=definition, now=now)
                build_segment(segment.id, now=now)


def cast_of(plan: BrandPlan) -> list[Person]:
    """The people the visitor plays with; only the first brand knows them."""
    return [MAYA, JONAS] if plan is BRANDS[0] else []


def _set_up_brand(organization: Organization, plan: BrandPlan, *, now: datetime) -> Brand:
    tenant = Tenant.objects.filter(slug=plan.slug).first()
    fresh = tenant is None
    if tenant is None:
        tenant = create_workspace(
            organization,
            name=plan.name,
            slug=plan.slug,
            sms_name=plan.sms_name,
            timezone=plan.timezone,
            accent=plan.accent,
            shop_url=plan.shop_url,
            now=now,
        )
    with tenant_scope(tenant.id):
        end_loader_keys(now=now)
        if fresh:
            create_write_key(name="Shop server", kind="server", secret=plan.write_key, now=now)
            _add_sender(plan, now=now)
            _choose_rules(plan, now=now)
            for slug in RECIPES:
                install_recipe(slug, now=now)
            for flow in Flow.objects.all():
                publish_flow(flow, now=now)
            for step in ("workspace", "rules"):
                mark_step(step, DONE, now=now)
    return Brand(plan, tenant)


def _add_sender(plan: BrandPlan, *, now: datetime) -> None:
    gateway = Gateway(
        kind=Gateway.Kind.SIMULATOR,
        account_sid=f"AC{secrets.token_hex(16)}",
        is_live=True,
        created_at=now,
    )
    token = secrets.token_hex(16)
    gateway.set_secrets(secret=token, auth_tokens=[token])
    gateway.save(force_insert=True)
    Sender.objects.create(
        gateway=gateway,
        kind=Sender.Kind.LONG_CODE,
        phone=NUMBERS[plan.slug],
        segments_per_second=50.0,
        created_at=now,
    )


def _choose_rules(plan: BrandPlan, *, now: datetime) -> None:
    week = {day: {"start": "09:00", "end": "20:00"} for day in DAYS}
    week["sunday"] = {"start": f"{plan.sunday_opens:%H:%M}", "end": "20:00"}
    set_sending_window(week, now=now)
    if plan.cart_rule == "acknowledged":
        set_us_cart_rule("acknowledged", acknowledgment=ACKNOWLEDGMENT, now=now)
