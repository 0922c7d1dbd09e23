"""Openings of short links, for whoever lists them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from delivery.domain.rows import fetch_all
from tenancy.scope import current_tenant_id


@dataclass(frozen=True, slots=True)
class ClickLine:
    """One opening with where it led. `kind` is "" while it is not judged."""

    id: UUID
    message_id: UUID
    contact_id: UUID | None
    label: str
    url: str
    clicked_at: datetime
    kind: str
    kind_reason: str


def list_clicks(
    *,
    contact_id: UUID | None = None,
    message_id: UUID | None = None,
    kind: str = "",
    after: tuple[datetime, UUID] | None = None,
    limit: int,
) -> list[ClickLine]:
    """Newest first by keyset, at most `limit`. Filters narrow together."""
    where = ["c.tenant_id = %s"]
    values: list[Any] = [current_tenant_id()]
    wanted: dict[str, Any] = {"contact_id": contact_id, "message_id": message_id, "kind": kind}
    for column, value in wanted.items():
        if value:
            where.append(f"c.{column} = %s")
            values.append(value)
    if after is not None:
        where.append("(c.clicked_at, c.id) < (%s, %s)")
        values += after
    rows = fetch_all(
        "SELECT c.id, c.message_id, c.contact_id, l.label, l.url, c.clicked_at, c.kind,"
        " c.kind_reason FROM delivery_click c"
        " JOIN delivery_trackedlink l ON l.tenant_id = c.tenant_id AND l.id = c.link_id"
        f" WHERE {' AND '.join(where)} ORDER BY c.tenant_id DESC, c.clicked_at DESC, c.id DESC"
        " LIMIT %s",
        [*values, limit],
    )
    return [ClickLine(*row) for row in rows]
