"""Events, entries and endings in plain words, as a timeline shows them. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from events.core import names

ICONS = {
    names.PRODUCT_VIEWED: "eye",
    names.PRODUCT_ADDED: "shopping-cart",
    names.PRODUCT_REMOVED: "shopping-cart",
    names.CART_VIEWED: "shopping-cart",
    names.CHECKOUT_STARTED: "shopping-cart",
    names.ORDER_COMPLETED: "shopping-bag",
    names.ORDER_REFUNDED: "undo-2",
    names.BACK_IN_STOCK_REQUESTED: "bell",
    names.PRODUCT_INVENTORY_CHANGED: "package",
    names.LOYALTY_BALANCE_CHANGED: "gift",
    names.PAGE_VIEWED: "file-text",
    names.SMS_LINK_CLICKED: "mouse-pointer-click",
    names.SMS_REPLIED: "reply",
    names.SMS_SUBSCRIBED: "circle-check",
    names.SMS_UNSUBSCRIBED: "octagon-x",
    names.SEGMENT_ENTERED: "funnel",
    names.SEGMENT_LEFT: "funnel",
    names.CONTACT_CHANGED: "user-pen",
    names.IDENTIFIED: "user-check",
    names.IDENTITY_CONFLICT: "user-x",
    names.CONTACT_MERGED: "merge",
    names.CONTACT_UNMERGED: "split",
}
TONES = {
    names.SMS_REPLIED: "event",
    names.SMS_SUBSCRIBED: "good",
    names.SMS_UNSUBSCRIBED: "stop",
    names.ORDER_COMPLETED: "good",
}
# Told by the message itself, so not a second time by its events.
TOLD_BY_MESSAGE = (names.SMS_SENT, names.SMS_DELIVERED, names.SMS_FAILED, names.SMS_SKIPPED)
# Where somebody said yes or no, as the ledger names it.
SOURCE_WORDS = {
    "keyword": "by text",
    "free_text": "by text",
    "start": "by text",
    "confirmation": "by text",
    "wrong_number": "by text: wrong number",
    "provider": "at the carrier",
    "web_form": "on a sign-up form",
    "preference_center": "on the preferences page",
    "api": "API",
    "import": "from a list",
    "agent": "by hand",
    "complaint": "complaint",
    "review": "reply review",
    "system": "by itself",
}
_ENDINGS = {
    "completed": "Finished",
    "replaced": "Replaced by a newer run",
    "unsubscribed": "unsubscribed",
    "archived": "the flow was archived",
    "loop": "it went round in circles",
    "step_gone": "its step is gone",
    "exit_step": "an exit step",
    "out_of_stock": "the product sold out again",
    "merged": "the other contact was in it already",
    "paused_too_long": "its time passed while the flow was paused",
}


@dataclass(frozen=True, slots=True)
class Told:
    """`quote`: words somebody wrote. `tone` and `icon` are the kit's."""

    title: str
    sub: str
    icon: str
    tone: str
    quote: str = ""


def tell_event(name: str, properties: Mapping[str, Any], *, personal: bool = True) -> Told:
    """One event as a line: its canonical name, and the few properties people look for.

    `personal` False hides numbers and e-mail addresses.
    """
    icon, tone = ICONS.get(name, "zap"), TONES.get(name, "event")
    if name == names.SMS_LINK_CLICKED:
        return Told("Link clicked · person", _link_words(properties), icon, tone)
    if name == names.SMS_REPLIED:
        keyword = str(properties.get("keyword") or "")
        sub = f"Keyword {keyword}" if keyword else ""
        return Told("Replied", sub, icon, tone, quote=str(properties.get("body") or ""))
    if name == names.SMS_UNSUBSCRIBED:
        return Told("Unsubscribed", _source_words(properties), icon, tone, quote=_said(properties))
    if name == names.SMS_SUBSCRIBED:
        return Told("Subscribed", _source_words(properties), icon, tone, quote=_said(properties))
    if name in (names.SEGMENT_ENTERED, names.SEGMENT_LEFT):
        segment = properties.get("segment_name") or properties.get("segment") or ""
        return Told(name, str(segment), icon, "")
    if name == names.IDENTIFIED:
        return Told(name, "", icon, "")
    if name == names.IDENTITY_CONFLICT:
        return Told("Identifier not taken over", _conflict_words(properties), icon, "wait")
    if name == names.CONTACT_MERGED:
        stitched = properties.get("kind") == "stitched"
        title = "Earlier visits joined" if stitched else "Merged with another contact"
        return Told(title, "Recognized by the device" if stitched else "", icon, "")
    if name == names.CONTACT_UNMERGED:
        return Told("Merge undone", "", icon, "")
    if name == names.CONTACT_CHANGED:
        return Told("Contact changed", _change_words(properties, personal), icon, "")
    return Told(name, property_words(name, properties), icon, tone)


