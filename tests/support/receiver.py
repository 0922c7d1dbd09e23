"""A web server that plays the platform's webhooks: keeps what it gets, answers as told."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl


@dataclass
class Hook:
    path: str
    body: str
    headers: dict[str, str]  # names in lower case
    at: float = field(default_factory=time.monotonic)

    @property
    def form(self) -> dict[str, str]:
        return dict(parse_qsl(self.body, keep_blank_values=True))


class WebhookReceiver:
    """`status`: the answer, or 0 to hang up without one. `may_answer`: cleared, all wait for it."""

    def __init__(self) -> None:
        self.hooks: list[Hook] = []
        self.status = 204
        self.may_answer = threading.Event()
        self.may_answer.set()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
                headers = {name.lower(): value for name, value in self.headers.items()}
                receiver.hooks.append(Hook(self.path, body, headers))
                receiver.may_answer.wait(120)
                if receiver.status == 0:
                    self.close_connection = True
                    return
                self.send_response(receiver.status)
                if receiver.status != 204:
                    self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.base_url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self.may_answer.set()
        self._server.shutdown()
        self._server.server_close()
