"""What the sign-up page says: the workspace's words inside the sentences that the law asks for.

One object gives the template its lines and the ledger its evidence, so they cannot differ.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from urllib.parse import urlsplit

LENGTHS = {
    "headline": 80,
    "intro": 240,
    "sends": 160,
    "frequency": 60,
    "terms_url": 300,
    "privacy_url": 300,
}
# A name goes into texts, so it cannot be an address or a sentence.
_NAME = re.compile(r"[^\W\d_](?:[^\W\d_]|[ '\u2019-]){0,39}")
_HOST = re.compile(r"[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")


@dataclass(frozen=True, slots=True)
class Parts:
    """What a workspace may write. `brand` is its name in texts and is not typed here."""

    brand: str
    headline: str
    intro: str
    sends: str
    frequency: str
    terms_url: str
    privacy_url: str
    asks_name: bool

    @property
    def agreement(self) -> str:
        """The label of the box nobody has ticked for the visitor."""
        return (
            f"I agree to get recurring automated marketing texts from {self.brand} at the number "
            "I enter here."
        )

    @property
    def conditions(self) -> str:
        """Everything the carriers' rules want beside the box, before the two links."""
        sends = self.sends.rstrip(". ")
        frequency = self.frequency.rstrip(". ")
        return (
            f"We text you about: {sends}. Consent is not a condition of any purchase. {frequency}. "
            "Msg & data rates may apply. Reply HELP for help, STOP to opt out at any time."
        )

    def lines(self) -> Iterator[str]:
        """The page as it reads, top to bottom: the evidence of what was agreed to."""
        yield self.headline
        if self.intro:
            yield self.intro
        yield "Mobile number"
        if self.asks_name:
            yield "First name (optional)"
        yield f"[ ] {self.agreement}"
        yield self.conditions
        yield f"Terms: {self.terms_url}"
        yield f"Privacy policy: {self.privacy_url}"
        yield "[Sign up]"

    def call_to_action(self, number: str, keyword: str = "JOIN") -> str:
        """What has to stand wherever the keyword is advertised: packaging, a poster, a shop."""
        links = ", ".join(link for link in (self.terms_url, self.privacy_url) if link)
        frequency = self.frequency.rstrip(". ") or "Msg frequency varies"
        return (
            f"Text {keyword} to {number} to get recurring automated marketing texts from "
            f"{self.brand} ({self.sends.rstrip('. ')}). Consent is not a condition of any "
            f"purchase. {frequency}. Msg & data rates may apply. Reply HELP for help, STOP to opt "
            f"out.{f' Terms and privacy: {links}' if links else ''}"
        )

    @property
    def rendered(self) -> str:
        return "\n".join(self.lines())

    def as_json(self) -> dict[str, object]:
        return asdict(self)


def parts_from(data: Mapping[str, object]) -> Parts:
    """Stored parts, as `as_json` gave them."""
    texts = {name: str(data.get(name, "")) for name in ("brand", *LENGTHS)}
    return Parts(**texts, asks_name=bool(data.get("asks_name")))


def first_parts(brand: str) -> Parts:
    """What a workspace starts from; the two links are its own to fill in."""
    return Parts(
        brand=brand,
        headline=f"Texts from {brand}",
        intro="Be the first to know. One text, straight to your phone.",
        sends="offers, new arrivals, and reminders about your cart",
        frequency="Msg frequency varies",
        terms_url="",
        privacy_url="",
        asks_name=True,
    )


def text_flaw(name: str, text: str) -> tuple[str, str] | None:
    """(code, sentence) for a part that cannot be shown; None when it can. Empty is no flaw here."""
    if len(text) > LENGTHS[name]:
        return "too_long", f"At most {LENGTHS[name]} characters."
    if any(unicodedata.category(char)[0] == "C" for char in text):
        return "invalid_text", "One line of plain text."
    if name.endswith("_url") and text and not is_web_address(text):
        return "not_a_web_address", "A web address that starts with https://."
    return None


def is_web_address(text: str) -> bool:
    """An https address with a host name, and nothing that hides where it leads."""
    try:
        found = urlsplit(text)
        port = found.port
    except ValueError:
        return False
    return (
        found.scheme == "https"
        and bool(_HOST.fullmatch(found.hostname or ""))
        and found.username is None
        and port in {None, 443}
        and not re.search(r"[\s<>\"'\\]", text)
    )


def missing_parts(parts: Parts) -> list[str]:
    """What has to be filled in before anybody may see the page."""
    return [
        name
        for name in ("headline", "sends", "frequency", "terms_url", "privacy_url")
        if not getattr(parts, name).strip()
    ]


def read_name(text: str) -> str | None:
    """A first name as typed, tidied; "" when there is none, None when it cannot be one."""
    name = " ".join(unicodedata.normalize("NFC", text).split())
    if not name:
        return ""
    return name if _NAME.fullmatch(name) else None
