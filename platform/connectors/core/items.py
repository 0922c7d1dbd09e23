"""What a shop's body becomes: items for the door that events come in by, and what else it says. Pure."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any

from api.problems import FieldError
from events.core.incoming import (
    Incoming,
    set_data,
    set_message_id,
    set_name,
    set_ref,
    set_subject,
)
from events.core.names import IDENTIFIED
from people.core.identifiers import clean_email, clean_phone

Data = Mapping[str, Any]
TRACK, IDENTIFY = "track", "identify"
# An event has at most 32 KB: this many lines of an order stay well below it.
MAX_LINES = 100
MAX_TEXT = 200
MAX_KEY = 240
_TAG = re.compile(r"<[^>]*>")


@dataclass(frozen=True, slots=True)
class Shop:
    """Whose body it is. `prefix` keeps the ids of a second shop of one workspace apart from the
    first one's; `country` reads national numbers; `url` is the shop's address, "" when unknown;
    `hears_carts`: carts come in too, so a cart's token may lead to the person who checks out."""

    prefix: str = ""
    country: str = ""
    url: str = ""
    hears_carts: bool = False

    def key(self, value: Any) -> str:
        """An id of the shop as text, "" for none."""
        if isinstance(value, bool) or not isinstance(value, str | int):
            return ""
        text = text_of(value, limit=MAX_KEY)
        return f"{self.prefix}{text}" if text and text != "0" else ""


@dataclass(slots=True)
class Item:
    """One event or one identify call to be. Identifiers as the shop wrote them.

    `order_id`: whose event it is when the body names an order and nobody else. `country` reads the
    phone number, "" the workspace's own. `notes`: what was left out of it, in words.
    """

    event: str
    message_id: str
    occurred_at: str | None = None
    kind: str = TRACK
    external_id: str = ""
    phone: str = ""
    email: str = ""
    anonymous_id: str = ""
    traits: dict[str, Any] = field(default_factory=dict)
    properties: dict[str, Any] = field(default_factory=dict)
    order_id: str = ""
    country: str = ""
    notes: list[str] = field(default_factory=list)

    @property
    def names_somebody(self) -> bool:
        return bool(self.external_id or self.phone or self.email or self.anonymous_id)


@dataclass(frozen=True, slots=True)
class ConsentSaid:
    """An explicit SMS state of the shop. `action`: opt_in or opt_out. `at`: ISO 8601."""

    action: str
    phone: str
    at: str
    level: str
    evidence: Mapping[str, str]
    country: str = ""


@dataclass(frozen=True, slots=True)
class Variant:
    """A variant whose stock the shop counts by an item id of its own. `stock` None: not counted."""

    item_id: str
    product_id: str
    variant_id: str
    stock: int | None
    at: str


@dataclass(frozen=True, slots=True)
class Level:
    """How many of an item there are at one place."""

    item_id: str
    location_id: str
    available: int
    at: str


@dataclass(slots=True)
class Translation:
    """What one body says. `ignored`: (code, words) when it says nothing to us; `errors`: what of it
    could not be read, by field."""

    items: list[Item] = field(default_factory=list)
    consent: ConsentSaid | None = None
    variants: list[Variant] = field(default_factory=list)
    level: Level | None = None
    ignored: tuple[str, str] | None = None
    errors: list[FieldError] = field(default_factory=list)


def ignore(code: str, words: str) -> Translation:
    return Translation(ignored=(code, words))


def read_item(item: Item, *, country: str) -> Incoming:
    """Checks an item as every other event is checked; what is wrong stands in `errors`.

    A number or an address that nobody can use is left out and noted: the order it stands beside
    happened all the same.
    """
    out = Incoming(item.kind, timestamp=item.occurred_at or None, time_field="occurred_at")
    if item.kind == IDENTIFY:
        out.name = IDENTIFIED
    else:
        set_name(out, item.event, field_name="event", public=False)
    set_message_id(out, item.message_id, field_name="message_id")
    region = item.country or country
    phone = _usable(item, "phone", item.phone, region)
    email = _usable(item, "email", item.email, region)
    traits = {name: value for name, value in item.traits.items() if value not in (None, "")}
    for name, value in (("phone", phone), ("email", email)):
        if name in traits:
            traits.pop(name)
        if item.kind == IDENTIFY and value:
            traits[name] = value
    if "country" in traits and not _is_country(traits["country"]):
        traits.pop("country")
    out.traits = traits or None
    set_data(out, {"traits": traits} if item.kind == IDENTIFY else item.properties, {})
    set_ref(
        out,
        [
            ("external_id", "external_id", item.external_id),
            ("phone", "phone", phone),
            ("email", "email", email),
            ("anonymous_id", "anonymous_id", item.anonymous_id),
        ],
        country=region,
    )
    set_subject(out, item.properties)
    return out


def text_of(value: Any, *, limit: int = MAX_TEXT) -> str:
    """A text of a body, trimmed; "" for anything else. A number counts as its digits."""
    if isinstance(value, bool):
        return ""
    if isinstance(value, int):
        return str(value)
    # PostgreSQL stores no NUL; nobody means to send one.
    return value.replace("\x00", "").strip()[:limit] if isinstance(value, str) else ""


def plain_text(value: Any) -> str:
    """The same without markup: shops keep names of products as HTML."""
    return text_of(html.unescape(_TAG.sub("", text_of(value, limit=2_000))))


def data_of(value: Any) -> Data:
    return value if isinstance(value, Mapping) else {}


def list_of(value: Any) -> list[Data]:
    return [each for each in value if isinstance(each, Mapping)] if isinstance(value, list) else []


def count_of(value: Any) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int) or abs(value) >= 10**15:
        return None
    return value


def amount_of(value: Any) -> Decimal:
    """An amount as shops write it, "19.99"; 0 for what is none."""
    try:
        amount = Decimal(value) if isinstance(value, str) and len(value) < 40 else Decimal(0)
    except InvalidOperation:
        return Decimal(0)
    return amount if amount.is_finite() and abs(amount) < 10**15 else Decimal(0)


def web_address(value: Any) -> str:
    """An absolute web address of at most 2,000 letters; "" for anything else."""
    text = value.strip() if isinstance(value, str) else ""
    usable = text.startswith(("https://", "http://")) and len(text) <= 2_000
    return text if usable and not re.search(r"\s", text) else ""


def filled(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """Only what says something: an empty text would take a value away."""
    return {name: value for name, value in pairs if value not in (None, "", [])}


def _usable(item: Item, kind: str, value: str, country: str) -> str:
    if not value:
        return ""
    try:
        return clean_phone(value, country)[0] if kind == "phone" else clean_email(value)
    except ValueError:
        words = "number" if kind == "phone" else "e-mail address"
        item.notes.append(f"The {words} is none that can be used; it was left out.")
        return ""


def _is_country(value: Any) -> bool:
    return isinstance(value, str) and re.fullmatch(r"[A-Za-z]{2}", value) is not None
