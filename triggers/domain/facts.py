"""What the engine is told about runs: loaded for a whole set, a fixed number of queries."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection

from commerce.models import Product
from consent.domain.settings import read_compliance
from events.domain.queries import events_for
from people.domain.definitions import attribute_rules
from people.domain.queries import ContactFacts, contacts_by_id, workspace_defaults
from segments.models import SegmentMembership
from tenancy.scope import current_tenant_id
from triggers.core.definition import EventTrigger
from triggers.core.plan import SMS_REPLIED, Plan
from triggers.core.state import Happening, MessageOutcome, RunFacts
from triggers.domain.records import RunRecord

_MOMENT = timedelta(microseconds=1)


def run_facts(
    records: Sequence[RunRecord],
    plans: Mapping[UUID, Plan],
    *,
    events: Mapping[UUID, Sequence[Happening]],
    messages: Mapping[UUID, MessageOutcome],
    now: datetime,
    read_log: bool,
    held_flows: frozenset[UUID] = frozenset(),
) -> dict[UUID, RunFacts]:
    """Facts per run id.

    `events`: of the set being reacted to, by contact. `messages`: outcomes by message id.
    `read_log`: also look for exits and waits in the event log itself, so that an event that was
    accepted but not reacted to counts (a tick has to; a reaction has its events at hand).
    """
    if not records:
        return {}
    contacts = contacts_by_id({record.state.contact_id for record in records})
    logged = _logged_events(records, plans, now, exits=read_log)
    segments = _segments_of(records, plans)
    strict = _strict_runs(records, plans, contacts)
    texts_before = _texts_before([record for record in records if record.id in strict])
    sold_out = _sold_out(records, plans)
    zone, rules = workspace_defaults().timezone, attribute_rules()
    facts = {}
    for record in records:
        contact_id = record.state.contact_id
        contact = contacts.get(contact_id)
        message_id = record.state.message_id
        facts[record.id] = RunFacts(
            events=_merge(events.get(contact_id, ()), logged.get(contact_id, ())),
            message=messages.get(message_id) if message_id else None,
            attributes=attributes_of(contact),
            rules=rules,
            segments=segments.get(contact_id, frozenset()),
            zone=(contact.timezone if contact else "") or zone,
            held=record.on_hold or record.flow_id in held_flows,
            sold_out=record.id in sold_out,
            one_text_per_cart=record.id in strict,
            texts_before=texts_before.get(record.id, 0),
        )
    return facts


def attributes_of(contact: ContactFacts | None) -> dict[str, Any]:
    """What a split may ask about a contact: its own attributes and the built-in ones."""
    if contact is None:
        return {}
    built_in = {
        "first_name": contact.first_name,
        "last_name": contact.last_name,
        "email": contact.email,
        "phone": contact.phone,
        "external_id": contact.external_id,
        "locale": contact.locale,
        "timezone": contact.timezone,
        "city": contact.city,
        "region": contact.region,
        "postal_code": contact.postal_code,
        "country": contact.country,
    }
    return {**contact.attributes, **{key: value for key, value in built_in.items() if value}}


def sold_out_products(records: Sequence[RunRecord], plans: Mapping[UUID, Plan]) -> set[UUID]:
    """Runs that tell of a product's return although it is gone again."""
    return _sold_out(records, plans)


def _merge(left: Sequence[Happening], right: Sequence[Happening]) -> tuple[Happening, ...]:
    if not right:
        return tuple(left)
    by_id = {event.id: event for event in (*left, *right)}
    return tuple(sorted(by_id.values(), key=lambda event: (event.occurred_at, event.id)))


