"""Calling the API in tests."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from django.test import Client

from tests.support.world import Brand


@dataclass(frozen=True)
class Api:
    """One workspace's door, and ids of what is in it."""

    brand: Brand
    other: Brand
    ids: dict[str, str]

    def call(
        self, method: str, path: str, body: Any = None, *, key: str = "", **headers: str
    ) -> tuple[int, Any]:
        """(status, JSON) of a call to /api/v1/<path>."""
        answer = self.raw(method, path, body, key=key, **headers)
        return answer.status_code, answer.json()

    def raw(
        self, method: str, path: str, body: Any = None, *, key: str = "", **headers: str
    ) -> Any:
        return Client().generic(
            method,
            f"/api/v1/{path}",
            b"" if body is None else json.dumps(body).encode(),
            "application/json",
            headers={
                "Authorization": f"Bearer {key or self.brand.api_key}",
                **{name.replace("_", "-"): value for name, value in headers.items()},
            },
        )

    def all(self, path: str, plural: str, *, limit: int) -> list[Any]:
        """Every row of a list, page by page."""
        rows: list[Any] = []
        cursor = ""
        join = "&" if "?" in path else "?"
        while True:
            more = f"&cursor={cursor}" if cursor else ""
            status, page = self.call("GET", f"{path}{join}limit={limit}{more}")
            assert status == 200, page
            assert len(page[plural]) <= limit
            rows += page[plural]
            cursor = page["next_cursor"] or ""
            if not cursor:
                return rows
