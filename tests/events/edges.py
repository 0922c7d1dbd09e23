"""What tests send to the edges, and what they look at afterwards."""

from __future__ import annotations

import base64
import gzip
import json
from typing import Any

from django.db import connection
from django.test import Client

from tenancy.domain.workspaces import add_member
from tenancy.models import User
from tenancy.scope import tenant_scope
from tests.support.world import Brand

Answer = tuple[int, dict[str, Any]]


def basic(secret: str) -> str:
    return "Basic " + base64.b64encode(f"{secret}:".encode()).decode()


def post(
    path: str,
    body: object,
    *,
    key: str | None,
    headers: dict[str, str] | None = None,
    content_type: str = "application/json",
    packed: bool = False,
) -> Answer:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    given = dict(headers or {})
    if key is not None:
        given["Authorization"] = basic(key)
    if packed:
        data, given["Content-Encoding"] = gzip.compress(data), "gzip"
    client = Client(raise_request_exception=False)
    response = client.post(path, data, content_type=content_type, headers=given)
    return response.status_code, json.loads(response.content or b"{}")


def logged_in(brand: Brand, role: str = "owner") -> Client:
    """A browser of somebody with this role."""
    if role == "owner":
        user = brand.owner
    else:
        user = User(email=f"{role}@{brand.tenant.slug}.example", name=role)
        user.set_unusable_password()
        user.save()
        add_member(brand.organization, user=user, role=role, now=brand.owner.created_at)
    client = Client()
    client.force_login(user)
    return client


def track(event: str = "Product Viewed", user: Any = "u1", **more: Any) -> dict[str, Any]:
    return {"type": "track", "event": event, "userId": user, "properties": {}, **more}


def stored(brand: Brand, columns: str = "name") -> list[Any]:
    """Rows of the log in order; single values when one column is asked for."""
    with tenant_scope(brand.tenant.id), connection.cursor() as cursor:
        cursor.execute(f"SELECT {columns} FROM events_event ORDER BY id")
        rows = cursor.fetchall()
    return [row[0] for row in rows] if "," not in columns else rows


def count_rows(brand: Brand) -> dict[str, int]:
    """How many rows every table that ingestion writes has, for "nothing half-written"."""
    tables = ("events_event", "events_eventbatch", "people_contact", "people_identifier")
    with tenant_scope(brand.tenant.id), connection.cursor() as cursor:
        counts = {}
        for table in tables:
            cursor.execute(f"SELECT count(*) FROM {table}")
            counts[table] = cursor.fetchone()[0]
    return counts
