"""A server that gives exactly the bytes a test wants, and keeps what it was sent."""

from __future__ import annotations

import socket
import threading
from types import TracebackType


class ScriptedServer:
    """Answers every request with `answer` (raw bytes) and hangs up."""

    def __init__(self, answer: bytes = b"") -> None:
        self.answer = answer
        self.requests: list[str] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.base_url = f"http://127.0.0.1:{self.port}"
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                peer, _ = self._listener.accept()
            except OSError:
                return
            with peer:
                peer.settimeout(5)
                data = b""
                while b"\r\n\r\n" not in data and data[:1] != b"\x16":  # a TLS hello has no end
                    if not (more := peer.recv(65_536)):
                        break
                    data += more
                head, _, body = data.partition(b"\r\n\r\n")
                for line in head.split(b"\r\n"):
                    name, _, value = line.partition(b":")
                    if name.lower() == b"content-length":
                        while len(body) < int(value):
                            body += peer.recv(65_536)
                self.requests.append((head + b"\r\n\r\n" + body).decode(errors="replace"))
                peer.sendall(self.answer)

    def __enter__(self) -> ScriptedServer:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        self._listener.close()


def answer(status: str, body: str, *, kind: str = "application/json", **headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Type: {kind}", f"Content-Length: {len(body.encode())}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return ("\r\n".join([*lines, "Connection: close"]) + "\r\n\r\n" + body).encode()
