"""What an error class does to its message, and the code a person reads."""

from __future__ import annotations

from delivery.core.reasons import Reason
from delivery.core.standing import Kind

_REASONS: dict[str, Reason] = {
    "opt_out": Reason.OPTED_OUT_AT_CARRIER,
    "number_permanent": Reason.NUMBER_UNUSABLE,
    "hard_bounce": Reason.NOT_REACHED,
    "soft_bounce": Reason.NOT_REACHED,
    "filtered": Reason.CARRIER_FILTERED,
    "content": Reason.CONTENT_REFUSED,
    "sender_compliance": Reason.SENDER_REFUSED,
    "sender_config": Reason.SENDER_REFUSED,
    "expired": Reason.EXPIRED,
    "quiet_hours": Reason.QUIET_HOURS,
    "retry_later": Reason.GATEWAY_BUSY,
    "throttle": Reason.GATEWAY_BUSY,
    "sender_backpressure": Reason.GATEWAY_BUSY,
    "daily_cap": Reason.GATEWAY_BUSY,
    "tenant_config": Reason.COUNTRY_OFF,
    "credential": Reason.GATEWAY_STOPPED,
}

# Refused before the gateway took the text, for a cause that passes or that somebody repairs.
_RETURNED = frozenset(
    {"throttle", "sender_backpressure", "daily_cap", "sender_compliance", "sender_config"}
    | {"credential"}
)
_PUT_OFF = frozenset({"retry_later", "expired", "quiet_hours"})
BOUNCES = {"hard_bounce": 2, "soft_bounce": 3}


def reason_for(error_class: str) -> str:
    return _REASONS.get(error_class, Reason.GATEWAY_REFUSED)


def told_kind(error_class: str, retry: str) -> Kind:
    """What a refusal that came as the answer to our POST means for the text."""
    if retry == "reconcile":
        return "unsure"
    # A reply loop is of the class throttle but is not tried again (`retry` says no).
    if error_class in _RETURNED and not (error_class == "throttle" and retry == "no"):
        return "returned"
    return "put_off" if error_class in _PUT_OFF else "refused"
