"""Which replies a text asks for: "Reply SIZE or SHIPPING" asks for SIZE and SHIPPING.

A text must not ask for a reply that nothing handles, so this errs on the side of finding one.
Keywords that every sender handles by law (STOP, HELP and their kin) are not counted.
"""

from __future__ import annotations

import re

RESERVED = frozenset(
    [
        "STOP",
        "STOPALL",
        "UNSUBSCRIBE",
        "CANCEL",
        "END",
        "QUIT",
        "REVOKE",
        "OPTOUT",
        "START",
        "UNSTOP",
        "HELP",
        "INFO",
    ]
)
_NO_KEYWORDS = frozenset(
    [
        "A",
        "ABOUT",
        "AGAIN",
        "ALL",
        "AN",
        "AND",
        "ANY",
        "ANYTIME",
        "AS",
        "ASAP",
        "AT",
        "BACK",
        "BEFORE",
        "BELOW",
        "BY",
        "DIRECTLY",
        "FAST",
        "FOR",
        "FROM",
        "HERE",
        "IF",
        "IN",
        "IT",
        "JUST",
        "LATER",
        "ME",
        "NOW",
        "OF",
        "ON",
        "OR",
        "OUR",
        "PLEASE",
        "RIGHT",
        "SOON",
        "STRAIGHT",
        "TEXT",
        "THAT",
        "THE",
        "THEN",
        "THIS",
        "TIME",
        "TO",
        "TODAY",
        "TOMORROW",
        "TONIGHT",
        "US",
        "WHEN",
        "WHENEVER",
        "WITH",
        "WITHIN",
        "WORD",
        "YOU",
        "YOUR",
    ]
)
_FIELD = re.compile(r"\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}|(?<!\\)\[[^\[\]]*\]", re.S)
_URL = re.compile(r"https?://\S+")
_ASK = re.compile(
    r"(?P<noun>\b(?:your|our|a|an|the|any|every|each|no|this|my|first|last)\s+)?"
    r"\b(?P<verb>reply|respond|answer|text|txt|sms|send|message|write)\b"
    r"(?:\s+(?:us|me|back|again|now|here|just|please|either|directly)\b)*"
    r"(?:\s+with\b)?(?:\s+(?:either|the\s+(?:word|keyword|letter|number)|just)\b)*\s*:?\s*",
    re.I,
)
_QUOTES = "'\"\u2018\u2019\u201c\u201d\u00ab\u00bb"
_KEYWORD = re.compile(
    rf"(?P<open>[{_QUOTES}])?(?P<word>[A-Za-z0-9][A-Za-z0-9-]{{0,19}})(?P<close>[{_QUOTES}])?"
)
_AND = re.compile(
    r"(?:\s*[,;/|&]\s*(?:or\b|and\b)?|\s+(?:or|and)\b|\s*\n)\s*(?:reply\s+|text\s+)?", re.I
)
_WHY = re.compile(
    r"\s*(?:=|-|:|\(|\bfor\b|\bto\b|\bif\b)\s*[^.!?\n,;/|]{1,60}?(?=\s*[,;/|\n)]|\s+(?:or|and)\s)\)?",
    re.I,
)
_OTHER_NUMBER = re.compile(r"\s*to\s+\+?\d{4,}")
_CERTAIN = re.compile(r"\s*(?:$|[.!?,;/|)\n]|(?:or|and|to|for|if)\b)", re.I)


def asked_replies(body: str) -> set[str]:
    """The keywords, in capitals, that the words of a template (or a finished text) ask for."""
    text = _URL.sub(".", _FIELD.sub(".", body))
    asked: set[str] = set()
    for ask in _ASK.finditer(text):
        asked |= _keywords_at(text, ask.end(), ask)
    return asked - RESERVED


def _keywords_at(text: str, at: int, ask: re.Match[str]) -> set[str]:
    found: set[str] = set()
    shouting = ask["verb"].isupper()
    plain_allowed = ask["verb"].lower() in ("reply", "respond") and ask["noun"] is None
    cautious = False
    while (match := _KEYWORD.match(text, at)) is not None:
        word = match["word"]
        certain = _CERTAIN.match(text, match.end()) is not None
        quoted = match["open"] is not None and match["close"] is not None
        shouted = word == word.upper() and not (cautious and not certain)
        letter = len(word) == 1 and shouted and not shouting
        if word.upper() in _NO_KEYWORDS and not (quoted or letter):
            return found
        if not (quoted or shouted or (plain_allowed and certain)):
            return found
        if _OTHER_NUMBER.match(text, match.end()):
            return found
        found.add(word.upper())
        more = _AND.match(text, match.end())
        if more is None and (why := _WHY.match(text, match.end())) is not None:
            more = _AND.match(text, why.end())
        if more is None:
            return found
        # "Reply QUIZ and SAVE 10%": after "and" a shouted word may be only loud.
        cautious = "and" in more[0].lower()
        at = more.end()
    return found
