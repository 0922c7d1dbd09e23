"""Signed webhooks to the platform: the only thing this process ever sends.

They go to the URL that was given and only to hosts on a short list (loopback unless told
otherwise). A webhook that fails is counted and forgotten, as Twilio would; nothing waits for it.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import logging
from collections import Counter, defaultdict, deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal
from urllib.parse import parse_qsl, urlencode, urlsplit
from uuid import uuid4

from delivery.carrier_simulator.http_client import Connection, connect

log = logging.getLogger(__name__)

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
FIRST_RETRY_SECONDS = 0.2  # doubled each time

Outcome = Literal["ok", "4xx", "5xx", "ct", "rt", "refused"]


@dataclass(frozen=True, slots=True)
class Webhook:
    """One POST to make. `key`: webhooks with the same key are sent in order, one at a time."""

    key: str
    url: str
    form: dict[str, str]
    token: str


@dataclass(frozen=True, slots=True)
class Answer:
    outcome: Outcome
    status: int | None = None
    body: bytes = b""


def sign(url: str, form: Mapping[str, str], token: str) -> str:
    """Twilio's signature: HMAC-SHA-1 over the URL and the sorted parameters, in base64."""
    text = url + "".join(name + form[name] for name in sorted(form))
    digest = hmac.new(token.encode(), text.encode(), hashlib.sha1).digest()
    return base64.b64encode(digest).decode()


class WebhookSender:
    """Sends with limited concurrency over kept connections."""

    def __init__(self, *, hosts: frozenset[str] = LOOPBACK, concurrency: int = 16) -> None:
        self.hosts = hosts
        self.concurrency = concurrency
        self.counts: Counter[str] = Counter()
        self._lanes: dict[str, deque[Webhook]] = {}
        self._ready: asyncio.Queue[str] = asyncio.Queue()
        self._idle: dict[tuple[str, int], list[Connection]] = defaultdict(list)
        self._workers: list[asyncio.Task[None]] = []
        self._in_flight = 0

    def start(self) -> None:
        self._workers = [asyncio.ensure_future(self._work()) for _ in range(self.concurrency)]

    def stop(self) -> None:
        for worker in self._workers:
            worker.cancel()

    @property
    def pending(self) -> int:
        """Webhooks that are waiting or on their way."""
        return self._in_flight + sum(map(len, self._lanes.values()))

    def clear(self) -> None:
        """Forget what waits."""
        for lane in self._lanes.values():
            lane.clear()
        self.counts.clear()

    def enqueue(self, webhook: Webhook) -> None:
        lane = self._lanes.get(webhook.key)
        if lane is None:
            self._lanes[webhook.key] = deque([webhook])
            self._ready.put_nowait(webhook.key)
        else:
            lane.append(webhook)

    async def _work(self) -> None:
        while True:
            key = await self._ready.get()
            lane = self._lanes[key]
            while lane:
                self._in_flight += 1
                await self.send(lane.popleft())
                self._in_flight -= 1
            del self._lanes[key]

    async def send(self, webhook: Webhook) -> Answer:
        """One webhook with the retries its URL asks for. Never raises."""
        url, _, fragment = webhook.url.partition("#")
        policy = dict(parse_qsl(fragment))
        try:
            retries = min(5, int(policy.get("rc", "1")))
        except ValueError:
            retries = 1
        retry_on = set(policy.get("rp", "ct").split(","))
        token = f"{uuid4()}"
        answer = Answer("refused")
        for attempt in range(retries + 1):
            headers = {"X-Twilio-Signature": sign(url, webhook.form, webhook.token)}
            if attempt:
                await asyncio.sleep(FIRST_RETRY_SECONDS * 2 ** (attempt - 1))
                headers["I-Twilio-Idempotency-Token"] = token
            try:
                answer = await self._post(url, webhook.form, headers)
            except Exception:
                log.exception("a webhook failed")
                answer = Answer("rt")
            if answer.outcome in {"ok", "refused"}:
                break
            if answer.outcome not in retry_on and "all" not in retry_on:
                break
        self.counts[answer.outcome] += 1
        if answer.outcome != "ok":
            log.info("webhook to %s: %s", urlsplit(url).netloc, answer.status or answer.outcome)
        return answer

    async def _post(self, url: str, form: Mapping[str, str], headers: Mapping[str, str]) -> Answer:
        parts = urlsplit(url)
        host = parts.hostname or ""
        if parts.scheme != "http" or host not in self.hosts:
            return Answer("refused")
        body = urlencode(form).encode()
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        head = [
            f"POST {target} HTTP/1.1",
            f"Host: {parts.netloc}",
            "User-Agent: TwilioProxy/1.1",
            "Accept: */*",
            "Content-Type: application/x-www-form-urlencoded; charset=UTF-8",
            f"Content-Length: {len(body)}",
            *(f"{name}: {value}" for name, value in headers.items()),
        ]
        raw = "\r\n".join(head).encode() + b"\r\n\r\n" + body
        address = (host, parts.port or 80)
        while True:
            idle = self._idle[address]
            kept = bool(idle)
            try:
                connection = idle.pop() if idle else await connect(*address)
            except (OSError, TimeoutError):
                return Answer("ct")
            try:
                status, answered = await connection.exchange(raw)
            except (OSError, TimeoutError, ValueError) as error:
                connection.close()
                if kept and not isinstance(error, TimeoutError):
                    continue  # the server closed a kept connection: not its answer to this one
                return Answer("rt")
            if connection.reusable and len(idle) < self.concurrency:
                idle.append(connection)
            else:
                connection.close()
            outcome: Outcome = "ok" if status < 400 else "4xx" if status < 500 else "5xx"
            return Answer(outcome, status, answered)
