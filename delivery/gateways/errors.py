"""A gateway's error code -> what the platform does about it.

Codes arrive with the answer to a POST (HTTP 4xx) or later in a status callback; both are
classified the same way. A code nobody knows is never retried.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

Retry = Literal["no", "later", "throttle", "reconcile"]
Scope = Literal["message", "number", "pair", "sender", "workspace", "gateway"]

_TABLE = Path(__file__).parent.parent / "data" / "twilio_error_actions.json"


@dataclass(frozen=True, slots=True)
class ErrorClass:
    """What an error code means for us.

    name: the class (`opt_out`, `number_permanent`, `throttle` ...; `unknown`, or `ok` for none)
    retry: `no`, `later` (inside the sending window), `throttle` (back off, then submit again) or
        `reconcile` (the outcome is not known: look first)
    scope: what the trouble belongs to. Anything wider than `message` or `number` pauses it.
    pauses: whether that scope must stop submitting until someone acts or its time has come
    suppresses: the number must not be texted any more (an opt-out or a dead number)
    never_taken: the carrier definitely never took the text, so a legal cap slot may be given back
    """

    code: int | None
    name: str
    title: str
    action: str
    retry: Retry
    scope: Scope
    pauses: bool
    suppresses: bool
    never_taken: bool


@dataclass(frozen=True, slots=True)
class _Reaction:
    retry: Retry = "no"
    scope: Scope = "message"
    pauses: bool = False
    suppresses: bool = False


_REACTIONS: dict[str, _Reaction] = {
    "ok": _Reaction(),
    "opt_out": _Reaction(scope="number", suppresses=True),
    "number_permanent": _Reaction(scope="number", suppresses=True),
    "hard_bounce": _Reaction(scope="number"),
    "soft_bounce": _Reaction(scope="number"),
    "retry_later": _Reaction(retry="later"),
    "throttle": _Reaction(retry="throttle", scope="sender"),
    "sender_backpressure": _Reaction(retry="later", scope="sender", pauses=True),
    "daily_cap": _Reaction(retry="later", scope="workspace", pauses=True),
    "filtered": _Reaction(),
    "sender_compliance": _Reaction(scope="sender", pauses=True),
    "sender_config": _Reaction(scope="sender", pauses=True),
    "tenant_config": _Reaction(scope="workspace"),
    "credential": _Reaction(scope="gateway", pauses=True),
    "content": _Reaction(),
    "route": _Reaction(),
    "expired": _Reaction(retry="later"),
    "quiet_hours": _Reaction(retry="later"),
    "ambiguous": _Reaction(retry="reconcile"),
    "bug": _Reaction(),
    "inbound": _Reaction(),
    "notice": _Reaction(),
    "info": _Reaction(),
    "unknown": _Reaction(),
}

# These come in a callback although the text never left Twilio's own queue.
_NEVER_TAKEN_ASYNC = frozenset({21610, 30001, 30036, 30047, 30610, 30630, 30640})
# A reply loop: mute the two numbers, the sender itself is well.
_LOOPS = frozenset({14107, 30039})


def classify_error(code: int | None, http_status: int | None = None) -> ErrorClass:
    """The class of an error.

    `code`: the gateway's error code, if it gave one. `http_status`: the status of the answer to
    our POST, None when the code came in a status callback. No code and no bad status is `ok`.
    """
    if http_status == 429:
        code = 20429
    elif http_status is not None and http_status >= 500:
        # Whatever the code says, a server that failed may have taken the text before it did.
        return _make(code, "ambiguous", "server error", "reconcile before any retry", False)
    if code is None:
        if http_status is None or http_status < 400:
            return _make(None, "ok", "", "", False)
        return _make(None, "unknown", f"HTTP {http_status}", "no retry, log, count", False)
    refused = http_status is not None and 400 <= http_status < 500
    row = error_table().get(code)
    if row is None:
        return _make(code, "unknown", "unknown code", "no retry, log, count", refused)
    name, title, action = row
    return _make(code, name, title, action, refused or code in _NEVER_TAKEN_ASYNC)


@cache
def error_table() -> dict[int, tuple[str, str, str]]:
    """code -> (class, title, reaction in words), from `delivery/data`."""
    rows = json.loads(_TABLE.read_text())
    return {row["code"]: (row["cls"], row["name"], row["action"]) for row in rows}


def _make(code: int | None, name: str, title: str, action: str, never_taken: bool) -> ErrorClass:
    reaction = _REACTIONS.get(name, _REACTIONS["unknown"])
    return ErrorClass(
        code=code,
        name=name,
        title=title,
        action=action,
        retry="no" if code in _LOOPS else reaction.retry,
        scope="pair" if code in _LOOPS else reaction.scope,
        pauses=reaction.pauses,
        suppresses=reaction.suppresses,
        never_taken=never_taken,
    )
