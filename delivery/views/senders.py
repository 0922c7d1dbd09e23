"""Settings, Sending: the numbers texts go out from."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from api.problems import FieldError, Invalid, NotFound
from delivery.core.account import kind_of
from delivery.domain.gateways import add_sender, pause_sender, resume_sender, set_sender_rate
from delivery.models import Gateway, Sender
from delivery.views.sending_forms import posted, word_of

# What carriers usually allow; registered 10DLC campaigns get more, Twilio's console says how much.
RATES = {"long_code": 1.0, "toll_free": 3.0, "short_code": 100.0, "messaging_service": 1.0}


@posted("sender")
def new_sender(request: Any, gateway_id: UUID) -> str:
    """A number, a short code or a messaging service of the account."""
    gateway: Gateway | None = Gateway.objects.filter(id=gateway_id).first()
    if gateway is None:
        raise NotFound("This gateway")
    name = word_of(request, "sender").replace(" ", "").replace("-", "")
    is_service = name.upper().startswith("MG")
    kind = Sender.Kind.MESSAGING_SERVICE if is_service else kind_of(name)
    sender = add_sender(
        gateway,
        phone="" if is_service else name,
        messaging_service_sid=name if is_service else "",
        kind=kind,
        segments_per_second=_rate(request) or RATES[kind],
        actor=request.user,
        now=request.now,
    )
    return f"{sender} is added."


@posted("pause")
def pause(request: Any, sender_id: UUID) -> str:
    sender = pause_sender(sender_id, actor=request.user, now=request.now)
    return f"{sender} is paused. What is queued waits or goes by another number."


@posted("resume_sender")
def resume(request: Any, sender_id: UUID) -> str:
    sender = resume_sender(sender_id, actor=request.user, now=request.now)
    return f"{sender} works again."


@posted("rate")
def change_rate(request: Any, sender_id: UUID) -> str:
    sender = set_sender_rate(
        sender_id,
        segments_per_second=_rate(request) or 0.0,
        actor=request.user,
        now=request.now,
    )
    return f"{sender} sends {sender.segments_per_second:g} parts a second from now on."


def _rate(request: Any) -> float | None:
    """Parts a second as typed; None when left empty."""
    typed = word_of(request, "rate").replace(",", ".")
    if not typed:
        return None
    try:
        return float(typed)
    except ValueError:
        detail = "Write a number, such as 1 or 0.5."
        raise Invalid([FieldError("segments_per_second", "not_a_number", detail)]) from None
