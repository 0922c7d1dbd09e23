"""Where webhooks may go: nothing of ours, whatever it is called and whenever the name changes."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from events.core.addresses import UnsafeUrl, read_url, refusal
from events.domain import posting
from events.domain.posting import Poster, resolve
from tests.support.receiver import WebhookReceiver

FORBIDDEN = [
    "0.0.0.0",  # noqa: S104
    "127.0.0.1", "127.8.9.10", "0.1.2.3", "10.0.0.8", "172.16.0.1", "172.31.255.255",
    "192.168.1.1", "169.254.169.254", "100.64.0.1", "100.100.100.200", "192.0.0.192", "192.0.2.1",
    "198.18.0.1", "198.51.100.7", "203.0.113.9", "224.0.0.1", "240.0.0.1", "255.255.255.255",
    "168.63.129.16", "::1", "::", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:8.8.8.8",
    "::7f00:1", "64:ff9b::7f00:1", "64:ff9b:1::1", "2002:7f00:1::", "2001::1", "fe80::1",
    "fe80::1%eth0", "fc00::1", "fd00:ec2::254", "fec0::1", "ff02::1", "2001:db8::1", "nonsense",
]  # fmt: skip


@pytest.mark.parametrize("address", FORBIDDEN)
def test_addresses_that_are_not_public_are_refused(address: str) -> None:
    assert refusal(address, allow_loopback=False)


@pytest.mark.parametrize("address", ["8.8.8.8", "93.184.216.34", "2606:2800:220:1::1", "1.1.1.1"])
def test_public_addresses_are_allowed(address: str) -> None:
    assert refusal(address, allow_loopback=False) == ""


def test_the_setting_opens_loopback_and_nothing_else() -> None:
    allowed = [a for a in FORBIDDEN if not refusal(a, allow_loopback=True)]
    assert [
        a for a in allowed if a not in {"127.0.0.1", "127.8.9.10", "::1", "::ffff:127.0.0.1"}
    ] == []
    assert "127.0.0.1" in allowed


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("http://shop.example/hooks", "https_only"),
        ("http://127.0.0.1/hooks", "https_only"),
        ("ftp://shop.example/", "invalid_url"),
        ("file:///etc/passwd", "invalid_url"),
        ("//shop.example/", "invalid_url"),
        ("shop.example", "invalid_url"),
        ("https://", "invalid_url"),
        ("https:///x", "invalid_url"),
        ("", "invalid_url"),
        ("https://shop.example/a b", "invalid_url"),
        ("https://shop.example/\r\nHost: x", "invalid_url"),
        ("https://shop.example/\x00", "invalid_url"),
        ("https://shop.example:0/", "invalid_url"),
        ("https://shop.example:99999/", "invalid_url"),
        ("https://shop.example/#x", "invalid_url"),
        ("https://user:pw@shop.example/", "credentials_in_url"),
        ("https://shop.example@127.0.0.1/", "credentials_in_url"),
        ("https://[fe80::1%25eth0]/", "invalid_url"),
        ("https://" + "x" * 2000, "invalid_url"),
        ("https://shöp.example/", "invalid_url"),
    ],
)
def test_addresses_that_are_none_of_a_webhook(url: str, code: str) -> None:
    with pytest.raises(UnsafeUrl) as caught:
        read_url(url, allow_loopback=False)
    assert caught.value.code == code


@pytest.mark.parametrize("url", ["http://127.0.0.1:9000/x", "http://localhost/", "http://[::1]/"])
def test_the_refusal_of_this_machine_names_the_setting(url: str) -> None:
    with pytest.raises(UnsafeUrl) as caught:
        read_url(url, allow_loopback=False)
    assert "KAIROS_WEBHOOK_LOOPBACK=yes" in caught.value.detail
    secure = read_url(url.replace("http:", "https:"), allow_loopback=False)
    with pytest.raises(UnsafeUrl) as caught:
        resolve(secure, allow_loopback=False)
    assert caught.value.code == "address_refused"
    assert "KAIROS_WEBHOOK_LOOPBACK=yes" in caught.value.detail
    assert read_url(url, allow_loopback=True).host


@pytest.mark.parametrize("host", ["10.0.0.8", "192.168.1.1", "169.254.169.254", "[fd00:ec2::254]"])
def test_the_setting_is_no_help_for_other_addresses(host: str) -> None:
    """Refused with and without it, so its name would only mislead."""
    for allow in (False, True):
        with pytest.raises(UnsafeUrl) as caught:
            resolve(read_url(f"https://{host}/", allow_loopback=allow), allow_loopback=allow)
        assert caught.value.code == "address_refused"
        assert "KAIROS_WEBHOOK_LOOPBACK" not in caught.value.detail
        with pytest.raises(UnsafeUrl) as caught:
            read_url(f"http://{host}/", allow_loopback=allow)
        assert caught.value.code == "https_only"


def test_the_parts_of_an_address() -> None:
    target = read_url("https://Shop.Example:8443/hooks?a=1", allow_loopback=False)
    assert (target.host, target.port, target.path) == ("shop.example", 8443, "/hooks?a=1")
    assert target.host_header == "shop.example:8443"
    with pytest.raises(UnsafeUrl):  # plain http stays on the machine, setting or not
        read_url("http://shop.example/", allow_loopback=True)


@pytest.mark.parametrize(
    "host", ["127.1", "2130706433", "0x7f000001", "0177.0.0.1", "localhost", "[::ffff:7f00:1]"]
)
def test_other_spellings_of_loopback_are_what_they_resolve_to(host: str) -> None:
    with pytest.raises(UnsafeUrl) as caught:
        resolve(read_url(f"https://{host}/", allow_loopback=False), allow_loopback=False)
    assert caught.value.code == "address_refused"


def point(monkeypatch: pytest.MonkeyPatch, *answers: list[str]) -> list[str]:
    """Name look-ups answer with these lists of addresses, in turn; returns who was asked for."""
    asked: list[str] = []
    real = socket.getaddrinfo

    def getaddrinfo(host: Any, port: Any, *args: Any, **kwargs: Any) -> Any:
        if host != "hooks.example":
            return real(host, port, *args, **kwargs)
        asked.append(host)
        found = answers[min(len(asked), len(answers)) - 1]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (each, port)) for each in found]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    return asked


def test_one_private_address_among_public_ones_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    point(monkeypatch, ["93.184.216.34", "10.0.0.8"])
    with Poster("https://hooks.example/", allow_loopback=False) as poster:
        posted = poster.post(b"{}", {})
    assert (posted.status, posted.error) == (None, "address_refused")


def test_a_name_that_moves_inside_between_check_and_connect_gains_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The name is asked for once: what was judged is what is connected to."""
    asked = point(monkeypatch, ["93.184.216.34"], ["127.0.0.1"])
    reached: list[Any] = []

    def create_connection(address: Any, *args: Any, **kwargs: Any) -> Any:
        reached.append(address)
        raise OSError("no network in a test")

    monkeypatch.setattr("urllib3.util.connection.create_connection", create_connection)
    with Poster("https://hooks.example/", allow_loopback=False) as poster:
        assert poster.post(b"{}", {}).error == "connect_failed"
        assert poster.post(b"{}", {}).error == "connect_failed"
    assert asked == ["hooks.example"]
    assert {address[0] for address in reached} == {"93.184.216.34"}


