"""What a look at a gateway account finds. Plain data, filled by the gateway's adapter."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

# One answer, and all of them together: somebody waits before a page.
ANSWER_SECONDS = 5
LOOK_SECONDS = 10
Tone = Literal["good", "wait", "stop", ""]
SenderKind = Literal["long_code", "toll_free", "short_code", "messaging_service"]
_TOLL_FREE = ("+1800", "+1833", "+1844", "+1855", "+1866", "+1877", "+1888")


@dataclass(frozen=True, slots=True)
class Probe:
    """One question to the gateway. `code`: the gateway's own when it refused. `why` there was no
    answer: none in time, no connection, an error of the gateway's own, no time left to ask."""

    outcome: Literal["ok", "refused", "unreachable"]
    code: int | None = None
    why: Literal["", "timeout", "connection", "error", "no_time"] = ""


@dataclass(frozen=True, slots=True)
class SenderName:
    """A sender to look at: E.164, a short code, or a messaging service's sid."""

    phone: str = ""
    service_sid: str = ""

    @property
    def label(self) -> str:
        return self.phone or self.service_sid


@dataclass(frozen=True, slots=True)
class SenderLook:
    """What the account says of one sender.

    `numbers`: a messaging service's own. `sms`: None where the gateway does not say.
    `inbound_url`: where its texts are passed on to, "" for nowhere, "app" for an application.
    `campaigns`: states of the 10DLC campaigns it can use; None: could not be read.
    `verification`: a toll-free number's state; None: could not be read. `unread`: the question that
    kept either from being read.
    """

    name: SenderName
    asked: Probe
    found: bool = False
    sms: bool | None = None
    inbound_url: str = ""
    in_service: str = ""
    numbers: tuple[str, ...] = ()
    campaigns: tuple[str, ...] | None = None
    verification: str | None = None
    unread: Probe | None = None


@dataclass(frozen=True, slots=True)
class AccountLook:
    """`key`: what texts are submitted with. `tokens`: what webhooks are signed with, newer first."""

    key: Probe
    tokens: tuple[Probe, ...] = ()
    status: str = ""
    type: str = ""
    senders: tuple[SenderLook, ...] = ()


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of a check. `tone`: good, wait (look at it), stop (texts fail), "" (not known)."""

    code: str
    tone: Tone
    text: str
    todo: str = ""
    about: str = ""

    def as_dict(self) -> dict[str, str]:
        return {
            "code": self.code,
            "tone": self.tone,
            "text": self.text,
            "todo": self.todo,
            "about": self.about,
        }


@dataclass(frozen=True, slots=True)
class Setup:
    """What we know ourselves. `hints`: the last four characters of each auth token."""

    account_sid: str
    has_key: bool
    hints: tuple[str, ...] = ()
    inbound_url: str = ""


def kind_of(phone: str) -> SenderKind:
    """What a number is by its digits."""
    if not phone.startswith("+"):
        return "short_code"
    return "toll_free" if phone.startswith(_TOLL_FREE) else "long_code"
