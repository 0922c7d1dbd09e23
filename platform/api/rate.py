"""How often a key may call: counted in Valkey, so that the limit holds over all web processes.

A sliding window of two halves: one round trip of about 0.1 ms a request. Valkey may vanish; then
each process counts for itself until it is back, and a log line says so.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from dataclasses import dataclass
from functools import lru_cache

import redis
from django.conf import settings

from api.problems import Problem

logger = logging.getLogger(__name__)

WINDOW_SECONDS = 60
_TIMEOUT_SECONDS = 0.1
_PAUSE_SECONDS = 5.0
_MANY = 10_000


@dataclass(frozen=True, slots=True)
class Taken:
    """What one request found. `reset`: seconds until the window turns."""

    limit: int
    remaining: int
    reset: int
    allowed: bool

    @property
    def headers(self) -> dict[str, str]:
        return {
            "RateLimit-Limit": str(self.limit),
            "RateLimit-Remaining": str(self.remaining),
            "RateLimit-Reset": str(self.reset),
        }


class RateCounter:
    """Counts requests of a subject in the current and the previous window. Wall time."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._silent_until = 0.0
        self._lock = threading.Lock()
        self._own: dict[tuple[str, int], int] = {}

    def take(self, subject: str, limit: int, *, at: float | None = None) -> Taken:
        """Counts one request, a refused one too: whoever keeps knocking stays out."""
        moment = time.time() if at is None else at
        window, passed = divmod(moment, WINDOW_SECONDS)
        now, before = self._count(subject, int(window))
        share = 1.0 - passed / WINDOW_SECONDS
        used = before * share + now
        return Taken(
            limit=limit,
            remaining=max(0, math.floor(limit - used)),
            reset=max(1, math.ceil(WINDOW_SECONDS - passed)),
            allowed=used <= limit,
        )

    def _count(self, subject: str, window: int) -> tuple[int, int]:
        if self._url and time.monotonic() >= self._silent_until:
            try:
                return self._count_there(subject, window)
            except (redis.RedisError, OSError) as error:
                self._silent_until = time.monotonic() + _PAUSE_SECONDS
                logger.warning(
                    "requests are counted by each process alone: %s", type(error).__name__
                )
        return self._count_here(subject, window)

    def _count_there(self, subject: str, window: int) -> tuple[int, int]:
        pipe = _client(self._url).pipeline(transaction=False)
        name = f"kairos:rate:{subject}:{window}"
        pipe.incr(name)
        pipe.expire(name, 2 * WINDOW_SECONDS)
        pipe.get(f"kairos:rate:{subject}:{window - 1}")
        now, _, before = pipe.execute()
        return int(now), int(before or 0)

    def _count_here(self, subject: str, window: int) -> tuple[int, int]:
        with self._lock:
            if len(self._own) > _MANY:
                self._own.clear()
            now = self._own.get((subject, window), 0) + 1
            self._own[subject, window] = now
            self._own.pop((subject, window - 2), None)
            return now, self._own.get((subject, window - 1), 0)


def take_request(subject: str) -> Taken:
    """Counts a request of this key. Raises `Problem` rate_limited (429) with Retry-After."""
    taken = _counter(settings.KAIROS_RATE_URL).take(subject, settings.KAIROS_API_RATE)
    if not taken.allowed:
        raise Problem(
            "rate_limited",
            f"A key may send {taken.limit} requests a minute. Try again in {taken.reset} s.",
            status=429,
            headers={**taken.headers, "Retry-After": str(taken.reset)},
        )
    return taken


@lru_cache(maxsize=4)
def _counter(url: str) -> RateCounter:
    return RateCounter(url)


@lru_cache(maxsize=4)
def _client(url: str) -> redis.Redis:
    return redis.Redis.from_url(
        url, socket_timeout=_TIMEOUT_SECONDS, socket_connect_timeout=_TIMEOUT_SECONDS
    )
