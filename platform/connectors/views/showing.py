"""What pages and the API show of a connector and of the bodies that came."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from connectors.core.items import read_item
from connectors.core.kinds import KINDS, WEBHOOK
from connectors.core.mapping import Mapped, apply_mapping
from connectors.core.signatures import REASONS
from connectors.domain.connectors import state_of
from connectors.domain.processing import shop_of
from connectors.domain.receiving import read_object
from connectors.models import Connector, ReceivedBody
from events.core.masking import mask_body
from events.domain.usage import Usage, list_usages
from tenancy.ids import show_id

LAST = 20
STATES = {
    "waiting_secret": ("Waiting for its secret", "wait"),
    "waiting": ("Waiting for a first body", "wait"),
    "failing": ("Last request refused", "stop"),
    "connected": ("Connected", "good"),
}
BECAME = {
    "accepted": ("Accepted", "good"),
    "duplicate": ("Known already", ""),
    "ignored": ("Ignored", ""),
    "rejected": ("Rejected", "stop"),
}
_KINDS: dict[str, tuple[str, str]] = {
    ReceivedBody.State.PENDING: ("Waiting", "wait"),
    ReceivedBody.State.FAILED: ("Failed", "stop"),
}


def ref_of(connector: Connector) -> str:
    return show_id("cnr", connector.id)


def line_of(connector: Connector) -> dict[str, Any]:
    """A connector as a list has it."""
    label, tone = STATES[state_of(connector)]
    return {
        "connector": connector,
        "ref": ref_of(connector),
        "kind": KINDS[connector.kind],
        "state": label,
        "tone": tone,
    }


def failures_of(connector: Connector, *, most: int = 5) -> list[dict[str, Any]]:
    """The last requests that were refused, with the reason in words."""
    return [
        {
            "at": datetime.fromisoformat(line["at"]),
            "reason": line["reason"],
            "words": REASONS.get(line["reason"], line["reason"]),
            "topic": line["topic"],
        }
        for line in connector.failures[:most]
    ]


def last_bodies(connector: Connector, *, personal: bool, most: int = LAST) -> list[dict[str, Any]]:
    """The newest bodies with what became of each item; personal data masked unless `personal`."""
    rows = ReceivedBody.objects.filter(connector_id=connector.id).order_by(
        "-tenant_id", "-connector_id", "-id"
    )[:most]
    return [_body(row, personal=personal) for row in rows]


def uses_of(connector: Connector, bodies: list[dict[str, Any]]) -> list[tuple[str, list[Usage]]]:
    """Flows and segments that depend on what this connector brings, by event name."""
    names = list(KINDS[connector.kind].gives)
    if connector.kind == WEBHOOK:
        names = sorted({line["event"] for body in bodies for line in body["lines"]} - {""})
        said = str(connector.mapping.get("event", ""))
        if said and not said.startswith("$") and said not in names:
            names.append(said)
    usages = list_usages()
    return [(name, usages[name]) for name in names if name in usages]


def preview_of(connector: Connector, mapping: dict[str, Any], body: Any) -> dict[str, Any]:
    """What a mapping would make of a body; nothing is written. {"event", "who", "properties",
    "at", "absent", "errors"}."""
    mapped: Mapped = apply_mapping(mapping, body, mark=connector.id.hex)
    if mapped.item is None:
        return {"errors": mapped.errors, "absent": mapped.absent}
    item = mapped.item
    incoming = read_item(item, country=shop_of(connector).country)
    return {
        "event": incoming.name or item.event,
        "who": [pair for pair in incoming.ref.pairs()],
        "at": item.occurred_at or "when it arrives",
        "properties": item.properties,
        "absent": mapped.absent,
        "notes": item.notes,
        "errors": [each for each in incoming.errors],
    }


def newest_object(connector: Connector) -> dict[str, Any] | None:
    """The last body that came, as JSON."""
    row = (
        ReceivedBody.objects.filter(connector_id=connector.id)
        .order_by("-tenant_id", "-connector_id", "-id")
        .first()
    )
    return read_object(row.body.encode()) if row is not None else None


def shown_body(row: ReceivedBody, *, personal: bool) -> dict[str, Any]:
    """A body as the API shows it."""
    data = read_object(row.body.encode())
    names = ("event", "status", "code", "detail", "field", "id")
    return {
        "id": show_id("bdy", row.id),
        "topic": row.topic,
        "received_at": row.received_at,
        "state": row.state,
        "times": row.times,
        "replays": row.replays,
        "results": [
            {name: line.get(name, "") for name in names} | {"notes": line.get("notes", [])}
            for line in row.results
        ],
        "body": data if personal else mask_body(data),
    }


def _body(row: ReceivedBody, *, personal: bool) -> dict[str, Any]:
    data = read_object(row.body.encode())
    lines = [_line(line) for line in row.results]
    label, tone = _KINDS.get(row.state) or _summary(row.results)
    return {
        "row": row,
        "ref": show_id("bdy", row.id),
        "state": label,
        "tone": tone,
        "lines": lines,
        "data": data if personal else mask_body(data),
        "json": json.dumps(data if personal else mask_body(data), indent=2, ensure_ascii=False),
    }


def _line(line: dict[str, Any]) -> dict[str, Any]:
    label, tone = BECAME.get(line["status"], (line["status"], ""))
    return {"field": "", "id": "", "notes": [], **line, "label": label, "tone": tone}


def _summary(results: list[dict[str, Any]]) -> tuple[str, str]:
    """The word for a whole body: the worst first."""
    statuses = {line["status"] for line in results}
    for status in ("rejected", "accepted", "duplicate", "ignored"):
        if status in statuses:
            return BECAME[status]
    return BECAME["ignored"]