def property_words(name: str, properties: Mapping[str, Any]) -> str:
    """`Ridge mug · $24`, `Balance $15, before $5`: what an event is about."""
    currency = str(properties.get("currency") or "")
    if "balance" in properties:
        before = properties.get("previous_balance")
        was = f", before {amount_words(before, currency)}" if before is not None else ""
        return f"Balance {amount_words(properties['balance'], currency)}{was}"
    said = []
    for key in ("name", "product_name", "title"):
        if properties.get(key):
            said.append(str(properties[key]))
            break
    products = properties.get("products")
    if not said and isinstance(products, list) and products and isinstance(products[0], Mapping):
        first = str(products[0].get("name") or products[0].get("product_id") or "")
        more = f" and {len(products) - 1} more" if len(products) > 1 else ""
        said += [f"{first}{more}"] if first else []
    for key in ("total", "value", "revenue", "price"):
        if isinstance(properties.get(key), int | float):
            said.append(amount_words(properties[key], currency))
            break
    for key, word in (("order_id", "order"), ("cart_id", "cart"), ("path", ""), ("url", "")):
        if properties.get(key) and (word or not said):
            named = str(properties[key])
            said.append(named if named.lower().startswith(word) else f"{word} {named}".strip())
            break
    if "stock" in properties or "inventory" in properties:
        left = properties.get("stock", properties.get("inventory"))
        said.append(f"{left} in stock")
    return " · ".join(said)


def amount_words(amount: Any, currency: str) -> str:
    """`$48.50` for dollars, `48.50 EUR` for the rest; what is no number as it is."""
    if not isinstance(amount, int | float) or isinstance(amount, bool):
        return str(amount)
    said = f"{amount:,.0f}" if amount == int(amount) else f"{amount:,.2f}"
    return f"${said}" if currency in {"USD", ""} else f"{said} {currency}"


def entry_words(entered: bool, reason: str, detail: Mapping[str, Any], flow: str) -> str:
    """`Entered Loyalty nudge`, or `Not entered: the balance did not cross $10, it was $15`."""
    if entered:
        return f"Entered {flow}"
    why = str(detail.get("text") or reason.replace("_", " "))
    return f"Not entered: {why}"


def ending_words(exit_reason: str, flow: str) -> str:
    """`Left Cart recovery: ordered`, `Finished Cart recovery`."""
    kind, _, event = exit_reason.partition(":")
    if kind in {"exit", "goal"} and event:
        return f"Left {flow}: {'ordered' if event == names.ORDER_COMPLETED else event}"
    if kind == "completed":
        return f"Finished {flow}"
    return f"Left {flow}: {_ENDINGS.get(exit_reason, exit_reason.replace('_', ' '))}"


def _link_words(properties: Mapping[str, Any]) -> str:
    url = str(properties.get("url") or properties.get("link") or "")
    parts = urlsplit(url)
    place = f"{parts.netloc}{parts.path}" if parts.netloc else url
    utm = [pair for pair in parts.query.split("&") if pair.startswith("utm_")]
    return " · ".join([place, *utm]) if place else str(properties.get("label") or "")


def _source_words(properties: Mapping[str, Any]) -> str:
    """Where it was said, and the word or rule that decided: `By text \N{MIDDLE DOT} STOP`."""
    source = str(properties.get("source") or "")
    where = SOURCE_WORDS.get(source, source.replace("_", " "))
    rule = str(properties.get("keyword") or properties.get("rule") or "")
    return " · ".join(part for part in (where[:1].upper() + where[1:], rule) if part)


def _conflict_words(properties: Mapping[str, Any]) -> str:
    """Which identifier, and why it stayed where it is. It does not say whose it is: that stands in
    the event for programs."""
    kind = str(properties.get("identifier") or "identifier").replace("_", " ")
    if properties.get("belongs_to"):
        return f"This {kind} belongs to another contact. Nothing was merged."
    return f"The contact has as many of this kind as it may: {kind}."


def _said(properties: Mapping[str, Any]) -> str:
    return str(properties.get("body") or properties.get("text") or "")


def _change_words(properties: Mapping[str, Any], personal: bool) -> str:
    changed = properties.get("changes")
    old, new = properties.get("old"), properties.get("new")
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        changed = [{"name": key, "old": old.get(key), "new": new[key]} for key in new]
    if isinstance(changed, list):
        parts = [_one_change(one, personal) for one in changed if isinstance(one, Mapping)]
        return ", ".join(parts[:4]) + (" …" if len(parts) > 4 else "")
    return _one_change(properties, personal)


def _one_change(change: Mapping[str, Any], personal: bool) -> str:
    name = str(change.get("attribute") or change.get("field") or change.get("name") or "")
    old, new = change.get("old"), change.get("new")
    readable = name.replace("_", " ").capitalize()
    if name.endswith(("phone", "email")) and not personal:
        return f"{readable} changed"
    if new in (None, ""):
        return f"{readable} removed: {old}"
    return f"{readable}: {new}" if old in (None, "") else f"{readable}: {old} to {new}"
