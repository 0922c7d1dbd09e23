"""Where a request comes from."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

from django.conf import settings
from django.http import HttpRequest


def client_address(request: HttpRequest) -> str:
    """Who asked. Behind our own proxies it is what the outermost of them saw: without this, all
    people would share one address. Never longer than 64 characters."""
    hops = settings.KAIROS_TRUSTED_PROXIES
    seen = [part.strip() for part in request.headers.get("X-Forwarded-For", "").split(",")]
    if hops and len(seen) >= hops and seen[-hops]:
        return seen[-hops].replace("\x00", "")[:64]
    return str(request.META.get("REMOTE_ADDR", ""))[:64]


def network_of(address: str) -> str:
    """What limits count by: whoever has one IPv6 address has a whole /64 of them."""
    try:
        found = ip_address(address)
    except ValueError:
        return address
    return str(ip_network((found, 64), strict=False)) if found.version == 6 else address
