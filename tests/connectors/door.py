"""Connectors as tests post to them: bodies from the shops' own documentation, signed like theirs."""

from __future__ import annotations

import copy
import hashlib
import hmac
import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from django.test import Client

from connectors.core.signatures import sign_shop
from connectors.domain.connectors import create_connector
from connectors.models import Connector, ReceivedBody
from people.models import Contact
from tenancy.clock import wall_now
from tenancy.scope import tenant_scope
from tests.support.world import Brand
from triggers.domain import reacting

DATA = Path(__file__).parent / "data"
SECRET = "a-secret-of-the-shop-0123456789"


def example(name: str) -> dict[str, Any]:
    """A documented body, such as `shopify/2025-10_order`, without its outer name."""
    found: dict[str, Any] = json.loads((DATA / f"{name}.json").read_text())
    inner = next(iter(found.values()))
    return copy.deepcopy(inner if len(found) == 1 and isinstance(inner, dict) else found)


@dataclass
class Door:
    """One connector and its address."""

    brand: Brand
    connector_id: UUID
    kind: str
    path: str
    secret: str

    def post(
        self,
        topic: str,
        body: dict[str, Any] | bytes,
        *,
        delivery: str = "",
        secret: str = "",
        at: int | None = None,
        **headers: str,
    ) -> tuple[int, dict[str, Any]]:
        """(status, JSON) of a signed request."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        signed = self.headers(topic, data, delivery=delivery, secret=secret, at=at)
        client = Client(raise_request_exception=False)
        given = {**signed, **{name.replace("_", "-"): value for name, value in headers.items()}}
        answer = client.post(self.path, data, "application/json", headers=given)
        return answer.status_code, json.loads(answer.content or b"{}")

    def headers(
        self,
        topic: str,
        data: bytes,
        *,
        delivery: str = "",
        secret: str = "",
        at: int | None = None,
    ) -> dict[str, str]:
        secret = secret or self.secret
        if self.kind == "shopify":
            named = {"X-Shopify-Topic": topic, "X-Shopify-Hmac-Sha256": sign_shop(data, secret)}
            return named | ({"X-Shopify-Webhook-Id": delivery} if delivery else {})
        if self.kind == "woocommerce":
            named = {"X-WC-Webhook-Topic": topic, "X-WC-Webhook-Signature": sign_shop(data, secret)}
            return named | ({"X-WC-Webhook-Delivery-ID": delivery} if delivery else {})
        at = int(wall_now().timestamp()) if at is None else at
        digest = hmac.new(secret.encode(), f"{at}.".encode() + data, hashlib.sha256).hexdigest()
        named = {"Kairos-Signature": f"t={at},v1={digest}"}
        return named | ({"Kairos-Webhook-Id": delivery} if delivery else {})

    def told(self, topic: str, body: dict[str, Any], **more: Any) -> list[tuple[str, str]]:
        """(event, status) of every item of a body that was taken."""
        status, answer = self.post(topic, body, **more)
        assert status == 200, answer
        return [(line.get("event", ""), line["status"]) for line in answer["results"]]

    def row(self) -> Connector:
        with tenant_scope(self.brand.tenant.id):
            found: Connector = Connector.objects.get(id=self.connector_id)
            return found

    def bodies(self) -> list[ReceivedBody]:
        with tenant_scope(self.brand.tenant.id):
            return list(ReceivedBody.objects.filter(connector_id=self.connector_id).order_by("id"))


def open_door(
    brand: Brand, kind: str, *, mapping: dict[str, Any] | None = None, secret: str = SECRET
) -> Door:
    with tenant_scope(brand.tenant.id):
        connector, made = create_connector(
            kind=kind, secret=secret, mapping=mapping, now=wall_now()
        )
    return Door(brand, connector.id, kind, f"/webhooks/in/{connector.public_id}", secret or made)


def react(brand: Brand, now: datetime) -> None:
    """What a worker does: carts, orders and stock follow their events."""
    while reacting.react(brand.tenant.id, now=now):
        pass


def people(brand: Brand) -> list[Contact]:
    with tenant_scope(brand.tenant.id):
        return list(Contact.objects.filter(merged_into_id=None).order_by("id"))