@pytest.fixture
def receiver() -> Iterator[WebhookReceiver]:
    made = WebhookReceiver()
    yield made
    made.close()


@pytest.mark.parametrize(
    ("status", "error"),
    [(200, ""), (204, ""), (301, "redirect"), (302, "redirect"), (307, "redirect"),
     (400, "http_error"), (410, "gone"), (429, "throttled"), (500, "http_error")],
)  # fmt: skip
def test_what_answers_mean(receiver: WebhookReceiver, status: int, error: str) -> None:
    receiver.status = status
    with Poster(f"{receiver.base_url}/hooks?x=1", allow_loopback=True) as poster:
        posted = [poster.post(b'{"a":1}', {"Content-Type": "application/json"}) for _ in range(2)]
    assert [(each.status, each.error) for each in posted] == [(status, error)] * 2
    assert [(hook.path, hook.body) for hook in receiver.hooks] == [("/hooks?x=1", '{"a":1}')] * 2
    assert receiver.hooks[0].headers["host"] == receiver.base_url.removeprefix("http://")


def test_a_receiver_that_hangs_up_or_is_away(receiver: WebhookReceiver) -> None:
    receiver.status = 0
    with Poster(receiver.base_url, allow_loopback=True) as poster:
        assert poster.post(b"{}", {}).error == "connect_failed"
    receiver.close()
    with Poster(receiver.base_url, allow_loopback=True) as poster:
        assert poster.post(b"{}", {}).error == "connect_failed"


