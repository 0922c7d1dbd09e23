"""`python -m stack.healthy web|worker|carrier`: the health checks of the container image.

A worker takes no requests, so it is asked whether it can reach what it lives from.
"""

from __future__ import annotations

import os
import socket
import sys
import urllib.error
import urllib.request
from urllib.parse import urlsplit

PORTS = {"postgresql": 5432, "postgres": 5432, "redis": 6379, "rediss": 6379, "amqp": 5672}
TIMEOUT = 4.0


def web() -> None:
    """/ready, asked the way a proxy would: by the installation's own name, over TLS."""
    name = os.environ.get("ALLOWED_HOSTS", "").split(",")[0].strip() or "127.0.0.1"
    headers = {"Host": name.lstrip("."), "X-Forwarded-Proto": "https"}
    request = urllib.request.Request("http://127.0.0.1:8000/ready", headers=headers)
    urllib.request.urlopen(request, timeout=TIMEOUT).close()  # noqa: S310


def worker() -> None:
    broker = os.environ.get("CELERY_BROKER_URL") or os.environ["REDIS_URL"]
    for url in (os.environ["DATABASE_URL"], broker):
        parts = urlsplit(url)
        port = parts.port or PORTS[parts.scheme]
        socket.create_connection((parts.hostname or "127.0.0.1", port), TIMEOUT).close()


def carrier() -> None:
    """Any answer will do: it is up."""
    try:
        urllib.request.urlopen("http://127.0.0.1:8010/", timeout=TIMEOUT).close()
    except urllib.error.HTTPError:
        return


CHECKS = {"web": web, "worker": worker, "carrier": carrier}

if __name__ == "__main__":
    try:
        CHECKS[sys.argv[1]]()
    except Exception as error:
        sys.exit(f"{sys.argv[1]}: {type(error).__name__}: {error}")
