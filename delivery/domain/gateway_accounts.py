"""A gateway account after it was connected: its key, its auth tokens, and taking it into use."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from api.problems import FieldError, Invalid, Problem
from delivery.core.account_words import BLOCKING
from delivery.domain.gateways import account_errors, is_secret, locked_gateway
from delivery.gateways.registry import has_simulator
from delivery.models import Gateway, SendAttempt, Sender
from tenancy.audit import record_audit
from tenancy.clock import has_demo_clock
from tenancy.crypto import keyed_digest
from tenancy.models import Tenant, User
from tenancy.scope import current_tenant_id

MOST_TOKENS = 2


def change_credentials(
    gateway_id: UUID,
    *,
    account_sid: str,
    api_key_sid: str,
    secret: str,
    actor: User | None = None,
    now: datetime,
) -> Gateway:
    """Another key for the same account, from the next claim on; the last check no longer counts.

    The account itself can only be corrected while nothing went out through it: callbacks and
    reconciling need the old one. Raises `NotFound`, `Invalid`.
    """
    gateway = locked_gateway(gateway_id)
    errors = account_errors(account_sid, api_key_sid, secret)
    if account_sid != gateway.account_sid:
        if SendAttempt.objects.filter(gateway=gateway).exists():
            detail = "Texts went out through the other account. Connect this one beside it."
            errors.append(FieldError("account_sid", "in_use", detail))
        elif not errors and Gateway.objects.filter(account_sid=account_sid).exists():
            detail = "This account is connected already."
            errors.append(FieldError("account_sid", "taken", detail))
    if errors:
        raise Invalid(errors)
    gateway.account_sid, gateway.api_key_sid = account_sid, api_key_sid
    gateway.set_secrets(secret=secret, auth_tokens=list(gateway.auth_tokens))
    gateway.checked_at, gateway.check_findings = None, []
    gateway.save(
        update_fields=[
            "account_sid",
            "api_key_sid",
            "secret_encrypted",
            "auth_tokens_encrypted",
            "checked_at",
            "check_findings",
        ]
    )
    record_audit("gateway.key_changed", target=account_sid, actor=actor, now=now)
    return gateway


def add_auth_token(
    gateway_id: UUID, *, token: str, actor: User | None = None, now: datetime, wall: datetime
) -> Gateway:
    """A rotation begins: webhooks signed with either token are believed. Raises `NotFound`,
    `Invalid`."""
    gateway = locked_gateway(gateway_id)
    held = gateway.auth_tokens
    errors = []
    if not is_secret(token):
        errors.append(FieldError("token", "not_a_token", "One line without spaces."))
    elif token in held:
        errors.append(FieldError("token", "known", "This token is here already."))
    elif len(held) >= MOST_TOKENS:
        errors.append(FieldError("token", "two_tokens", "Retire the older token first."))
    if errors:
        raise Invalid(errors)
    _set_tokens(gateway, [token, *held], wall=wall)
    record_audit("gateway.token_added", target=gateway.account_sid, actor=actor, now=now)
    return gateway


def retire_auth_token(
    gateway_id: UUID, *, actor: User | None = None, now: datetime, wall: datetime
) -> Gateway:
    """The rotation ends: what the older token signs is refused (within 30 seconds everywhere).

    An account without an API key submits with the newer token from here on. Raises `NotFound`,
    `Problem` one_token (409).
    """
    gateway = locked_gateway(gateway_id)
    held = gateway.auth_tokens
    if len(held) < MOST_TOKENS:
        raise Problem("one_token", "There is only one token, nothing to retire.", status=409)
    newer, older = held
    if not gateway.api_key_sid and gateway.secret == older:
        gateway.set_secrets(secret=newer, auth_tokens=[newer])
        gateway.save(update_fields=["secret_encrypted"])
    _set_tokens(gateway, [newer], wall=wall)
    record_audit("gateway.token_retired", target=gateway.account_sid, actor=actor, now=now)
    return gateway


def use_gateway(
    gateway_id: UUID, *, typed_name: str, actor: User | None = None, now: datetime
) -> Gateway:
    """New texts go out through this gateway; the one before it keeps what it has claimed.

    Queued texts that nobody has claimed go by the new one, because the claim chooses the sender
    again. Refused with a `Problem`: wrong name (`Invalid`), demo_clock, not_checked, no_answer,
    check_failed, no_sender, no_simulator (409 each). Raises `NotFound`.
    """
    tenant = Tenant.objects.get(id=current_tenant_id())
    # All of them, in one order: two people who switch at once must not deadlock.
    gateways = {g.id: g for g in Gateway.objects.select_for_update(no_key=True).order_by("id")}
    gateway = gateways.get(gateway_id) or locked_gateway(gateway_id)
    if typed_name.strip() != tenant.name:
        detail = f"Type {tenant.name}, the workspace's name, exactly as it stands here."
        raise Invalid([FieldError("typed_name", "not_the_name", detail)])
    if gateway.is_live:
        return gateway
    _refuse_unfit(gateway)
    before = next((g for g in gateways.values() if g.is_live), None)
    Gateway.objects.filter(is_live=True).update(is_live=False)
    gateway.is_live = True
    gateway.save(update_fields=["is_live"])
    data = {"kind": gateway.kind, "before": before.account_sid if before else ""}
    record_audit("gateway.used", target=gateway.account_sid, data=data, actor=actor, now=now)
    return gateway


def blocker_of(gateway: Gateway) -> Problem | None:
    """Why the gateway cannot be taken into use, None when it can."""
    try:
        _refuse_unfit(gateway)
    except Problem as problem:
        return problem
    return None


def fingerprint(token: str) -> str:
    """Tells tokens apart without saying anything about them."""
    return keyed_digest("auth-token", token)[:16]


def _refuse_unfit(gateway: Gateway) -> None:
    if gateway.kind == Gateway.Kind.SIMULATOR:
        if not has_simulator():
            raise _conflict("no_simulator", "This installation has no carrier simulator.")
    else:
        if has_demo_clock():
            raise _conflict(
                "demo_clock",
                "This installation has a demo clock that can be moved: quiet hours would be wrong"
                " for real people. Use Twilio in an installation without the demo.",
            )
        if gateway.checked_at is None:
            raise _conflict("not_checked", "Check the account first.")
        if any(finding["code"] == "unreachable" for finding in gateway.check_findings):
            raise _conflict("no_answer", "The last check got no answer. Check the account again.")
        if any(finding["code"] in BLOCKING for finding in gateway.check_findings):
            raise _conflict("check_failed", "The last check found what stops every text.")
    if not Sender.objects.filter(gateway=gateway, state=Sender.State.ACTIVE).exists():
        raise _conflict("no_sender", "It has no number to send from that is not paused.")


def _conflict(code: str, detail: str) -> Problem:
    return Problem(code, detail, status=409)


def _set_tokens(gateway: Gateway, tokens: list[str], *, wall: datetime) -> None:
    gateway.set_auth_tokens(tokens)
    gateway.tokens_changed_at = wall
    gateway.checked_at, gateway.check_findings = None, []
    gateway.save(
        update_fields=[
            "auth_tokens_encrypted",
            "tokens_changed_at",
            "checked_at",
            "check_findings",
        ]
    )
