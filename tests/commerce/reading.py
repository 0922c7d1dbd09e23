"""GET of the API, as a client does it."""

from __future__ import annotations

import json
from typing import Any

from django.test import Client

from tests.events.edges import basic


def get(path: str, *, key: str) -> tuple[int, Any]:
    response = Client(raise_request_exception=False).get(
        path, headers={"Authorization": basic(key)}
    )
    return response.status_code, json.loads(response.content or b"{}")
