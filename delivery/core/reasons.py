"""Every reason a text was held back, stopped or lost: one stable code each, in plain words.

Codes are public (API, events, CSV): never rename one. `triggers` gives its own reasons for leaving
a run; they are listed here too, so that one table explains every message.
"""

from __future__ import annotations

from enum import StrEnum


class Reason(StrEnum):
    # 1 workspace
    WORKSPACE_INACTIVE = "workspace_inactive"
    NO_SENDER = "no_sender"
    SENDER_PAUSED = "sender_paused"
    GATEWAY_STOPPED = "gateway_stopped"
    COUNTRY_OFF = "country_off"
    # 2 contact
    CONTACT_MISSING = "contact_missing"
    NO_PHONE = "no_phone"
    NUMBER_CHANGED = "number_changed"
    # 3 consent
    NEVER_SUBSCRIBED = "never_subscribed"
    PENDING = "pending"
    UNSUBSCRIBED = "unsubscribed"
    PAUSED_FOR_REVIEW = "paused_for_review"
    # 4 suppression
    SUPPRESSED = "suppressed"
    # 5 flow
    FLOW_PAUSED = "flow_paused"
    FLOW_ARCHIVED = "flow_archived"
    CAMPAIGN_PAUSED = "campaign_paused"
    CAMPAIGN_STOPPED = "campaign_stopped"
    EXITED = "exited"
    # 6 conditions
    CONDITIONS_NOT_MET = "conditions_not_met"
    WAITS_FOR_REPLY = "waits_for_reply"
    EXPIRED = "expired"
    # 7 holdout
    HOLDOUT = "holdout"
    # 8 render
    REQUIRED_MISSING = "required_missing"
    FALLBACK_MISSING = "fallback_missing"
    NOT_APPROVED = "not_approved"
    TOO_LONG = "too_long"
    RENDER_FAILED = "render_failed"
    # 9 duplicate
    DUPLICATE = "duplicate"
    # 10 quiet hours
    QUIET_HOURS = "quiet_hours"
    # 11 caps
    FREQUENCY_CAP = "frequency_cap"
    HIGHER_PRIORITY = "higher_priority"
    # 12 budget
    SENDER_BUSY = "sender_busy"
    # after the claim: what the gateway and the carriers said
    OPTED_OUT_AT_CARRIER = "opted_out_at_carrier"
    NUMBER_UNUSABLE = "number_unusable"
    NOT_REACHED = "not_reached"
    CARRIER_FILTERED = "carrier_filtered"
    CONTENT_REFUSED = "content_refused"
    SENDER_REFUSED = "sender_refused"
    GATEWAY_REFUSED = "gateway_refused"
    GATEWAY_BUSY = "gateway_busy"
    LOST = "lost"
    # canceled before the claim
    CANCELED = "canceled"
    REPLACED = "replaced"
    ERASED = "erased"
    MERGED = "merged"


WORDS: dict[str, str] = {
    Reason.WORKSPACE_INACTIVE: "This workspace is switched off",
    Reason.NO_SENDER: "No sender is set up",
    Reason.SENDER_PAUSED: "The sender is paused",
    Reason.GATEWAY_STOPPED: "The gateway is stopped",
    Reason.COUNTRY_OFF: "The gateway does not serve this country",
    Reason.CONTACT_MISSING: "The contact was erased or does not exist",
    Reason.NO_PHONE: "The contact has no phone number",
    Reason.NUMBER_CHANGED: "The contact's phone number changed",
    Reason.NEVER_SUBSCRIBED: "Never subscribed",
    Reason.PENDING: "Opt-in not confirmed yet",
    Reason.UNSUBSCRIBED: "Unsubscribed",
    Reason.PAUSED_FOR_REVIEW: "A reply waits for a person to read it",
    Reason.SUPPRESSED: "The number is suppressed",
    Reason.FLOW_PAUSED: "The flow is paused",
    Reason.FLOW_ARCHIVED: "The flow is archived",
    Reason.CAMPAIGN_PAUSED: "The campaign is paused",
    Reason.CAMPAIGN_STOPPED: "The campaign was stopped",
    Reason.EXITED: "Left the flow",
    Reason.CONDITIONS_NOT_MET: "Conditions are not met",
    Reason.WAITS_FOR_REPLY: "Goes only after a reply",
    Reason.EXPIRED: "Too late: its time to live ended",
    Reason.HOLDOUT: "Held out to measure lift",
    Reason.REQUIRED_MISSING: "A required field has no value",
    Reason.FALLBACK_MISSING: "A field has neither value nor fallback",
    Reason.NOT_APPROVED: "The template is not approved",
    Reason.TOO_LONG: "The text is longer than 1,600 characters",
    Reason.RENDER_FAILED: "The text could not be written",
    Reason.DUPLICATE: "This text exists already",
    Reason.QUIET_HOURS: "Quiet hours",
    Reason.FREQUENCY_CAP: "Frequency cap",
    Reason.HIGHER_PRIORITY: "A more important text comes first",
    Reason.SENDER_BUSY: "The sender is busy",
    Reason.OPTED_OUT_AT_CARRIER: "Opted out at the carrier",
    Reason.NUMBER_UNUSABLE: "The number cannot receive texts",
    Reason.NOT_REACHED: "The phone was not reached",
    Reason.CARRIER_FILTERED: "Filtered by the carrier",
    Reason.CONTENT_REFUSED: "The gateway refused the words",
    Reason.SENDER_REFUSED: "The gateway refused the sender",
    Reason.GATEWAY_REFUSED: "The gateway refused the text",
    Reason.GATEWAY_BUSY: "The gateway is busy",
    Reason.LOST: "Unknown whether it left; not tried again",
    Reason.CANCELED: "Canceled",
    Reason.REPLACED: "Replaced by a newer run",
    Reason.ERASED: "The contact was erased",
    Reason.MERGED: "Merged: the contact is in this flow already",
}

# What somebody meant to happen: the system did its work. The rest needs attention.
INTENDED = frozenset(
    {
        Reason.NEVER_SUBSCRIBED,
        Reason.PENDING,
        Reason.UNSUBSCRIBED,
        Reason.PAUSED_FOR_REVIEW,
        Reason.SUPPRESSED,
        Reason.FLOW_PAUSED,
        Reason.FLOW_ARCHIVED,
        Reason.CAMPAIGN_PAUSED,
        Reason.CAMPAIGN_STOPPED,
        Reason.EXITED,
        Reason.CONDITIONS_NOT_MET,
        Reason.WAITS_FOR_REPLY,
        Reason.HOLDOUT,
        Reason.DUPLICATE,
        Reason.QUIET_HOURS,
        Reason.FREQUENCY_CAP,
        Reason.HIGHER_PRIORITY,
        Reason.SENDER_BUSY,
        Reason.CANCELED,
        Reason.REPLACED,
        Reason.ERASED,
        Reason.MERGED,
    }
)


def words(code: str) -> str:
    """The plain words of a reason; an unlisted code reads as itself."""
    return WORDS.get(code) or code.replace("_", " ").capitalize()
