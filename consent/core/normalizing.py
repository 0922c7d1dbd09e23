"""One text form for everything that is compared: replies and the keyword lists alike."""

from __future__ import annotations

import unicodedata
from functools import lru_cache

_APOSTROPHES = dict.fromkeys(map(ord, "'`\u00b4\u2018\u2019\u201b\u02bc\u2032\uff07"))
_VARIATION_SELECTORS = range(0xFE00, 0xFE10)


@lru_cache(maxsize=2048)
def normalize(text: str) -> str:
    """Lower case, no punctuation, no emoji, no Latin accents, single spaces.

    Spaced letters are joined: "S.T.O.P" becomes "stop". Marks of other scripts stay, because
    Thai and Hindi words are different words without them.
    """
    folded = unicodedata.normalize("NFKC", text).casefold().translate(_APOSTROPHES)
    kept: list[str] = []
    after_latin = False
    for char in unicodedata.normalize("NFD", folded):
        category = unicodedata.category(char)
        if category == "Cf" or ord(char) in _VARIATION_SELECTORS:
            continue
        if category[0] == "M":
            if not after_latin:
                kept.append(char)
            continue
        after_latin = category[0] == "L" and char.isascii()
        kept.append(char if category[0] in "LN" else " ")
    return _join_spaced_letters(unicodedata.normalize("NFC", "".join(kept)).split())


def _join_spaced_letters(words: list[str]) -> str:
    joined: list[str] = []
    run: list[str] = []
    for word in [*words, ""]:
        if len(word) == 1 and word.isalpha() and word.isascii():
            run.append(word)
            continue
        joined += ["".join(run)] if len(run) > 2 else run
        run = []
        if word:
            joined.append(word)
    return " ".join(joined)
