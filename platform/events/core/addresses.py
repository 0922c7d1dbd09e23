"""Where webhooks may go: public addresses over https, and nothing of ours. Pure.

Only addresses are judged, never names: whoever sends resolves the name, asks here about every
address it got, and connects to exactly the one that was allowed.
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from urllib3.exceptions import LocationParseError
from urllib3.util import parse_url

MAX_URL = 2000
THIS_MACHINE = (
    "A demo or test installation may reach its own machine, with KAIROS_WEBHOOK_LOOPBACK=yes."
)
# Public by their number, private by what answers there.
_METADATA = frozenset({ip_address("168.63.129.16")})
# Every block that is not for the public internet, whatever this Python knows of them.
_SPECIAL = tuple(
    map(ip_network, (
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16",
        "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16",
        "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
        "2001::/23", "2001:db8::/32", "3fff::/20",
    ))
)  # fmt: skip
_PUBLIC_V6 = ip_network("2000::/3")
# IPv6 that leads to an IPv4 address of somebody's choice.
_EMBEDDING = tuple(
    map(ip_network, ("::/96", "::ffff:0:0/96", "64:ff9b::/96", "64:ff9b:1::/48", "2002::/16",
                     "2001::/32", "fec0::/10"))
)  # fmt: skip


class UnsafeUrl(ValueError):
    """`code` is stable, `detail` says it in words."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Target:
    """A web address in parts. `host` is a name or a literal address, without brackets."""

    is_tls: bool
    host: str
    port: int
    path: str

    @property
    def host_header(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == (443 if self.is_tls else 80) else f"{host}:{self.port}"


def read_url(url: str, *, allow_loopback: bool) -> Target:
    """The parts of a webhook's address. Raises `UnsafeUrl`.

    Parsed by the library that connects, so that both read it alike. http only where loopback is
    allowed, for the machine itself.
    """
    if not url.isascii() or len(url) > MAX_URL or any(c <= " " or c == "\x7f" for c in url):
        raise UnsafeUrl("invalid_url", "Write a web address such as https://shop.example/hooks.")
    try:
        parts = parse_url(url)
    except (LocationParseError, ValueError):
        parts = None
    if parts is None or not parts.host or parts.scheme not in {"https", "http"}:
        raise UnsafeUrl("invalid_url", "Write a web address such as https://shop.example/hooks.")
    if parts.auth is not None:
        raise UnsafeUrl("credentials_in_url", "Leave user name and password out of the address.")
    if parts.fragment is not None:
        raise UnsafeUrl("invalid_url", "Leave out what follows the #: it is never sent.")
    host = parts.host.strip("[]").rstrip(".")
    if not host or "%" in host or parts.port == 0:
        raise UnsafeUrl("invalid_url", "Write a web address such as https://shop.example/hooks.")
    is_tls = parts.scheme == "https"
    if not is_tls and not _is_loopback_name(host):
        here = "; plain http reaches this machine alone" if allow_loopback else " only"
        raise UnsafeUrl("https_only", f"Webhooks go over https{here}.")
    if not is_tls and not allow_loopback:
        raise UnsafeUrl("https_only", f"Webhooks go over https only. {THIS_MACHINE}")
    return Target(is_tls, host, parts.port or (443 if is_tls else 80), parts.request_uri)


def refusal(address: str, *, allow_loopback: bool) -> str:
    """Why nothing may be sent to this address (a word such as "loopback"); "" when it may."""
    try:
        ip: IPv4Address | IPv6Address = ip_address(address)
    except ValueError:
        return "no address"
    if ip.is_loopback:
        return "" if allow_loopback else "loopback"
    if ip in _METADATA:
        return "metadata"
    if isinstance(ip, IPv6Address) and any(ip in net for net in _EMBEDDING):
        return "embedded IPv4"
    if ip.is_link_local:
        return "link-local"
    if ip.is_multicast:
        return "multicast"
    is_special = any(ip in block for block in _SPECIAL if block.version == ip.version)
    if is_special or not ip.is_global or (ip.version == 6 and ip not in _PUBLIC_V6):
        return "private or reserved"
    return ""


def _is_loopback_name(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
