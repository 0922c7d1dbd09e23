"""Stored bodies become what they say: contacts and events by the door that all events use, consent
by the ledger's verbs. Done once in the request that brought the body; a sweep does what is left."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection

from commerce.models import Order
from connectors.core import shopify, woocommerce
from connectors.core.items import Item, Shop, Translation, ignore, read_item
from connectors.core.kinds import SHOPIFY, WOOCOMMERCE
from connectors.core.mapping import apply_mapping
from connectors.domain.consents import take_consent
from connectors.domain.receiving import TAKEN_FOR, read_object
from connectors.domain.stock import keep_level, keep_variants
from connectors.models import Connector, ReceivedBody
from events.core.incoming import Incoming, read_time
from events.core.keeping import clean
from events.domain.ingestion import ACCEPTED, DUPLICATE, REJECTED, ItemResult, accept_events
from people.domain.identifiers import read_owners
from people.domain.queries import workspace_defaults
from people.models import Contact
from tenancy.ids import show_id
from tenancy.models import Tenant
from tenancy.scope import current_tenant_id, tenant_scope

logger = logging.getLogger(__name__)

IGNORED = "ignored"
# What happened longer ago is history: recorded, and no flow starts by it. Shops try again for two
# days.
HISTORY = timedelta(hours=48)
MOST_ATTEMPTS = 6
_ORDER_UNKNOWN = "order_unknown"


@dataclass(slots=True)
class _Work:
    """One body on its way. `told`: per item what became of it, in order."""

    connector: Connector
    body: ReceivedBody
    said: Translation = field(default_factory=Translation)
    ready: list[tuple[Item, Incoming]] = field(default_factory=list)
    told: list[dict[str, Any]] = field(default_factory=list)
    waits: bool = False


def process_body(
    tenant_id: UUID, body_id: UUID, *, own: bool = False, now: datetime, wall: datetime
) -> bool:
    """Works on one stored body; False when somebody else does, or nothing is to be done.

    `own`: the caller has just stored it. Opens its own scopes, several short transactions: events
    are told apart by their message ids, so doing all of it again changes nothing twice.
    """
    with tenant_scope(tenant_id):
        attempt = _claim(body_id, own=own, wall=wall)
        if attempt is None:
            return False
        work = _read(body_id, now=now)
    results = _accept(tenant_id, work, now=now)
    with tenant_scope(tenant_id):
        _finish(work, results, attempt, now=now, wall=wall)
    return True


def replay_body(body: ReceivedBody, *, wall: datetime, due_at: datetime | None = None) -> None:
    """Puts a stored body back to work, in the caller's scope; `process_body` does it, or from
    `due_at` on a sweep. What it has become already is known by its message ids and not done twice."""
    body.state = ReceivedBody.State.PENDING
    body.attempts = 0
    body.replays = min(body.replays + 1, 30_000)
    body.retry_at = due_at or wall + TAKEN_FOR
    body.save(update_fields=["state", "attempts", "replays", "retry_at"])


def translate(connector: Connector, body: ReceivedBody, *, shop: Shop) -> Translation:
    """What the stored body says, read as its connector reads."""
    try:
        data = read_object(body.body.encode())
    except ValueError as error:
        return ignore("malformed_json", str(error))
    if connector.kind == SHOPIFY:
        return shopify.translate(body.topic, data, shop)
    if connector.kind == WOOCOMMERCE:
        return woocommerce.translate(body.topic, data, shop)
    mapped = apply_mapping(connector.mapping, data, mark=connector.id.hex)
    if mapped.item is None:
        return Translation(errors=mapped.errors)
    mapped.item.notes += [f"{name} is not in this body." for name in mapped.absent]
    return Translation([mapped.item])


def shop_of(connector: Connector) -> Shop:
    """In the workspace's scope."""
    return Shop(
        prefix=connector.id_prefix,
        country=workspace_defaults().country,
        url=Tenant.objects.values_list("shop_url", flat=True).get(id=current_tenant_id()),
        hears_carts=connector.hears_carts,
    )


def _claim(body_id: UUID, *, own: bool, wall: datetime) -> int | None:
    """The number of the attempt, or None when it is nobody's or somebody else's."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE connectors_receivedbody SET attempts = attempts + 1, retry_at = %(until)s
            WHERE tenant_id = %(tenant)s AND id = %(id)s AND state = 'pending'
              AND (%(own)s OR retry_at <= %(wall)s)
            RETURNING attempts
            """,
            {
                "tenant": current_tenant_id(),
                "id": body_id,
                "own": own,
                "wall": wall,
                "until": wall + TAKEN_FOR,
            },
        )
        found = cursor.fetchone()
    return int(found[0]) if found else None


def _read(body_id: UUID, *, now: datetime) -> _Work:
    body = ReceivedBody.objects.select_related("connector").get(id=body_id)
    work = _Work(body.connector, body)
    if work.connector.kind == SHOPIFY and body.topic.startswith("carts/"):
        Connector.objects.filter(id=work.connector.id, hears_carts=False).update(hears_carts=True)
        work.connector.hears_carts = True
    shop = shop_of(work.connector)
    work.said = translate(work.connector, body, shop=shop)
    if work.said.ignored:
        work.told.append(_line("", IGNORED, *work.said.ignored))
    for error in work.said.errors:
        work.told.append({**_line("", REJECTED, error.code, error.detail), "field": error.field})
    if work.said.variants:
        keep_variants(work.connector.id, work.said.variants, now=now)
    items = list(work.said.items)
    if work.said.level is not None:
        found = keep_level(work.connector, work.said.level, now=now)
        if isinstance(found, Item):
            items.append(found)
        else:
            work.told.append(_line("Product Inventory Changed", IGNORED, *found))
    _find_buyers(work, items)
    for item in items:
        if not item.message_id:
            item.message_id = f"body:{body.id.hex}"
        item.occurred_at = item.occurred_at or body.received_at.isoformat()
        work.ready.append((item, read_item(item, country=shop.country)))
    return work


