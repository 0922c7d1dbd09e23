"""What policy puts around the words: the brand in front, the way out behind."""

from __future__ import annotations

from datetime import datetime, timedelta

from templates_engine.core.composing import STOP_NOTICE, prefix_for, says_stop

__all__ = ["STOP_NOTICE", "default_ttl", "prefix_for", "says_stop", "suffix_for"]

STOP_NOTICE_EVERY = timedelta(days=30)

# How long a wish to text stays fresh when neither step nor template says so.
_TTL = {
    "marketing": timedelta(hours=24),
    "transactional": timedelta(hours=24),
    "conversational": timedelta(minutes=30),
    "compliance": timedelta(minutes=5),
}


def suffix_for(message_type: str, last_notice_at: datetime | None, now: datetime) -> str:
    """The opt-out line: in the first marketing text, and again when 30 days have passed."""
    if message_type != "marketing":
        return ""
    if last_notice_at is not None and now - last_notice_at <= STOP_NOTICE_EVERY:
        return ""
    return STOP_NOTICE


def default_ttl(message_type: str) -> timedelta:
    return _TTL[message_type]
