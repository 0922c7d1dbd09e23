"""A small HTTP/1.1 server on asyncio, with the bad manners a carrier sometimes has.

Handlers are plain functions (an answer at once) or return an awaitable (an answer later). A reply
can also break off, cut its body short or never come: that is what the simulator is for, and why
no ordinary server fits.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Literal
from urllib.parse import parse_qsl

log = logging.getLogger(__name__)

MAX_HEAD = 32_768
MAX_BODY = 1_048_576


@dataclass(slots=True)
class Request:
    method: str
    path: str  # still percent-encoded, without the query
    query: str
    headers: dict[str, str]  # names in lower case
    body: bytes

    def form(self) -> dict[str, list[str]]:
        return _pairs(self.body.decode("utf-8", "replace"))

    def params(self) -> dict[str, list[str]]:
        return _pairs(self.query)


@dataclass(slots=True)
class Reply:
    """manner: `send` it, `truncate` it half way and hang up, or `drop` the connection unsaid."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    manner: Literal["send", "truncate", "drop"] = "send"

    def to_bytes(self, *, keep_alive: bool) -> bytes:
        lines = [f"HTTP/1.1 {self.status} {_phrase(self.status)}"]
        headers = {"Content-Type": "application/json", **self.headers}
        lines += [f"{name}: {value}" for name, value in headers.items()]
        lines.append(f"Content-Length: {len(self.body)}")
        lines.append("Connection: keep-alive" if keep_alive else "Connection: close")
        return "\r\n".join(lines).encode() + b"\r\n\r\n" + self.body


Handler = Callable[[Request], Reply | Awaitable[Reply]]


class HttpProtocol(asyncio.Protocol):
    """One connection: requests are answered one after the other, as HTTP/1.1 asks."""

    def __init__(self, handler: Handler) -> None:
        self._handler = handler
        self._buffer = b""
        self._task: asyncio.Task[None] | None = None
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 (a TCP server gives no other)
        self._transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if self._task is None:
            self._work()

    def _work(self) -> None:
        while self._transport is not None:
            try:
                request = self._next_request()
            except _Refused as refused:
                self._write(error_reply(refused.status, refused.status, str(refused)), False)
                return
            if request is None:
                return
            keep_alive = request.headers.get("connection", "").lower() != "close"
            try:
                answer = self._handler(request)
            except Exception:
                log.exception("a request failed: %s", request.path)
                answer = error_reply(500, 20500, "The carrier simulator failed; see its log.")
            if isinstance(answer, Reply):
                self._write(answer, keep_alive)
            else:
                self._task = asyncio.ensure_future(self._write_later(answer, keep_alive))
                return

    async def _write_later(self, answer: Awaitable[Reply], keep_alive: bool) -> None:
        try:
            reply = await answer
        except Exception:
            log.exception("a request failed")
            reply = error_reply(500, 20500, "The carrier simulator failed; see its log.")
        self._write(reply, keep_alive)
        self._task = None
        self._work()

    def _write(self, reply: Reply, keep_alive: bool) -> None:
        if self._transport is None:
            return
        if reply.manner == "drop":
            self._transport.abort()
            return
        raw = reply.to_bytes(keep_alive=keep_alive)
        if reply.manner == "truncate":
            raw = raw[: len(raw) - len(reply.body) // 2 - 1]
            keep_alive = False
        self._transport.write(raw)
        if not keep_alive:
            self._transport.close()

    def _next_request(self) -> Request | None:
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            if len(self._buffer) > MAX_HEAD:
                raise _Refused(431, "The header is too large.")
            return None
        lines = self._buffer[:end].decode("latin-1").split("\r\n")
        try:
            method, target, _version = lines[0].split(" ")
        except ValueError:
            raise _Refused(400, "This is no HTTP request.") from None
        headers = {}
        for line in lines[1:]:
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip()
        if "transfer-encoding" in headers:
            raise _Refused(411, "Send a Content-Length.")
        try:
            length = int(headers.get("content-length", "0"))
        except ValueError:
            raise _Refused(400, "Content-Length is not a number.") from None
        if not 0 <= length <= MAX_BODY:
            raise _Refused(413, "The body is too large.")
        start = end + 4
        if len(self._buffer) < start + length:
            return None
        body = self._buffer[start : start + length]
        self._buffer = self._buffer[start + length :]
        path, _, query = target.partition("?")
        return Request(method, path, query, headers, body)


class _Refused(Exception):
    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


def json_reply(data: Any, status: int = 200, headers: dict[str, str] | None = None) -> Reply:
    return Reply(status, json.dumps(data).encode(), headers or {})


def error_reply(status: int, code: int, message: str) -> Reply:
    """An error in Twilio's shape."""
    return json_reply(
        {
            "code": code,
            "message": message,
            "more_info": f"https://www.twilio.com/docs/errors/{code}",
            "status": status,
        },
        status,
    )


def _pairs(text: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, value in parse_qsl(text, keep_blank_values=True):
        found.setdefault(name, []).append(value)
    return found


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"
