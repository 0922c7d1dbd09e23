"""Bodies of events for people who may not see whole numbers and addresses. Pure."""

from __future__ import annotations

import re
from typing import Any

HIDDEN = "••••"
_PERSONAL = re.compile(
    r"phone|mobile|e-?mail|first_?name|last_?name|full_?name|given_?name|family_?name|address|street|"
    r"postal|zip|birth|user_?id|external_?id|anonymous_?id|previous_?id|previousid|^ip$|^to$|^from$",
    re.IGNORECASE,
).search
# Links are told by their address, names of products by theirs: these keys are about things.
_ABOUT_THINGS = re.compile(r"^(web_?address|.*_url|url)$", re.IGNORECASE).match
_EMAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_NUMBER = re.compile(r"(?<![\w.])\+?\(?\d(?:[ ().-]{0,2}\d){8,14}(?![\w.])")


def mask_body(value: Any) -> Any:
    """The same JSON with what is personal hidden but for its last four letters: by the name of the
    property, and wherever a text holds an e-mail address or a phone number."""
    if isinstance(value, dict):
        return {
            mask_text(str(key)): _hidden(each)
            if _PERSONAL(str(key)) and not _ABOUT_THINGS(str(key))
            else mask_body(each)
            for key, each in value.items()
        }
    if isinstance(value, list):
        return [mask_body(each) for each in value]
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) >= 10**9:
        return tail_of(str(value))  # a phone number may be written without its +
    return mask_text(value) if isinstance(value, str) else value


def mask_text(text: str) -> str:
    """A text without its e-mail addresses and phone numbers."""
    without = _EMAIL.sub(lambda found: tail_of(found[0]), text)
    return _NUMBER.sub(lambda found: tail_of(found[0]), without)


def tail_of(text: str) -> str:
    """All but the last four letters hidden; nothing is left of a short text."""
    return f"{HIDDEN} {text[-4:]}" if len(text) > 8 else HIDDEN


def _hidden(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _hidden(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_hidden(each) for each in value]
    if isinstance(value, bool) or value is None:
        return value
    return tail_of(str(value))
