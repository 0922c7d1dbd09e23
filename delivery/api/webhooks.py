"""What the gateway tells us. Signed, or refused; stored, then answered; worked on later, except
for an inbound text, whose STOP is in force before the answer leaves."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt

from api.problems import FieldError, Invalid, NotFound, Problem
from delivery.domain.callbacks import find_attempt, store_callback
from delivery.domain.gateway_accounts import fingerprint
from delivery.domain.gateway_checks import HEARD_EVERY, note_heard
from delivery.domain.inbound import InboundSms, receive_inbound
from delivery.gateways.signatures import signing_token
from delivery.models import Gateway
from tenancy.clock import business_now, wall_now
from tenancy.scope import router_scope, tenant_scope
from tenancy.waking import wake

_KEPT_SECONDS = 30.0
_MAX_BODY = 1600
_MAX_REQUEST = 100_000
_kept: dict[UUID, tuple[float, _Door]] = {}
_noted: dict[UUID, tuple[float, str]] = {}


@dataclass(frozen=True, slots=True)
class _Door:
    """Whose gateway it is and what its webhooks are signed with."""

    tenant_id: UUID
    gateway: Gateway
    tokens: tuple[str, ...]


_View = Callable[..., HttpResponse]


def signed_webhook(view: _View) -> _View:
    """Finds the gateway of the address and lets only what it signed through.

    404 for an unknown gateway, 405 for other methods, 413 for a body no text can have, 403
    `bad_signature` otherwise. The view gets the `_Door` as `door`.
    """

    @csrf_exempt
    @wraps(view)
    def checked(request: HttpRequest, gateway_id: UUID, **kwargs: UUID) -> HttpResponse:
        if request.method != "POST":
            raise Problem(
                "method_not_allowed",
                "A webhook is a POST.",
                status=405,
                headers={"Allow": "POST"},
            )
        if int(request.META.get("CONTENT_LENGTH") or 0) > _MAX_REQUEST:
            raise Problem("body_too_large", "No webhook is this large.", status=413)
        door = _find_door(gateway_id)
        if door is None:
            raise NotFound("This gateway")
        token = signing_token(request, door.tokens)
        if token is None:
            # The tokens may have been rotated since they were read.
            door = _find_door(gateway_id, fresh=True)
            token = signing_token(request, door.tokens) if door is not None else None
            if door is None or token is None:
                raise Problem(
                    "bad_signature",
                    "The signature does not belong to this address and body.",
                    status=403,
                )
        _note(door, token)
        return view(request, door=door, **kwargs)

    return checked


@signed_webhook
def status_callback(request: HttpRequest, *, door: _Door, attempt_id: UUID) -> HttpResponse:
    """A carrier status of one attempt: one INSERT, 204.

    Wakes nobody: the sweep takes each second's statuses as one set, a fifth of the work of one each.
    """
    sid, _ = _told(request)
    with tenant_scope(door.tenant_id):
        _store(request, door, attempt_id, sid)
    return HttpResponse(status=204)


@signed_webhook
def status_by_sid(request: HttpRequest, *, door: _Door) -> HttpResponse:
    """The same for an address set at the gateway itself, which names no attempt: the sid does.

    A status of a text that is not ours is answered alike and forgotten.
    """
    sid, _ = _told(request)
    with tenant_scope(door.tenant_id):
        attempt_id = find_attempt(door.gateway.id, sid)
        if attempt_id is not None:
            _store(request, door, attempt_id, sid)
    return HttpResponse(status=204)


@signed_webhook
def inbound(request: HttpRequest, *, door: _Door) -> HttpResponse:
    """A text that came in: consent is written and queued texts are canceled before 204."""
    sid = request.POST.get("MessageSid") or request.POST.get("SmsSid") or ""
    sender = request.POST.get("From") or ""
    _require({"MessageSid": sid, "From": sender})
    media = [
        {
            "url": _clean(request.POST.get(f"MediaUrl{index}", ""))[:2000],
            "type": _clean(request.POST.get(f"MediaContentType{index}", ""))[:100],
        }
        for index in range(min(_number(request.POST.get("NumMedia")), 10))
    ]
    with tenant_scope(door.tenant_id):
        taken = receive_inbound(
            door.gateway,
            InboundSms(
                sid=sid[:40],
                from_phone=sender,
                to_phone=_clean(request.POST.get("To") or ""),
                body=_clean(request.POST.get("Body") or "")[:_MAX_BODY],
                media=media,
                opt_out_type=_clean(request.POST.get("OptOutType") or ""),
            ),
            now=business_now(),
        )
        if taken is not None:
            wake("triggers.work", tenant_id=str(door.tenant_id))
    return HttpResponse(status=204)


def forget_doors() -> None:
    """Empties this process's store (tests)."""
    _kept.clear()
    _noted.clear()


def _told(request: HttpRequest) -> tuple[str, str]:
    """(sid, status) of a status callback. Raises `Invalid`."""
    sid = request.POST.get("MessageSid") or request.POST.get("SmsSid") or ""
    status = request.POST.get("MessageStatus") or request.POST.get("SmsStatus") or ""
    _require({"MessageSid": sid, "MessageStatus": status})
    return sid[:40], status[:20]


def _store(request: HttpRequest, door: _Door, attempt_id: UUID, sid: str) -> None:
    store_callback(
        gateway_id=door.gateway.id,
        attempt_id=attempt_id,
        sid=sid,
        status=_told(request)[1],
        error_code=_number(request.POST.get("ErrorCode")),
        raw={_clean(name): [_clean(v) for v in each] for name, each in request.POST.lists()},
        wall=wall_now(),
    )


def _note(door: _Door, token: str) -> None:
    """Writes that a signed webhook came, at most once a minute from this process."""
    mark, now = fingerprint(token), time.monotonic()
    held = _noted.get(door.gateway.id)
    if held is not None and held[0] > now and held[1] == mark:
        return
    if len(_noted) > 10_000:
        _noted.clear()
    _noted[door.gateway.id] = (now + HEARD_EVERY.total_seconds(), mark)
    with tenant_scope(door.tenant_id):
        note_heard(door.gateway.id, token=mark, wall=wall_now())


def _find_door(gateway_id: UUID, *, fresh: bool = False) -> _Door | None:
    held = _kept.get(gateway_id)
    if held is not None and not fresh and held[0] > time.monotonic():
        return held[1]
    with router_scope():
        tenant_id = (
            Gateway._base_manager.filter(id=gateway_id).values_list("tenant_id", flat=True).first()
        )
    if tenant_id is None:
        return None
    with tenant_scope(tenant_id):
        gateway = Gateway.objects.filter(id=gateway_id).first()
    if gateway is None:
        return None
    door = _Door(tenant_id, gateway, gateway.auth_tokens)
    if len(_kept) > 10_000:
        _kept.clear()
    _kept[gateway_id] = (time.monotonic() + _KEPT_SECONDS, door)
    return door


def _require(fields: dict[str, str]) -> None:
    wrong = [
        FieldError(name, "missing", "The gateway always sends this.")
        for name, value in fields.items()
        if not value
    ]
    wrong += [
        FieldError(name, "invalid_text", "NUL has no place in text.")
        for name, value in fields.items()
        if "\x00" in value
    ]
    if wrong:
        raise Invalid(wrong)


def _clean(text: str) -> str:
    """PostgreSQL stores no NUL; nobody means to send one."""
    return text.replace("\x00", "")


def _number(text: str | None) -> int:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 10 else 0
