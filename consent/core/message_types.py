"""What each message type must obey. The type stands on the template, never on the step."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

MessageType = Literal["marketing", "transactional", "conversational", "compliance"]
MESSAGE_TYPES: tuple[MessageType, ...] = (
    "marketing",
    "transactional",
    "conversational",
    "compliance",
)
# The types a consent record can speak about: compliance texts answer the person's own act.
CONSENT_TYPES: tuple[str, ...] = ("marketing", "transactional", "conversational")


def covered_types(*, orders: bool = False) -> tuple[str, ...]:
    """What a proof of others speaks about: offers; `orders`: and texts about orders and appointments.

    Never conversational: an answer to what somebody wrote needs no opt-in, so nobody gave one.
    """
    return ("marketing", "transactional") if orders else ("marketing",)


@dataclass(frozen=True, slots=True)
class Obeys:
    """Which checks bind a message type.

    `consent`: "subscribed" needs an opt-in of that type, "established" an opt-in or a
    transaction that calls for the text, "not_unsubscribed" only that nobody said stop, "none".
    """

    consent: Literal["subscribed", "established", "not_unsubscribed", "none"]
    suppression: bool
    review_pause: bool
    quiet_hours: bool
    frequency_cap: bool
    holdout: bool


MATRIX: dict[str, Obeys] = {
    "marketing": Obeys("subscribed", True, True, True, True, True),
    "transactional": Obeys("established", True, False, True, False, False),
    "conversational": Obeys("not_unsubscribed", True, False, False, False, False),
    "compliance": Obeys("none", False, False, False, False, False),
}
_LENIENT_TRANSACTIONAL = Obeys("established", True, False, False, False, False)


def obeys(message_type: str, *, transactional_obeys: bool = True) -> Obeys:
    """The checks that bind a type. A workspace may let transactional texts ignore quiet hours."""
    if message_type == "transactional" and not transactional_obeys:
        return _LENIENT_TRANSACTIONAL
    return MATRIX[message_type]


@dataclass(frozen=True, slots=True)
class ConsentVerdict:
    """`reason` is a stable code, empty when `ok`."""

    ok: bool
    reason: str
    detail: str


def check_consent(
    message_type: str, statuses: Mapping[str, str], *, established: bool = False
) -> ConsentVerdict:
    """Whether the contact's consent allows this type.

    `statuses` by message type as `facts_for` gives them; `established` says that the text
    belongs to an order or appointment of this contact.
    """
    needs = MATRIX[message_type].consent
    if needs == "none":
        return ConsentVerdict(True, "", "A compliance text answers the contact's own message.")
    status = statuses.get(message_type, "never_subscribed")
    if status == "unsubscribed":
        return ConsentVerdict(False, "unsubscribed", "The contact opted out.")
    if status == "subscribed" or needs == "not_unsubscribed":
        return ConsentVerdict(True, "", f"Consent for {message_type} texts: {status}.")
    if needs == "established" and established:
        return ConsentVerdict(True, "", "The text belongs to the contact's own transaction.")
    if status == "pending":
        return ConsentVerdict(False, "pending", "The double opt-in is not confirmed yet.")
    return ConsentVerdict(False, "never_subscribed", f"No opt-in for {message_type} texts.")


def check_suppression(message_type: str, suppression: str | None) -> ConsentVerdict:
    """Whether a suppression (a reason code, or None) forbids this type."""
    if suppression and MATRIX[message_type].suppression:
        return ConsentVerdict(False, f"suppressed_{suppression}", f"Suppressed: {suppression}.")
    return ConsentVerdict(True, "", "Not suppressed.")


def check_review_pause(message_type: str, paused: bool) -> ConsentVerdict:
    """Whether a reply that somebody must read first holds this type back."""
    if paused and MATRIX[message_type].review_pause:
        return ConsentVerdict(False, "paused_for_review", "A reply waits for a person's decision.")
    return ConsentVerdict(True, "", "No reply waits for a decision.")
