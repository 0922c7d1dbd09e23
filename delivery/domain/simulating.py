"""Connecting a workspace to the carrier simulator, where this installation runs one.

The product knows no simulator. Whatever runs one registers how a number is had there; without it
`is_running` is false and nobody is offered one.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from api.problems import Problem
from delivery.models import Gateway, Sender
from tenancy.audit import record_audit

# Takes the gateway's number into use and returns it. Raises OSError when the simulator is away.
GiveNumber = Callable[[Gateway], str]
_give_number: GiveNumber | None = None
_is_running: Callable[[], bool] = bool  # until somebody registers: no


@dataclass(frozen=True, slots=True)
class TryOut:
    """An account that the simulator plays, to see what a check may say. `numbers`: with what each
    of them shows."""

    account_sid: str
    token: str
    numbers: tuple[tuple[str, str], ...]


_try_out: TryOut | None = None


def register(
    give_number: GiveNumber, *, is_running: Callable[[], bool], try_out: TryOut | None = None
) -> None:
    """Called once, by what runs the simulator."""
    global _give_number, _is_running, _try_out
    _give_number, _is_running, _try_out = give_number, is_running, try_out


def try_out() -> TryOut | None:
    """The account to try, where a simulator runs that has it."""
    return _try_out if is_running() else None


def is_running() -> bool:
    return _give_number is not None and _is_running()


def connect_simulator(*, now: datetime) -> Sender:
    """A gateway and a number of its own at the simulator. Raises `Problem` simulator_away (503).

    Asks the simulator over HTTP: call it last in a transaction.
    """
    if _give_number is None or not _is_running():
        raise Problem("no_simulator", "This installation runs no carrier simulator.", status=409)
    token = secrets.token_hex(16)
    gateway = Gateway(
        kind=Gateway.Kind.SIMULATOR,
        account_sid=f"AC{secrets.token_hex(16)}",
        is_live=True,
        created_at=now,
    )
    gateway.set_secrets(secret=token, auth_tokens=[token])
    try:
        phone = _give_number(gateway)
    except OSError:
        raise Problem(
            "simulator_away",
            "The carrier simulator does not answer. Nothing was changed; try again, or connect "
            "sending later.",
            status=503,
        ) from None
    gateway.save(force_insert=True)
    sender: Sender = Sender.objects.create(
        gateway=gateway,
        kind=Sender.Kind.SHORT_CODE,
        phone=phone,
        segments_per_second=50.0,
        created_at=now,
    )
    record_audit(
        "gateway.connected", target=gateway.account_sid, data={"kind": "simulator"}, now=now
    )
    record_audit("sender.added", target=phone, data={"kind": sender.kind}, now=now)
    return sender
