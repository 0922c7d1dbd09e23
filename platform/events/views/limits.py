"""What a key that anybody can read may not do: speak from a foreign page, or speak too often."""

from __future__ import annotations

import time
from threading import Lock
from urllib.parse import urlsplit
from uuid import UUID

from django.http import HttpRequest

from api.problems import Problem
from tenancy.domain.keys import FoundKey

# Per web process and ten seconds.
WINDOW_SECONDS = 10.0
EVENTS_PER_KEY = 5_000
EVENTS_PER_ADDRESS = 500


def check_origin(request: HttpRequest, key: FoundKey) -> str:
    """The origin, when the key's allow-list has it. Raises `Problem` forbidden."""
    origin = request.headers.get("Origin", "")
    if allows_origin(key, origin):
        return origin
    detail = (
        "This public write key allows no origin yet: add your shop's address to it."
        if not key.allowed_origins
        else "This public write key does not allow the page's origin."
    )
    raise Problem("origin_not_allowed", detail, status=403)


def allows_origin(key: FoundKey, origin: str) -> bool:
    if "*" in key.allowed_origins:
        return True
    parts = urlsplit(origin)
    if parts.scheme not in {"http", "https"} or not parts.netloc:
        return False
    plain = f"{parts.scheme}://{parts.netloc}".lower()
    return plain in {allowed.rstrip("/").lower() for allowed in key.allowed_origins}


class RateLimit:
    """A sliding window of two halves per subject; forgets subjects that fell silent. Wall time."""

    def __init__(self, limit: int, *, window: float = WINDOW_SECONDS) -> None:
        self._limit = limit
        self._window = window
        self._lock = Lock()
        self._started = 0.0
        self._now: dict[object, int] = {}
        self._before: dict[object, int] = {}

    def take(self, subject: object, amount: int) -> bool:
        """Counts `amount`; False, and nothing is counted, when that is too much."""
        at = time.monotonic()
        with self._lock:
            passed = at - self._started
            if passed >= 2 * self._window:
                self._before, self._now, self._started = {}, {}, at
            elif passed >= self._window:
                self._before, self._now = self._now, {}
                self._started += self._window
            share = 1.0 - (at - self._started) / self._window
            used = self._before.get(subject, 0) * share + self._now.get(subject, 0)
            if used + amount > self._limit:
                return False
            self._now[subject] = self._now.get(subject, 0) + amount
            return True

    def clear(self) -> None:
        with self._lock:
            self._now, self._before = {}, {}


_by_key = RateLimit(EVENTS_PER_KEY)
_by_address = RateLimit(EVENTS_PER_ADDRESS)


def check_rate(request: HttpRequest, key_id: UUID, events: int) -> None:
    """Raises `Problem` rate_limited (429) with Retry-After."""
    address = (key_id, request.META.get("REMOTE_ADDR", ""))
    if _by_address.take(address, events) and _by_key.take(key_id, events):
        return
    raise Problem(
        "rate_limited",
        "Too many events for a public write key; try again in a few seconds.",
        status=429,
        headers={"Retry-After": str(int(WINDOW_SECONDS))},
    )
