"""Events as rows, and what commerce made of them."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from commerce.models import (
    BackInStockRequest,
    BuyingSummary,
    Cart,
    CustomObject,
    LoyaltyAccount,
    Order,
)
from events.domain.rows import EventRow
from people.domain.resolving import IdentityRef, resolve_contacts
from tenancy.ids import new_id

Rows = dict[str, list[dict[str, Any]]]
# Ids are new each time; what else stands in a row is a function of the events.
_NOT_COMPARED = {"id", "tenant_id"}


def happened(
    name: str,
    contact: UUID | None,
    at: datetime,
    source: str = "server",
    /,
    **properties: Any,
) -> EventRow:
    return EventRow(
        id=new_id(),
        name=name,
        kind="track",
        contact_id=contact,
        source_contact_id=contact,
        subject_kind=None,
        subject_id=None,
        message_id=new_id().hex,
        occurred_at=at,
        received_at=at,
        known_at=at,
        properties=properties,
        context={},
        backfill=False,
        batch_id=new_id(),
        cause_id=None,
        depth=0,
        source=source,
    )


def person(name: str, now: datetime) -> UUID:
    (found,) = resolve_contacts([IdentityRef(external_id=name)], now=now)
    assert found is not None
    return found


def commerce_rows() -> Rows:
    """All rows of the workspace in scope that are built from events, in a fixed order."""
    found: Rows = {}
    for model in (Cart, Order, LoyaltyAccount, CustomObject, BuyingSummary, BackInStockRequest):
        rows = [
            {name: value for name, value in row.items() if name not in _NOT_COMPARED}
            for row in model.objects.values()
        ]
        found[model.__name__] = sorted(rows, key=repr)
    return found
