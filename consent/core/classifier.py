"""What a reply means for consent. Rules only, in tiers; the first that fits decides.

Missing an opt-out costs the tenant a lawsuit, inventing one costs a subscriber; between the two
lies `review`, which pauses marketing to the contact until a person has read the reply.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from consent.core import keywords, phrases
from consent.core.normalizing import normalize

Kind = Literal["opt_out", "opt_in", "help", "review", "wrong_number", "none"]

_LONGEST_OPENING = 4  # words of a message whose first word alone decides
_LONG_DRAWN_STOP = re.compile(r"s+t+o+p+")
_PROVIDER: dict[str, Kind] = {"STOP": "opt_out", "START": "opt_in", "HELP": "help"}


@dataclass(frozen=True, slots=True)
class Classification:
    """`keyword` is the word or phrase that matched, normalized; `rule` says which tier did."""

    kind: Kind
    keyword: str = ""
    rule: str = "none"

    @property
    def opt_in_source(self) -> str:
        """How the ledger calls this opt-in: "start" only takes an earlier STOP back."""
        if self.rule == "confirmation":
            return "confirmation"
        return "start" if self.keyword in keywords.TAKES_STOP_BACK else "keyword"


def classify(
    body: str,
    *,
    opt_out_type: str | None = None,
    double_opt_in_pending: bool = False,
    open_question: bool = False,
    own_keywords: frozenset[str] = frozenset(),
) -> Classification:
    """Judge one inbound text.

    `opt_out_type` is Twilio's own verdict (STOP, START or HELP) and wins.
    `double_opt_in_pending`: only then does a bare YES subscribe.
    `open_question`: a flow waits for this contact's answer; "stop" inside a longer sentence is
    then never taken for an opt-out by its first word, a person decides.
    `own_keywords`: words, normalized, that subscribe in this workspace beside JOIN and its kin.
    """
    if opt_out_type and (kind := _PROVIDER.get(opt_out_type.upper())):
        return Classification(kind, normalize(body), f"provider:{opt_out_type.upper()}")
    return _classify(normalize(body), double_opt_in_pending, open_question, own_keywords)


@lru_cache(maxsize=4096)
def _classify(
    text: str, double_opt_in_pending: bool, open_question: bool, own: frozenset[str]
) -> Classification:
    if not text:
        return Classification("none")
    if found := _keyword(text, "keyword", double_opt_in_pending, own):
        return found
    words = text.split()
    core = " ".join(word for word in words if word not in keywords.FILLERS)
    repeated = words[0] if len(set(words)) == 1 else ""
    for shorter in dict.fromkeys((core, repeated)):
        # "yes please" answers a question; with fillers only the unmistakable words count.
        if shorter in keywords.CONFIRMATIONS:
            continue
        if found := _keyword(shorter, "keyword_polite", double_opt_in_pending, own):
            return found
    if _LONG_DRAWN_STOP.fullmatch(core):
        return Classification("opt_out", "stop", "keyword_long_drawn")

    read = phrases.HARMLESS.sub(" _ ", text)
    if match := phrases.WRONG_NUMBER.search(read):
        return Classification("wrong_number", match[0].strip(), "phrase:wrong_number")
    for name, pattern in phrases.OPT_OUT:
        if match := pattern.search(read):
            return Classification("opt_out", match[0].strip(), f"phrase:{name}")
    opens = words[0] in keywords.OPENERS and read.startswith(words[0])
    if opens and len(words) <= _LONGEST_OPENING and not open_question:
        return Classification("opt_out", words[0], "first_word")
    if core in keywords.TYPOS or text in keywords.TYPOS:
        return Classification("opt_out", core, "typo")
    for name, pattern in phrases.REVIEW:
        if match := pattern.search(read):
            return Classification("review", match[0].strip(), f"review:{name}")
    return Classification("none")


def _keyword(
    text: str, rule: str, double_opt_in_pending: bool, own: frozenset[str]
) -> Classification | None:
    if text in keywords.OPT_OUT:
        return Classification("opt_out", text, rule)
    if text in keywords.HELP:
        return Classification("help", text, rule)
    if text in keywords.OPT_IN or text in own:
        return Classification("opt_in", text, rule)
    if double_opt_in_pending and text in keywords.CONFIRMATIONS:
        return Classification("opt_in", text, "confirmation")
    return None
