"""What consent has to ask the floors above it. They register in AppConfig.ready."""

from __future__ import annotations

from collections.abc import Callable

# Who else listens for a word: answers a sentence when the word is taken, else "".
KeywordClaim = Callable[[str], str]
# The number people text to, E.164, or "" while the workspace has no sender.
NumberSource = Callable[[], str]

_claims: dict[str, KeywordClaim] = {}
_numbers: dict[str, NumberSource] = {}


def register_keyword_claim(name: str, claim: KeywordClaim) -> None:
    _claims[name] = claim


def register_number_source(name: str, source: NumberSource) -> None:
    _numbers[name] = source


def claimed_by(word: str) -> str:
    """Why a word cannot be an opt-in keyword, in a sentence; "" when nobody uses it."""
    return next((said for claim in _claims.values() if (said := claim(word))), "")


def number_to_text() -> str:
    """The number people text a keyword to; "" while there is none."""
    return next((number for source in _numbers.values() if (number := source())), "")
