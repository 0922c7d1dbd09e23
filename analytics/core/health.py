"""How a client is, in words. Pure: facts in, problems out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

# Of delivered texts in seven days. Below this many a single STOP would already be an alarm.
OPT_OUTS_MATTER_FROM = 50
OPT_OUTS_HIGH = 0.015
OPT_OUTS_TOO_HIGH = 0.03
SILENT_AFTER = timedelta(days=2)
# One text in ten that should have arrived and did not.
FAILING_SHARE = 0.1
FAILING_MATTERS_FROM = 10
# A reply of the last hours is the client's day; one that waits longer is worth a word.
REPLY_MATTERS_AFTER = timedelta(hours=4)
REPLY_TOO_LATE_AFTER = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Problem:
    """One line. `tone`: stop (red) or wait (amber). `path`: below the workspace's address, or "";
    `needs`: the permission it takes to go there."""

    code: str
    title: str
    detail: str
    tone: str
    path: str = ""
    needs: str = "view"

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class ClientFacts:
    """What a client's health is judged by; `delivered` and `opt_outs` of seven days."""

    delivered: int
    opt_outs: int
    last_event_at: datetime | None
    senders: int
    flows_live: int
    paused_flows: Sequence[str]


def judge(facts: ClientFacts, others: Sequence[Problem], *, now: datetime) -> list[Problem]:
    """Every problem, the worst first; `others` are those that the workspace's own Home names."""
    found = [*others, *_opt_outs(facts), *_silence(facts, now), *_standing(facts)]
    return sorted(found, key=lambda problem: problem.tone != "stop")


def failing_tone(count: int, sent: int) -> str:
    """How bad it is that `count` texts did not go as meant, beside `sent` that went."""
    too_many = count >= FAILING_MATTERS_FROM and count >= FAILING_SHARE * (sent + count)
    return "stop" if too_many else "wait"


def waiting_tone(waited: timedelta) -> str:
    """How bad it is that a reply has waited so long; "" while it is nobody else's business."""
    if waited < REPLY_MATTERS_AFTER:
        return ""
    return "stop" if waited >= REPLY_TOO_LATE_AFTER else "wait"


def _opt_outs(facts: ClientFacts) -> list[Problem]:
    if facts.delivered < OPT_OUTS_MATTER_FROM:
        return []
    share = facts.opt_outs / facts.delivered
    if share < OPT_OUTS_HIGH:
        return []
    tone = "stop" if share >= OPT_OUTS_TOO_HIGH else "wait"
    limit = OPT_OUTS_TOO_HIGH if tone == "stop" else OPT_OUTS_HIGH
    detail = (
        f"{facts.opt_outs:,} of {facts.delivered:,} delivered in 7 days; {limit:.1%} is the mark"
    )
    return [Problem("opt_out_rate", f"Opt-out rate {share:.1%}", detail, tone)]


def _silence(facts: ClientFacts, now: datetime) -> list[Problem]:
    if facts.last_event_at is None:
        detail = "Nothing starts until the shop sends its first event"
        return [
            Problem("no_event_yet", "No event yet", detail, "wait", "settings/keys/", "manage_keys")
        ]
    silent = now - facts.last_event_at
    if silent < SILENT_AFTER:
        return []
    detail = "The shop has sent nothing since: its connection may be broken"
    return [Problem("silent", f"No event for {silent.days} days", detail, "wait")]


def _standing(facts: ClientFacts) -> list[Problem]:
    found = []
    if not facts.senders:
        detail = "There is no number or messaging service to send from"
        found.append(
            Problem(
                "not_connected", "Sending is not connected", detail, "wait", "settings/sending/"
            )
        )
    if facts.paused_flows:
        count = len(facts.paused_flows)
        title = f"{count} flow{'s are' if count > 1 else ' is'} paused"
        detail = ", ".join(facts.paused_flows[:3]) + (" and others" if count > 3 else "")
        found.append(Problem("flows_paused", title, detail, "wait", "flows/"))
    if not facts.flows_live and not facts.paused_flows:
        detail = "Drafts send nothing until somebody publishes them"
        found.append(Problem("no_flow_live", "No flow is live", detail, "wait", "flows/"))
    return found
