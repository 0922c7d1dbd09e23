"""What consent adds to the filters of the contacts list."""

from __future__ import annotations

from consent.columns import WORDS
from people.filters import Choice, Condition, Filter
from tenancy.scope import current_tenant_id

_SUPPRESSED = (
    "c.phone_token IN (SELECT s.phone_token FROM consent_suppression s WHERE s.tenant_id = %s)"
)
_STATUS = (
    "c.phone_token IN (SELECT k.phone_token FROM consent_consent k WHERE k.tenant_id = %s"
    " AND k.message_type = 'marketing' AND k.topic = '' AND k.status = %s)"
)
# Asked row by row along the list's own order: as a join it would read everybody first.
_UNKNOWN = (
    "NOT coalesce((SELECT true FROM consent_consent k WHERE k.tenant_id = %s"
    " AND k.phone_token = c.phone_token AND k.message_type = 'marketing' AND k.topic = ''"
    " LIMIT 1), false)"
    " AND NOT coalesce((SELECT true FROM consent_suppression s WHERE s.tenant_id = %s"
    " AND s.phone_token = c.phone_token LIMIT 1), false)"
)
_HELD = (
    "EXISTS (SELECT FROM consent_suppression s"
    " WHERE s.tenant_id = %s AND s.phone_token = c.phone_token)"
)


def by_status(value: str) -> Condition | None:
    """The status that is shown for SMS consent: of marketing texts, or suppressed before all."""
    if value not in WORDS:
        return None
    tenant_id = current_tenant_id()
    if value == "suppressed":
        return Condition(_SUPPRESSED, [tenant_id])
    if value == "never_subscribed":
        return Condition(_UNKNOWN, [tenant_id, tenant_id])
    return Condition(f"{_STATUS} AND NOT {_HELD}", [tenant_id, value, tenant_id])


def statuses() -> list[Choice]:
    return [Choice(value, cell.text) for value, cell in WORDS.items()]


CONSENT_FILTER = Filter(
    "consent", "SMS consent", statuses, by_status, 10, "Where the number stands.", tuple(WORDS)
)
