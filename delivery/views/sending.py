"""Settings, Sending: the gateway account, its check, its webhooks, its tokens, what is in use.

A secret goes in and never comes out again: the page knows its last four characters.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from api.problems import Problem
from delivery.core.account_words import worst
from delivery.domain.gateway_accounts import (
    add_auth_token,
    change_credentials,
    retire_auth_token,
    use_gateway,
)
from delivery.domain.gateway_checks import check_gateway
from delivery.domain.gateways import connect_gateway, resume_gateway
from delivery.domain.simulating import connect_simulator
from delivery.models import Gateway
from delivery.views.sending_forms import posted, word_of
from delivery.views.sending_page import KINDS, render_page
from tenancy.clock import wall_now
from tenancy.web import workspace_view


@require_GET
@never_cache
@workspace_view("manage_settings")
def sending(request: Any) -> HttpResponse:
    return render_page(request)


@posted("connect")
def connect_account(request: Any) -> str:
    """A Twilio account with its key and token. It is not in use yet."""
    gateway = connect_gateway(
        kind=Gateway.Kind.TWILIO,
        account_sid=word_of(request, "account_sid"),
        api_key_sid=word_of(request, "api_key_sid"),
        secret=word_of(request, "secret") or _unkeyed(request),
        auth_tokens=[word_of(request, "auth_token")],
        actor=request.user,
        now=request.now,
    )
    return (
        f"{KINDS[gateway.kind]}'s key is stored, not checked yet. Add a number, then press Check."
    )


@posted("simulator")
def use_simulator(request: Any) -> str:
    """A number at the carrier simulator, where this installation runs one."""
    if Gateway.objects.filter(is_live=True).exists():
        raise Problem("in_use", "A gateway is in use already.", status=409)
    connect_simulator(now=request.now)
    return "The carrier simulator is in use. Nothing leaves this machine."


@posted("key")
def change_key(request: Any, gateway_id: UUID) -> str:
    change_credentials(
        gateway_id,
        account_sid=word_of(request, "account_sid"),
        api_key_sid=word_of(request, "api_key_sid"),
        secret=word_of(request, "secret"),
        actor=request.user,
        now=request.now,
    )
    return "The new key is stored. Check it."


@posted("check")
def check_account(request: Any, gateway_id: UUID) -> str | None:
    """Asks the gateway, read-only; what it said stands on the page."""
    gateway = check_gateway(gateway_id, wall=wall_now())
    name = KINDS[gateway.kind]
    name = name[:1].upper() + name[1:]
    if any(finding["code"] == "unreachable" for finding in gateway.check_findings):
        messages.error(request, f"{name} gave no answer, so nothing is known.")
        return None
    tone = worst(gateway.check_findings)
    if tone == "stop":
        messages.error(request, "The check found what stops texts.")
        return None
    if tone == "good":
        return f"{name} is connected. The check found nothing to mend."
    return f"{name} accepts the key. The check found something to look at."


@posted("use")
def take_into_use(request: Any, gateway_id: UUID) -> str:
    gateway = use_gateway(
        gateway_id,
        typed_name=request.POST.get("typed_name", "")[:200],
        actor=request.user,
        now=request.now,
    )
    return f"New texts go out through {KINDS[gateway.kind]} from now on."


@posted("resume")
def resume(request: Any, gateway_id: UUID) -> str:
    resume_gateway(gateway_id, actor=request.user, now=request.now)
    return "The gateway works again."


@posted("token")
def add_token(request: Any, gateway_id: UUID) -> str:
    add_auth_token(
        gateway_id,
        token=word_of(request, "token"),
        actor=request.user,
        now=request.now,
        wall=wall_now(),
    )
    return "Both tokens are valid now. Make the new one primary at Twilio, then retire the old one."


@posted("retire")
def retire_token(request: Any, gateway_id: UUID) -> str:
    retire_auth_token(gateway_id, actor=request.user, now=request.now, wall=wall_now())
    return "The old token is retired: what it signs is refused."


def _unkeyed(request: Any) -> str:
    """Without an API key texts are submitted with the auth token itself."""
    return "" if word_of(request, "api_key_sid") else word_of(request, "auth_token")
