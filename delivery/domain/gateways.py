"""Gateways and senders: connecting, pausing, resuming. Callers check permissions; changes are audited."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from api.problems import FieldError, Invalid, NotFound
from delivery.models import Gateway, Sender
from tenancy.audit import record_audit
from tenancy.clock import wall_now
from tenancy.models import ApiKey, User

MOST_PER_SECOND = 1000
_ACCOUNT = re.compile(r"AC[0-9a-fA-F]{32}")
_API_KEY = re.compile(r"SK[0-9a-fA-F]{32}")
_SERVICE = re.compile(r"MG[0-9a-fA-F]{32}")
_NUMBER = re.compile(r"\+[1-9][0-9]{6,14}|[0-9]{3,8}")


def connect_gateway(
    *,
    kind: str,
    account_sid: str,
    secret: str,
    auth_tokens: Sequence[str],
    api_key_sid: str = "",
    actor: User | ApiKey | None = None,
    now: datetime,
) -> Gateway:
    """Connects a gateway account; secrets are encrypted. Raises `Invalid`.

    `secret`: the API key's secret, or the account's auth token where `api_key_sid` is empty.
    `auth_tokens`: what its webhooks are signed with, one, or two during a rotation. A simulator is
    in use at once where nothing else is; a live gateway only by `gateway_accounts.use_gateway`.
    """
    errors = account_errors(account_sid, api_key_sid, secret)
    if kind not in Gateway.Kind.values:
        kinds = ", ".join(Gateway.Kind.values)
        errors.append(FieldError("kind", "invalid_choice", f"One of: {kinds}."))
    if not 1 <= len(auth_tokens) <= 2 or not all(is_secret(token) for token in auth_tokens):
        errors.append(FieldError("auth_tokens", "one_or_two", "One token, or two in a rotation."))
    if not errors and Gateway.objects.filter(account_sid=account_sid).exists():
        errors.append(FieldError("account_sid", "taken", "This account is connected already."))
    if errors:
        raise Invalid(errors)
    free = not Gateway.objects.filter(is_live=True).exists()
    gateway = Gateway(
        kind=kind,
        account_sid=account_sid,
        api_key_sid=api_key_sid,
        is_live=kind == Gateway.Kind.SIMULATOR and free,
        tokens_changed_at=wall_now(),
        created_at=now,
    )
    gateway.set_secrets(secret=secret, auth_tokens=list(auth_tokens))
    gateway.save()
    record_audit("gateway.connected", target=account_sid, data={"kind": kind}, actor=actor, now=now)
    return gateway


def account_errors(account_sid: str, api_key_sid: str, secret: str) -> list[FieldError]:
    """What is wrong with the shape of an account's credentials."""
    errors = []
    if not _ACCOUNT.fullmatch(account_sid):
        errors.append(
            FieldError("account_sid", "not_an_account", "AC and 32 more characters, as in Twilio.")
        )
    if api_key_sid and not _API_KEY.fullmatch(api_key_sid):
        errors.append(
            FieldError("api_key_sid", "not_a_key", "SK and 32 more characters, or leave it empty.")
        )
    if not is_secret(secret):
        detail = "Needed to submit texts." if not secret else "One line without spaces."
        errors.append(FieldError("secret", "missing", detail))
    return errors


def add_sender(
    gateway: Gateway,
    *,
    phone: str = "",
    messaging_service_sid: str = "",
    kind: str = Sender.Kind.LONG_CODE,
    segments_per_second: float = 1.0,
    actor: User | ApiKey | None = None,
    now: datetime,
) -> Sender:
    """Adds a number or a messaging service texts go out from. Raises `Invalid`.

    `segments_per_second`: what carriers allow it (a US long code 1, toll-free 3, a registered
    campaign 4 to 225).
    """
    errors = []
    if bool(phone) == bool(messaging_service_sid):
        errors.append(FieldError("phone", "one_of", "A number or a messaging service, not both."))
    elif phone and not _NUMBER.fullmatch(phone):
        detail = "Write it as +13105550142, a short code as its digits."
        errors.append(FieldError("phone", "not_a_number", detail))
    elif messaging_service_sid and not _SERVICE.fullmatch(messaging_service_sid):
        detail = "MG and 32 more characters, as in Twilio."
        errors.append(FieldError("messaging_service_sid", "not_a_service", detail))
    elif Sender.objects.filter(
        gateway=gateway, phone=phone, messaging_service_sid=messaging_service_sid
    ).exists():
        field = "phone" if phone else "messaging_service_sid"
        errors.append(FieldError(field, "taken", "It is added already."))
    errors += rate_errors(segments_per_second)
    if kind not in Sender.Kind.values:
        kinds = ", ".join(Sender.Kind.values)
        errors.append(FieldError("kind", "invalid_choice", f"One of: {kinds}."))
    if errors:
        raise Invalid(errors)
    sender = Sender.objects.create(
        gateway=gateway,
        phone=phone,
        messaging_service_sid=messaging_service_sid,
        kind=kind,
        segments_per_second=segments_per_second,
        created_at=now,
    )
    record_audit("sender.added", target=str(sender), data={"kind": kind}, actor=actor, now=now)
    return sender  # type: ignore[no-any-return]


