"""The Twilio SDK's HTTP client, made fit for many threads, a time limit and another base URL."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import requests
from requests.adapters import HTTPAdapter
from twilio.http.http_client import TwilioHttpClient
from twilio.http.response import Response
from urllib3.util.retry import Retry
from urllib3.util.timeout import Timeout

CONNECT_TIMEOUT = 3.05  # just over a TCP retransmission


class GatewayHttpClient(TwilioHttpClient):  # type: ignore[misc]  # the SDK ships no types
    """One per set of credentials and process; safe for as many threads as `pool`.

    base_url: None for the real Twilio; else every call goes to `{base_url}/{product}/...`, where
    product is the first label of Twilio's host name (api, messaging, accounts, ...). The SDK's
    own region and edge settings cannot do that: they corrupt other host names.
    """

    def __init__(
        self, *, base_url: str | None, pool: int, timeout: float, connect_again: int = 2
    ) -> None:
        super().__init__(timeout=timeout)
        self.base_url = base_url.rstrip("/") if base_url else None
        self.connect_timeout = min(CONNECT_TIMEOUT, timeout)
        self.total: float | None = None  # of connecting and reading together
        self._seen = threading.local()
        adapter = HTTPAdapter(
            pool_connections=8,
            pool_maxsize=pool,
            # Only a failed connect is repeated: then nothing has reached Twilio. Anything else
            # could send a text twice.
            max_retries=Retry(
                total=None,
                connect=connect_again,
                read=0,
                redirect=0,
                status=0,
                other=0,
                backoff_factor=0.1,
            ),
        )
        self.session.mount("https://", adapter)
        self.session.mount("http://", adapter)
        if self.base_url:
            self.session.trust_env = False  # a proxy of the machine must not see a local simulator

    def request(
        self,
        method: str,
        url: str,
        params: dict[str, object] | None = None,
        data: dict[str, object] | None = None,
        headers: dict[str, str] | None = None,
        auth: tuple[str, str] | None = None,
        timeout: float | None = None,
        allow_redirects: bool = False,
    ) -> Response:
        """As the SDK's, without what all threads would share.

        The SDK hands each response over through an attribute of the client, so only the moments
        at which the interpreter happens to switch threads keep one text from getting another
        one's sid. It also keeps the last body in memory and logs query parameters (phone
        numbers).
        """
        self._seen.headers = {}
        is_json = bool(headers) and "json" in (headers or {}).get("Content-Type", "")
        prepared = self.session.prepare_request(
            requests.Request(
                method=method.upper(),
                url=self.rewrite_url(url),
                params=params,
                data=None if is_json else data,
                json=data if is_json else None,
                headers=headers,
                auth=auth,
            )
        )
        environment: Mapping[str, Any] = (
            self.session.merge_environment_settings(prepared.url, self.proxy, None, None, None)
            if self.session.trust_env
            else {}
        )
        response = self.session.send(
            prepared,
            allow_redirects=allow_redirects,
            timeout=Timeout(
                total=self.total, connect=self.connect_timeout, read=timeout or self.timeout
            ),
            **environment,
        )
        self._seen.headers = response.headers
        # Twilio answers UTF-8; `response.text` would guess when the charset is not named.
        text = response.content.decode("utf-8", "replace")
        return Response(int(response.status_code), text, response.headers)

    def rewrite_url(self, url: str) -> str:
        """Where a call to a Twilio URL really goes."""
        if self.base_url is None:
            return url
        parts = urlsplit(url)
        product = (parts.hostname or "api").split(".", 1)[0]
        return f"{self.base_url}/{product}" + urlunsplit(("", "", parts.path, parts.query, ""))

    def last_headers(self) -> Mapping[str, str]:
        """Headers of this thread's last answer: the SDK's exceptions do not carry them."""
        headers: Mapping[str, str] = getattr(self._seen, "headers", {})
        return headers