def test_a_receiver_that_is_too_slow(
    receiver: WebhookReceiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(posting, "ANSWER_SECONDS", 0.3)
    receiver.may_answer.clear()
    with Poster(receiver.base_url, allow_loopback=True) as poster:
        assert poster.post(b"{}", {}).error == "timeout"


def test_an_answer_that_trickles_in_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(posting, "ANSWER_SECONDS", 0.5)
    listener = socket.create_server(("127.0.0.1", 0))

    def trickle() -> None:
        held, _ = listener.accept()
        with held:
            held.recv(65536)
            held.sendall(b"HTTP/1.1 200 OK\r\n")
            for _ in range(100):
                try:
                    held.sendall(b"X-A: b\r\n")
                except OSError:
                    return
                stop.wait(0.1)

    stop = threading.Event()
    threading.Thread(target=trickle, daemon=True).start()
    with Poster(f"http://127.0.0.1:{listener.getsockname()[1]}/", allow_loopback=True) as poster:
        posted = poster.post(b"{}", {})
    stop.set()
    listener.close()
    assert posted.error == "timeout"
    # It would have trickled for ten seconds.
    assert posted.duration_ms < 9000


def test_the_first_kilobyte_is_kept_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    class Talker(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(500)
            self.end_headers()
            self.wfile.write(b"\x00\xff" + b"x" * 300_000)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Talker)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with Poster(f"http://127.0.0.1:{server.server_port}/", allow_loopback=True) as poster:
        posted = poster.post(b"{}", {})
    server.shutdown()
    assert posted.status == 500
    assert len(posted.body) == 1024
    assert "\x00" not in posted.body


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A self-signed certificate for hooks.example, with its key in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "hooks.example")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("hooks.example")]), False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
        .sign(key, hashes.SHA256())
    )
    file = tmp_path / "hooks.pem"
    file.write_bytes(
        made.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return file


def test_the_certificate_must_fit_the_name_not_the_address(
    receiver: WebhookReceiver, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    receiver._server.socket = context.wrap_socket(receiver._server.socket, server_side=True)
    port = receiver._server.server_port
    point(monkeypatch, ["127.0.0.1"])
    right = f"https://hooks.example:{port}/in"
    with Poster(right, allow_loopback=True, ca_file=str(certificate)) as poster:
        assert poster.post(b"{}", {}).error == ""
        assert poster.post(b"{}", {}).error == ""
    for url, trusted in ((right, ""), (f"https://127.0.0.1:{port}/in", str(certificate))):
        with Poster(url, allow_loopback=True, ca_file=trusted) as poster:
            assert poster.post(b"{}", {}).error == "tls_failed"
    assert [hook.headers["host"] for hook in receiver.hooks] == [f"hooks.example:{port}"] * 2
