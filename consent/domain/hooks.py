"""What consent has to ask the floors above it. They register in AppConfig.ready."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Protocol

from consent.domain.opt_ins import OptIn, record_opt_ins
from consent.domain.opt_outs import OptOut, record_opt_outs

# Who else listens for a word: answers a sentence when the word is taken, else "".
KeywordClaim = Callable[[str], str]
# The number people text to, E.164, or "" while the workspace has no sender.
NumberSource = Callable[[], str]


class OptInAct(Protocol):
    def __call__(self, wish: OptIn, *, now: datetime, wall: datetime) -> str: ...


class OptOutAct(Protocol):
    def __call__(self, stop: OptOut, *, now: datetime) -> None: ...


class OptOutsAct(Protocol):
    def __call__(
        self, stops: Sequence[OptOut], *, lane: str, history: bool, now: datetime
    ) -> None: ...


_claims: dict[str, KeywordClaim] = {}
_numbers: dict[str, NumberSource] = {}
_opt_ins: dict[str, OptInAct] = {}
_opt_outs: dict[str, OptOutAct] = {}
_sets_of_opt_outs: dict[str, OptOutsAct] = {}


def register_keyword_claim(name: str, claim: KeywordClaim) -> None:
    _claims[name] = claim


def register_number_source(name: str, source: NumberSource) -> None:
    _numbers[name] = source


def register_acts(name: str, *, opt_in: OptInAct, opt_out: OptOutAct, opt_outs: OptOutsAct) -> None:
    """Whoever texts: an opt-in is welcomed or asked to confirm, an opt-out cancels what is queued."""
    _opt_ins[name] = opt_in
    _opt_outs[name] = opt_out
    _sets_of_opt_outs[name] = opt_outs


def opt_in(wish: OptIn, *, now: datetime, wall: datetime) -> str:
    """An opt-in that just happened, with the text that follows from it. Returns the code of its
    `OptInResult`. Raises `Invalid`."""
    for act in _opt_ins.values():
        return act(wish, now=now, wall=wall)
    return record_opt_ins([wish], now=now)[0].code


def opt_out(stop: OptOut, *, now: datetime) -> None:
    """An opt-out that just happened: it holds before anything queued can go. Raises `Invalid`."""
    for act in _opt_outs.values():
        return act(stop, now=now)
    record_opt_outs([stop], now=now)


def opt_outs(
    stops: Sequence[OptOut], *, lane: str = "live", history: bool = False, now: datetime
) -> None:
    """Opt-outs that were written down elsewhere: in force at once as well, and nobody is told by
    text. In a number of queries that does not depend on how many. Raises `Invalid`."""
    for act in _sets_of_opt_outs.values():
        return act(stops, lane=lane, history=history, now=now)
    record_opt_outs(stops, now=now, lane=lane, history=history)


def claimed_by(word: str) -> str:
    """Why a word cannot be an opt-in keyword, in a sentence; "" when nobody uses it."""
    return next((said for claim in _claims.values() if (said := claim(word))), "")


def number_to_text() -> str:
    """The number people text a keyword to; "" while there is none."""
    return next((number for source in _numbers.values() if (number := source())), "")
