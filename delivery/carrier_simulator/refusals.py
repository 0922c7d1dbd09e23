"""Why a call is refused, in Twilio's codes and words."""

from __future__ import annotations

TITLES = {
    20001: "Unknown parameters",
    20003: "Authenticate",
    20009: "Cannot delete this resource before it is complete",
    20404: "The requested resource was not found",
    20429: "Too Many Requests",
    21211: "The 'To' number {to} is not a valid phone number.",
    21212: "The 'From' number {sender} is not a valid phone number, shortcode, or alphanumeric sender ID.",
    21266: "'To' and 'From' number cannot be the same: {to}",
    21408: "Permission to send an SMS has not been enabled for the region indicated by the 'To' number: {to}",
    21602: "Message body is required.",
    21603: "A 'From' phone number is required.",
    21604: "A 'To' phone number is required.",
    21606: "The 'From' phone number {sender} is not a valid message-capable Twilio phone number for this destination.",
    21609: "The 'StatusCallback' URL is not a valid URL.",
    21610: "Attempt to send to unsubscribed recipient",
    21611: "This 'From' number has exceeded the maximum number of queued messages.",
    21612: "Message cannot be sent with the current combination of 'To' ({to}) and/or 'From' ({sender}) parameters",
    21614: "'To' number is not a valid mobile number: {to}",
    21617: "The concatenated message body exceeds the 1600 character limit.",
    21624: "The 'ValidityPeriod' is not valid.",
    21660: "Mismatch between the 'From' number {sender} and the account",
    21701: "The Messaging Service {sender} does not exist",
    21704: "The Messaging Service contains no phone numbers.",
}


class Refused(Exception):
    def __init__(self, status: int, code: int, message: str | None = None, **names: str) -> None:
        self.status, self.code = status, code
        self.message = message or TITLES.get(code, f"Error {code}").format_map(
            {"to": "", "sender": "", **names}
        )
