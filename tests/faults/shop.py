"""A shop's server: posts its events and tries again until it is told that they were taken."""

from __future__ import annotations

import threading
import time
from collections import Counter
from typing import Any

import requests

from tests.faults.plan import Plan

THREADS = 4
GIVE_UP = 180.0
PAUSE = 0.15


class Shop:
    """Posts the plan's requests from a few threads, never further than `may_go` says."""

    def __init__(self, plan: Plan, base_url: str, write_key: str) -> None:
        self.plan, self.base_url, self.write_key = plan, base_url, write_key
        self.may_go = 0.0
        self.answered: set[str] = set()
        self.said_accepted: Counter[str] = Counter()
        self.retries = 0
        self.problems: list[str] = []
        self._next = 0
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._run, daemon=True) for _ in range(THREADS)]

    @property
    def share(self) -> float:
        return len(self.answered) / len(self.plan.events)

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def is_done(self) -> bool:
        return not any(thread.is_alive() for thread in self._threads)

    def join(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        for thread in self._threads:
            thread.join(max(0.0, end - time.monotonic()))
        assert self.is_done(), f"posting did not end; {len(self.answered)} events answered"

    def _run(self) -> None:
        session = requests.Session()
        session.trust_env = False
        while not self.problems:
            if self.share > self.may_go:
                time.sleep(0.02)
                continue
            with self._lock:
                number = self._next
                self._next += 1
            if number >= len(self.plan.requests):
                return
            self._post(session, number)
            if number in self.plan.repeated:
                self._post(session, number)

    def _post(self, session: requests.Session, number: int) -> None:
        """Like the clients of the field: the same bodies and messageIds again until a 200."""
        events = self.plan.requests[number]
        body: dict[str, Any] = events[0] if len(events) == 1 else {"batch": list(events)}
        path = "/v1/track" if len(events) == 1 else "/v1/batch"
        end = time.monotonic() + GIVE_UP
        while time.monotonic() < end:
            try:
                answer = session.post(
                    f"{self.base_url}{path}", json=body, auth=(self.write_key, ""), timeout=20
                )
            except requests.RequestException:
                answer = None
            if answer is not None and answer.status_code == 200:
                self._note(events, answer.json()["results"])
                return
            if answer is not None and answer.status_code < 500:
                self.problems.append(f"{answer.status_code}: {answer.text[:300]}")
                return
            with self._lock:
                self.retries += 1
            time.sleep(PAUSE)
        self.problems.append(f"request {number} was never answered")

    def _note(self, events: tuple[dict[str, Any], ...], results: list[dict[str, Any]]) -> None:
        with self._lock:
            for event, result in zip(events, results, strict=True):
                if result["status"] == "rejected":
                    self.problems.append(f"{event}: {result}")
                elif result["status"] == "accepted":
                    self.said_accepted[event["messageId"]] += 1
                self.answered.add(event["messageId"])
