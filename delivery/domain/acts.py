"""Opt-ins and opt-outs that floors beside this one hear of: what follows by text comes from here."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from consent.domain.opt_ins import OptIn
from consent.domain.opt_outs import OptOut
from delivery.domain.opting_in import opt_in
from delivery.domain.opting_out import opt_out, take_opt_outs


def opt_in_with_text(wish: OptIn, *, now: datetime, wall: datetime) -> str:
    """See `opt_in`; whoever tells us vouches for the person. Returns the result's code."""
    return opt_in(wish, knows_contact=True, now=now, wall=wall).code


def opt_out_with_text(stop: OptOut, *, now: datetime) -> None:
    """See `opt_out`."""
    opt_out(stop, now=now)


def opt_outs_without_text(
    stops: Sequence[OptOut], *, lane: str, history: bool, now: datetime
) -> None:
    """See `take_opt_outs`."""
    take_opt_outs(stops, lane=lane, history=history, now=now)