def _logged_events(
    records: Sequence[RunRecord], plans: Mapping[UUID, Plan], now: datetime, *, exits: bool
) -> dict[UUID, list[Happening]]:
    names: set[str] = set()
    asking: list[RunRecord] = []
    for record in records:
        plan = plans.get(record.version_id)
        if plan is None:
            continue
        wanted = set(plan.wait_names)
        if exits:
            wanted |= plan.exit_names
            if plan.is_about_cart or record.state.waiting.get("for") == "reply":
                wanted.add(SMS_REPLIED)
        if wanted:
            names |= wanted
            asking.append(record)
    if not asking:
        return {}
    since = min(record.state.triggered_at for record in asking) - _MOMENT
    found: dict[UUID, list[Happening]] = defaultdict(list)
    contact_ids = {record.state.contact_id for record in asking}
    for row in events_for(contact_ids, names, since=since, until=now):
        if row.contact_id is not None:
            found[row.contact_id].append(
                Happening(row.id, row.name, row.occurred_at, row.properties)
            )
    return found


def _segments_of(
    records: Sequence[RunRecord], plans: Mapping[UUID, Plan]
) -> dict[UUID, frozenset[str]]:
    slugs = set().union(*(p.segments for p in plans.values())) if plans else set()
    if not slugs:
        return {}
    found: dict[UUID, set[str]] = defaultdict(set)
    rows = SegmentMembership.objects.filter(
        contact_id__in={record.state.contact_id for record in records},
        left_at=None,
        segment__slug__in=slugs,
    ).values_list("contact_id", "segment__slug")
    for contact_id, slug in rows:
        found[contact_id].add(slug)
    return {contact_id: frozenset(names) for contact_id, names in found.items()}


def _strict_runs(
    records: Sequence[RunRecord],
    plans: Mapping[UUID, Plan],
    contacts: Mapping[UUID, ContactFacts],
) -> set[UUID]:
    """Runs about a cart of contacts whose carriers allow one text per cart."""
    about_cart = [r for r in records if (p := plans.get(r.version_id)) and p.is_about_cart]
    if not about_cart or read_compliance().us_cart_rule != "strict":
        return set()
    return {
        record.id
        for record in about_cart
        if (contact := contacts.get(record.state.contact_id))
        and (contact.phone or "").startswith("+1")
    }


def _texts_before(records: Sequence[RunRecord]) -> dict[UUID, int]:
    """Texts that earlier runs of the same flow sent about the same object."""
    if not records:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT given.run_id, count(*)
            FROM unnest(%s::uuid[], %s::uuid[], %s::uuid[], %s::text[])
              AS given(run_id, flow_id, contact_id, entry_key)
            JOIN triggers_runstep AS step ON step.tenant_id = %s
              AND step.contact_id = given.contact_id AND step.outcome = 'sent'
              AND step.flow_id = given.flow_id AND step.run_id <> given.run_id
            JOIN triggers_flowrun AS run ON run.tenant_id = %s AND run.id = step.run_id
              AND run.entry_key = given.entry_key
            WHERE given.entry_key <> ''
            GROUP BY given.run_id
            """,
            [
                [record.id for record in records],
                [record.flow_id for record in records],
                [record.state.contact_id for record in records],
                [record.entry_key for record in records],
                current_tenant_id(),
                current_tenant_id(),
            ],
        )
        return dict(cursor.fetchall())


def _sold_out(records: Sequence[RunRecord], plans: Mapping[UUID, Plan]) -> set[UUID]:
    about: dict[UUID, tuple[str, float]] = {}
    for record in records:
        trigger = getattr(plans.get(record.version_id), "definition", None)
        trigger = getattr(trigger, "trigger", None)
        key = record.context.get("product_key")
        if (
            isinstance(trigger, EventTrigger)
            and trigger.audience == "back_in_stock_requests"
            and trigger.crosses is not None
            and key
        ):
            about[record.id] = (str(key), trigger.crosses.threshold)
    if not about:
        return set()
    keys = {key for key, _ in about.values()}
    stock = dict(Product.objects.filter(key__in=keys).values_list("key", "stock"))
    return {
        run_id
        for run_id, (key, threshold) in about.items()
        if (left := stock.get(key)) is not None and left < threshold
    }
