"""What consent adds to the contacts list."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from consent.domain.facts import facts_for
from people.columns import Cell
from people.domain.facts import ContactFacts

WORDS = {
    "subscribed": Cell("Subscribed", "good"),
    "pending": Cell("Not confirmed", "wait"),
    "unsubscribed": Cell("Unsubscribed", "stop"),
    "suppressed": Cell("Suppressed", "stop"),
    "never_subscribed": Cell("Never subscribed", "off"),
}


def consent_cells(contacts: Sequence[ContactFacts], now: datetime) -> Mapping[object, Cell]:
    """The one word for SMS consent, per contact."""
    return {key: WORDS[facts.status] for key, facts in facts_for(contacts, now=now).items()}