def _find_buyers(work: _Work, items: list[Item]) -> None:
    """Whose event it is where the body names the order alone: the order's contact. One query each
    for orders and contacts; an order we do not know yet is waited for a while."""
    asked = [item for item in items if item.order_id and not item.names_somebody]
    if not asked:
        return
    keys = {item.order_id for item in asked}
    orders = dict(Order.objects.filter(key__in=keys).values_list("key", "contact_id"))
    people = {
        row["id"]: row
        for row in Contact.objects.filter(id__in=set(orders.values())).values(
            "id", "external_id", "phone", "email"
        )
    }
    for item in asked:
        order_id = item.order_id
        row = people.get(orders.get(order_id), {})
        item.external_id = row.get("external_id") or ""
        item.phone = "" if item.external_id else row.get("phone") or ""
        item.email = "" if item.external_id or item.phone else row.get("email") or ""
        if item.names_somebody:
            continue
        items.remove(item)
        if order_id in orders:
            told = _line(item.event, IGNORED, "nobody", "The order belongs to nobody who is known.")
        else:
            words = f"Order {order_id[:60]} is not known yet. Replay this once it is."
            told = _line(item.event, REJECTED, _ORDER_UNKNOWN, words)
            work.waits = True
        work.told.append(told)


def _accept(tenant_id: UUID, work: _Work, *, now: datetime) -> list[ItemResult]:
    """Events as they are, and what is history as history. One result per ready item."""
    results: dict[int, ItemResult] = {}
    for backfill in (False, True):
        places = [
            place
            for place, (_, incoming) in enumerate(work.ready)
            if _is_history(incoming, now) is backfill
        ]
        if places:
            done = accept_events(
                tenant_id,
                [work.ready[place][1] for place in places],
                source="server",
                key_id=work.connector.id,
                backfill=backfill,
                now=now,
            )
            results |= dict(zip(places, done, strict=True))
    return [results[place] for place in range(len(work.ready))]


def _is_history(incoming: Incoming, now: datetime) -> bool:
    try:
        at = read_time(incoming.timestamp)
    except (ValueError, OverflowError):
        return False
    return at is not None and now - at > HISTORY


def _finish(
    work: _Work, results: Sequence[ItemResult], attempt: int, *, now: datetime, wall: datetime
) -> None:
    """Consent first, which locks contacts; then the body's row: erasing takes them in that order."""
    before = {line.get("message_id"): line for line in work.body.results}
    for (item, incoming), result in zip(work.ready, results, strict=True):
        item.event = incoming.name or item.event
        work.told.append(_became(item, result, before.get(item.message_id)))
    if work.said.consent is not None:
        work.told.append(take_consent(work.connector, work.said.consent, now=now, wall=wall))
    waits = work.waits and attempt < MOST_ATTEMPTS
    state = ReceivedBody.State.PENDING if waits else ReceivedBody.State.DONE
    ReceivedBody.objects.filter(id=work.body.id).update(
        state=state,
        results=[_clean(line) for line in work.told],
        contact_ids=_contacts(work),
        # 30 seconds, then a minute, two, four: an order takes seconds to be known.
        retry_at=wall + timedelta(seconds=15 * 2**attempt) if waits else None,
        done_at=None if waits else now,
    )
    accepted = [line["event"] for line in work.told if line["status"] == ACCEPTED]
    if accepted:
        Connector.objects.filter(id=work.connector.id).update(
            last_event_at=now, last_event_name=accepted[-1][:200]
        )


def _became(item: Item, result: ItemResult, before: dict[str, Any] | None) -> dict[str, Any]:
    line = _line(item.event, result.status)
    line |= {"message_id": item.message_id[:300], "notes": item.notes}
    if result.id is not None:
        line["id"] = show_id("evt", result.id)
    if result.status == DUPLICATE:
        line |= {"code": "known", "detail": "Known already; nothing was done twice."}
        if before and before.get("id"):
            line["id"] = before["id"]
    if result.errors:
        error = result.errors[0]
        line |= {"code": error.code, "detail": error.detail, "field": error.field}
        line["errors"] = [asdict(each) for each in result.errors[:10]]
    return line


def _contacts(work: _Work) -> list[UUID]:
    """Whom the body was about, for whoever has to forget them."""
    refs = [incoming.ref for _, incoming in work.ready if incoming.ref.pairs()]
    owners, _ = read_owners(refs)
    return sorted({*owners.values(), *work.body.contact_ids})


def _clean(value: Any) -> Any:
    """Without what PostgreSQL cannot hold: a mapping may take any text of a body into a sentence."""
    if isinstance(value, dict):
        return {key: _clean(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_clean(each) for each in value]
    return clean(value) if isinstance(value, str) else value


def _line(event: str, status: str, code: str = "", detail: str = "") -> dict[str, Any]:
    return {"event": event[:200], "status": status, "code": code, "detail": detail}
