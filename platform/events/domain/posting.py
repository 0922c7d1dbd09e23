"""POSTs to addresses that somebody else chose, without ever reaching anything of ours.

The name is resolved once, every address it has is judged, and the socket goes to that very
address while the certificate must fit the name: a name that changes its address in between gains
nothing. Redirects are not followed. No library: those for this purpose are archived or very
young, and urllib3 does the pinning itself.
"""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType

import certifi
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import (
    ConnectTimeoutError,
    HTTPError,
    NewConnectionError,
    ReadTimeoutError,
    SSLError,
)
from urllib3.util.ssl_match_hostname import CertificateError

from events.core.addresses import THIS_MACHINE, Target, UnsafeUrl, read_url, refusal

CONNECT_SECONDS = 4.0
ANSWER_SECONDS = 10.0
KEPT_BYTES = 1024
_READ_BYTES = 65_536


@dataclass(frozen=True, slots=True)
class Posted:
    """What came of one POST. `error` is "" when it was taken (2xx), else a stable code:

    url_refused, address_refused, dns_failed, connect_failed, tls_failed, timeout, broken_answer,
    redirect, gone, throttled, http_error. `status` is None when no answer came.
    """

    status: int | None
    error: str
    body: str = ""
    duration_ms: int = 0
    retry_after: int | None = None


def resolve(target: Target, *, allow_loopback: bool) -> str:
    """The address to connect to. Raises `UnsafeUrl`: dns_failed, or address_refused when even one
    of its addresses may not be reached."""
    try:
        found = socket.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise UnsafeUrl("dns_failed", f"{target.host} has no address.") from None
    addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
    for address in addresses:
        why = refusal(address, allow_loopback=allow_loopback)
        if why:
            said = f"{target.host} leads to {address}: {why}. Only public addresses."
            hint = f" {THIS_MACHINE}" if why == "loopback" else ""
            raise UnsafeUrl("address_refused", said + hint)
    if not addresses:
        raise UnsafeUrl("dns_failed", f"{target.host} has no address.")
    return addresses[0]


class Poster:
    """One kept connection to one address, resolved and judged when it is made. Use it for a
    round of some seconds and make a new one, so that a name's change counts."""

    def __init__(self, url: str, *, allow_loopback: bool, ca_file: str = "") -> None:
        self.refused: UnsafeUrl | None = None
        self._connection: HTTPConnection | None = None
        self._used = False
        try:
            self._target = read_url(url, allow_loopback=allow_loopback)
            address = resolve(self._target, allow_loopback=allow_loopback)
        except UnsafeUrl as refused:
            self.refused = refused
            return
        if self._target.is_tls:
            self._connection = HTTPSConnection(
                address,
                self._target.port,
                timeout=CONNECT_SECONDS,
                server_hostname=self._target.host,
                assert_hostname=self._target.host,
                cert_reqs="CERT_REQUIRED",
                ca_certs=ca_file or certifi.where(),
            )
        else:
            self._connection = HTTPConnection(address, self._target.port, timeout=CONNECT_SECONDS)

    def __enter__(self) -> Poster:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._connection is not None:
            self._connection.close()

    def post(self, body: bytes, headers: Mapping[str, str]) -> Posted:
        """Sends once. Never raises for what the other side does."""
        if self.refused is not None or self._connection is None:
            code = self.refused.code if self.refused else "url_refused"
            known = code in {"dns_failed", "address_refused"}
            detail = self.refused.detail if self.refused else ""
            return Posted(None, code if known else "url_refused", detail)
        started = time.monotonic()
        posted = self._send(body, headers)
        if posted.error == "connect_failed" and self._used:
            # The other side closed the connection it had kept open: that is no failure of theirs.
            posted = self._send(body, headers)
        self._used = posted.status is not None
        spent = int((time.monotonic() - started) * 1000)
        return Posted(posted.status, posted.error, posted.body, spent, posted.retry_after)

    def _send(self, body: bytes, headers: Mapping[str, str]) -> Posted:
        connection = self._connection
        if connection is None:
            raise RuntimeError("no connection")
        late = _Deadline(connection)
        try:
            if connection.sock is None:
                connection.timeout = CONNECT_SECONDS
                connection.connect()
            if connection.sock is not None:
                connection.sock.settimeout(ANSWER_SECONDS)
            late.start()
            connection.request(
                "POST",
                self._target.path,
                body=body,
                headers={"Host": self._target.host_header, **headers},
                preload_content=False,
                decode_content=False,
            )
            answer = connection.getresponse()
            read = answer.read(_READ_BYTES, decode_content=False)
            if len(read) >= _READ_BYTES or not connection.is_connected:
                connection.close()
        except (ssl.SSLError, SSLError, CertificateError):
            return self._failed("tls_failed")
        except NewConnectionError:  # before its base, which means a timeout
            return self._failed("connect_failed")
        except (TimeoutError, ConnectTimeoutError, ReadTimeoutError):
            return self._failed("timeout")
        except OSError:
            return self._failed("timeout" if late.has_struck else "connect_failed")
        except (HTTPError, ValueError):
            return self._failed("timeout" if late.has_struck else "broken_answer")
        except Exception as error:  # http.client's own kinds of a broken answer
            if late.has_struck:
                return self._failed("timeout")
            lost = type(error).__name__ in {"RemoteDisconnected", "BadStatusLine"}
            return self._failed("connect_failed" if lost else "broken_answer")
        finally:
            late.cancel()
        if late.has_struck:
            return self._failed("timeout")
        shown = (
            read[:KEPT_BYTES]
            .decode("utf-8", "replace")
            .replace("\x00", "\N{REPLACEMENT CHARACTER}")
        )
        after = answer.headers.get("Retry-After", "")
        wait = int(after) if after.isascii() and after.isdigit() and len(after) < 8 else None
        return Posted(answer.status, _verdict(answer.status), shown, 0, wait)

    def _failed(self, code: str) -> Posted:
        if self._connection is not None:
            self._connection.close()
        return Posted(None, code)


class _Deadline:
    """Cuts the connection when a whole exchange takes too long: a socket's timeout begins anew
    with every byte that trickles in."""

    def __init__(self, connection: HTTPConnection) -> None:
        self.has_struck = False
        self._connection = connection
        self._timer = threading.Timer(ANSWER_SECONDS, self._strike)
        self._timer.daemon = True

    def start(self) -> None:
        self._timer.start()

    def cancel(self) -> None:
        self._timer.cancel()

    def _strike(self) -> None:
        self.has_struck = True
        held = self._connection.sock
        if held is not None:
            try:
                held.shutdown(socket.SHUT_RDWR)
            except OSError:
                return


def _verdict(status: int) -> str:
    if 200 <= status < 300:
        return ""
    if 300 <= status < 400:
        return "redirect"
    return {410: "gone", 429: "throttled"}.get(status, "http_error")
