"""A small HTTP/1.1 client on asyncio: one kept connection, one exchange at a time."""

from __future__ import annotations

import asyncio

CONNECT_SECONDS = 5.0
READ_SECONDS = 15.0
MAX_ANSWER = 262_144


async def connect(host: str, port: int) -> Connection:
    """Raises OSError or TimeoutError."""
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(CONNECT_SECONDS):
        _, connection = await loop.create_connection(Connection, host, port)
    return connection


class Connection(asyncio.Protocol):
    """`reusable`: whether another exchange may follow."""

    def __init__(self) -> None:
        self.reusable = True
        self._transport: asyncio.Transport | None = None
        self._answer: asyncio.Future[tuple[int, bytes]] | None = None
        self._data = b""

    async def exchange(self, raw: bytes) -> tuple[int, bytes]:
        """Sends a whole request and returns status and body of the answer.

        Raises ConnectionError when the server hung up, TimeoutError when it was silent,
        ValueError when it did not speak HTTP.
        """
        if self._transport is None:
            raise ConnectionResetError
        loop = asyncio.get_running_loop()
        self._answer = loop.create_future()
        timer = loop.call_later(READ_SECONDS, self._fail, TimeoutError())
        self._transport.write(raw)
        try:
            return await self._answer
        finally:
            timer.cancel()
            self._answer, self._data = None, b""

    def close(self) -> None:
        self.reusable = False
        if self._transport is not None:
            self._transport.close()

    # --- what asyncio calls ----------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 (TCP gives no other)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._data += data
        try:
            self._read(closed=False)
        except ValueError as error:
            self._fail(error)

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport, self.reusable = None, False
        try:
            self._read(closed=True)  # a body without a length ends with the connection
        except ValueError as error:
            self._fail(error)
        self._fail(ConnectionResetError())

    # ---------------------------------------------------------------------------------------

    def _fail(self, error: Exception) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(error)

    def _read(self, *, closed: bool) -> None:
        end = self._data.find(b"\r\n\r\n")
        if end < 0 or self._answer is None or self._answer.done():
            return
        lines = self._data[:end].decode("latin-1").split("\r\n")
        version, _, rest = lines[0].partition(" ")
        status = int(rest[:3])
        pairs = (line.partition(":") for line in lines[1:])
        headers = {name.lower(): value.strip().lower() for name, _, value in pairs}
        body = _body(status, headers, self._data[end + 4 :], closed=closed)
        if body is None:
            return
        if headers.get("connection") == "close" or version == "HTTP/1.0":
            self.reusable = False
        self._answer.set_result((status, body))


def _body(status: int, headers: dict[str, str], data: bytes, *, closed: bool) -> bytes | None:
    """The body, or None while it is not complete. Raises ValueError when it is no HTTP."""
    if status in {204, 304}:
        return b""
    if headers.get("transfer-encoding") == "chunked":
        return _unchunk(data)
    if "content-length" in headers:
        length = int(headers["content-length"])
        return data[:length] if len(data) >= length else None
    return data if closed or len(data) > MAX_ANSWER else None


def _unchunk(data: bytes) -> bytes | None:
    body = b""
    while True:
        line, found, data = data.partition(b"\r\n")
        if not found:
            return None
        size = int(line.split(b";")[0], 16)
        if len(data) < size + 2:
            return None
        if size == 0:
            return body
        body += data[:size]
        data = data[size + 2 :]