def rate_errors(segments_per_second: float) -> list[FieldError]:
    """A rate carriers could mean; NaN is none."""
    if 0 < segments_per_second <= MOST_PER_SECOND:
        return []
    detail = f"More than 0, at most {MOST_PER_SECOND}."
    return [FieldError("segments_per_second", "out_of_range", detail)]


def set_sender_rate(
    sender_id: UUID,
    *,
    segments_per_second: float,
    actor: User | ApiKey | None = None,
    now: datetime,
) -> Sender:
    """From the next claim on. Raises `NotFound`, `Invalid`."""
    sender = _locked_sender(sender_id)
    if errors := rate_errors(segments_per_second):
        raise Invalid(errors)
    before, sender.segments_per_second = sender.segments_per_second, segments_per_second
    sender.save(update_fields=["segments_per_second"])
    data = {"before": before, "after": segments_per_second}
    record_audit("sender.rate_changed", target=str(sender), data=data, actor=actor, now=now)
    return sender


def pause_sender(
    sender_id: UUID,
    *,
    reason: str = "paused",
    actor: User | ApiKey | None = None,
    now: datetime,
) -> Sender:
    """Nothing goes out from it until someone resumes it; what is queued waits. Raises `NotFound`."""
    sender = _locked_sender(sender_id)
    sender.state, sender.paused_reason, sender.paused_until = Sender.State.PAUSED, reason, None
    sender.save(update_fields=["state", "paused_reason", "paused_until"])
    data = {"reason": reason}
    record_audit("sender.paused", target=str(sender), data=data, actor=actor, now=now)
    return sender


def resume_sender(sender_id: UUID, *, actor: User | ApiKey | None = None, now: datetime) -> Sender:
    """Lets a sender work again. Raises `NotFound`."""
    sender = _locked_sender(sender_id)
    sender.state, sender.paused_reason, sender.paused_until = Sender.State.ACTIVE, "", None
    sender.failures_in_a_row = 0
    sender.save(update_fields=["state", "paused_reason", "paused_until", "failures_in_a_row"])
    record_audit("sender.resumed", target=str(sender), actor=actor, now=now)
    return sender


def resume_gateway(
    gateway_id: UUID, *, actor: User | ApiKey | None = None, now: datetime
) -> Gateway:
    """Lets a stopped gateway account work again. Raises `NotFound`."""
    gateway = locked_gateway(gateway_id)
    gateway.stopped_reason, gateway.stopped_until = "", None
    gateway.save(update_fields=["stopped_reason", "stopped_until"])
    record_audit("gateway.resumed", target=gateway.account_sid, actor=actor, now=now)
    return gateway


def locked_gateway(gateway_id: UUID) -> Gateway:
    """The gateway, held until the transaction ends. Raises `NotFound`."""
    gateway: Gateway | None = (
        Gateway.objects.select_for_update(no_key=True).filter(id=gateway_id).first()
    )
    if gateway is None:
        raise NotFound("This gateway")
    return gateway


def is_secret(text: str) -> bool:
    """Whether a key or token can be one: printable, one word."""
    return (
        bool(text)
        and len(text) <= 200
        and text.isascii()
        and text.isprintable()
        and " " not in text
    )


def _locked_sender(sender_id: UUID) -> Sender:
    sender: Sender | None = (
        Sender.objects.select_for_update(no_key=True).filter(id=sender_id).first()
    )
    if sender is None:
        raise NotFound("This sender")
    return sender
