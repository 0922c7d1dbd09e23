"""A message's states, and how carrier statuses move it: only forward, whatever the order."""

from __future__ import annotations

WAITING = frozenset({"scheduled", "queued"})
FINAL = frozenset({"skipped", "delivered", "undelivered", "failed", "canceled"})

# The carriers' words by how much they say. Callbacks come late, twice and out of order.
_RANK = {
    "": 0,
    "accepted": 10,
    "scheduled": 10,
    "queued": 20,
    "sending": 30,
    "sent": 40,
    "delivered": 90,
    "undelivered": 90,
    "failed": 90,
    "canceled": 90,
    "read": 95,
}

# What a carrier status makes of our message.
_STATUS = {
    "delivered": "delivered",
    "read": "delivered",
    "partially_delivered": "delivered",
    "undelivered": "undelivered",
    "failed": "failed",
    "canceled": "canceled",
}


def later_status(held: str, told: str) -> str:
    """Which of two carrier statuses stands, whichever came first.

    Between two final ones the first stands, except that a late receipt turns `undelivered`
    into `delivered`.
    """
    if held == "undelivered" and told == "delivered":
        return told
    return told if rank(told) > rank(held) else held


def rank(status: str) -> int:
    """0 for a status nobody knows: it never moves anything."""
    return _RANK.get("delivered" if status == "partially_delivered" else status, 0)


def message_status(carrier_status: str) -> str:
    """Our status for a text the gateway holds: `sent` until something final is known."""
    return _STATUS.get(carrier_status, "sent")
