"""The Twilio SDK called bare, in a loop with threads: what submitting costs without a platform.

`python -m tests.benchmarks.bare_sdk <carrier> <account> <number> <texts> <threads>` prints
{"seconds", "cpu"} as JSON.
"""

from __future__ import annotations

import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from requests.adapters import HTTPAdapter
from twilio.http.http_client import TwilioHttpClient
from twilio.rest import Client

TOKEN = "bench-token"
WARM_UP = 200


class PooledClient(TwilioHttpClient):  # type: ignore[misc]  # the SDK ships no types
    """The SDK's own client with a connection per thread, a time limit and another host."""

    def __init__(self, base_url: str, threads: int) -> None:
        super().__init__(timeout=10)
        self.base_url = base_url
        self.session.trust_env = False
        self.session.mount("http://", HTTPAdapter(pool_maxsize=threads))

    def request(self, method: str, url: str, *given: Any, **named: Any) -> Any:
        path = urlunsplit(("", "", *urlsplit(url)[2:]))
        return super().request(method, f"{self.base_url}/api{path}", *given, **named)


def make_client(base_url: str, account: str, threads: int) -> Client:
    return Client(account, TOKEN, http_client=PooledClient(base_url, threads))


def main(base_url: str, account: str, number: str, texts: int, threads: int) -> None:
    client = make_client(base_url, account, threads)

    def send(index: int) -> None:
        client.messages.create(
            to=f"+1415{2_000_000 + index:07d}",
            from_=number,
            body=f"Juniper & Oak: Hi Maya {index % 97}, early access is open for you: "
            f"http://127.0.0.1:8000/t/{index:010d} Reply STOP to opt out",
            status_callback=f"http://127.0.0.1:8000/webhooks/{index}",
            validity_period=3600,
            smart_encoded=False,
        )

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(send, range(min(WARM_UP, texts))))
        began, cpu = time.perf_counter(), time.process_time()
        list(pool.map(send, range(texts)))
        done = {
            "seconds": time.perf_counter() - began,
            "cpu": time.process_time() - cpu,
        }
    sys.stdout.write(json.dumps(done))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]), int(sys.argv[5]))
