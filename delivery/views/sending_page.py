"""What the Sending page shows, put together from stored facts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import render

from api.problems import Problem
from delivery.core.account_words import standing_of, worst
from delivery.core.reasons import Reason, words
from delivery.domain import simulating
from delivery.domain.gateway_accounts import MOST_TOKENS, blocker_of, fingerprint
from delivery.domain.gateway_checks import hint_of, inbound_url, status_url
from delivery.models import Gateway, Sender
from delivery.views.own_phone import test_context
from tenancy.clock import wall_now

KINDS = {"twilio": "Twilio", "simulator": "the carrier simulator"}
SENDER_KINDS = {
    "long_code": "Number",
    "toll_free": "Toll-free",
    "short_code": "Short code",
    "messaging_service": "Messaging service",
}
STOPPED = {
    "credential": "Twilio refused the key or the account. Nothing goes out until you mend it and"
    " resume.",
    "daily_cap": "The carriers' limit for today is used up. It goes on at midnight Pacific.",
}
PAUSED = {
    "paused": "By hand",
    "sender_compliance": "Carriers refused it: its registration is missing",
    "sender_config": "The gateway refused it as a sender",
    "backpressure": "Its queue at the gateway was full",
    "carrier_filtered": "Carriers filtered too many of its texts",
}
ICONS = {"good": "check", "wait": "triangle-alert", "stop": "circle-alert", "": "circle"}
_FORM_FIELDS = ("account_sid", "api_key_sid", "sender", "rate", "typed_name")


@dataclass(frozen=True, slots=True)
class TokenLine:
    """An auth token as far as it may be shown. `signed_last`: the newest webhook carried it."""

    name: str
    hint: str
    signed_last: bool


@dataclass(frozen=True, slots=True)
class SenderLine:
    """`rests`: why it is paused, "" when it is not. `tone` and `standing`: what the last check said
    of it."""

    sender: Sender
    kind: str
    rests: str
    tone: str
    standing: str


@dataclass(frozen=True, slots=True)
class GatewayCard:
    """One gateway account, told."""

    gateway: Gateway
    name: str
    key_hint: str
    stopped: str
    tone: str
    findings: list[dict[str, str]]
    senders: list[SenderLine]
    tokens: list[TokenLine]
    inbound_url: str
    status_url: str
    heard: bool
    blocker: Problem | None

    @property
    def is_simulator(self) -> bool:
        return self.gateway.kind == Gateway.Kind.SIMULATOR

    @property
    def rotating(self) -> bool:
        return len(self.tokens) >= MOST_TOKENS


def render_page(
    request: Any, *, form: str = "", about: str = "", problem: Problem | None = None
) -> HttpResponse:
    """The page; with a `problem` also what was typed into `form` of the object `about`."""
    wall = wall_now()
    gateways = list(Gateway.objects.order_by("-is_live", "created_at", "id"))
    rows = list(Sender.objects.order_by("created_at", "id"))
    senders: dict[Any, list[Sender]] = {}
    for sender in rows:
        senders.setdefault(sender.gateway_id, []).append(sender)
    cards = [_card(g, senders.get(g.id, []), wall) for g in gateways]
    context = {
        "cards": cards,
        "in_use": next((card for card in cards if card.gateway.is_live), None),
        "has_twilio": any(not card.is_simulator for card in cards),
        "offers_simulator": not any(g.is_live for g in gateways) and simulating.is_running(),
        # Where a simulator plays Twilio there is an account to try what a check may say.
        "try_out": simulating.try_out(),
        "reachable": _is_public(settings.KAIROS_PUBLIC_BASE_URL),
        "wall": wall,
        "form": form,
        "about": about,
        "problem": problem,
        "wrong": {error.field: error.detail for error in problem.errors} if problem else {},
        # What was typed comes back, but never a secret.
        "said": {name: request.POST.get(name, "")[:200] for name in _FORM_FIELDS}
        if problem
        else {},
        **test_context(request, wall=wall, back="sending"),
    }
    return render(
        request, "delivery/sending.html", context, status=problem.status if problem else 200
    )


def _card(gateway: Gateway, senders: list[Sender], wall: datetime) -> GatewayCard:
    held = gateway.auth_tokens
    names = ("Auth token",) if len(held) == 1 else ("New auth token", "Old auth token")
    since = gateway.tokens_changed_at or gateway.created_at
    until = gateway.stopped_until
    stopped = gateway.stopped_reason if until is None or until > wall else ""
    return GatewayCard(
        gateway=gateway,
        name=KINDS.get(gateway.kind, gateway.kind),
        key_hint=hint_of(gateway.secret) if gateway.api_key_sid else "",
        stopped=STOPPED.get(stopped, words(Reason.GATEWAY_STOPPED) if stopped else ""),
        tone=worst(gateway.check_findings),
        findings=[{**each, "icon": ICONS[each["tone"]]} for each in gateway.check_findings],
        senders=[_sender_line(sender, gateway, wall) for sender in senders],
        tokens=[
            TokenLine(
                name,
                hint_of(token),
                bool(gateway.last_heard_token) and fingerprint(token) == gateway.last_heard_token,
            )
            for name, token in zip(names, held, strict=False)
        ],
        inbound_url=inbound_url(gateway.id),
        status_url=status_url(gateway.id),
        heard=gateway.last_heard_at is not None and gateway.last_heard_at >= since,
        blocker=None if gateway.is_live else blocker_of(gateway),
    )


def _sender_line(sender: Sender, gateway: Gateway, wall: datetime) -> SenderLine:
    rests = ""
    if sender.state == Sender.State.PAUSED and (
        sender.paused_until is None or sender.paused_until > wall
    ):
        rests = PAUSED.get(sender.paused_reason, "Paused")
    name = sender.phone or sender.messaging_service_sid
    tone, standing = standing_of(gateway.check_findings, name)
    kind = SENDER_KINDS.get(sender.kind, sender.kind)
    return SenderLine(sender, kind, rests, tone, standing or "Not checked yet")


def _is_public(url: str) -> bool:
    """Whether the outside world could reach this address at all."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    return parts.scheme == "https" and host not in {"localhost", "127.0.0.1", "::1"}
