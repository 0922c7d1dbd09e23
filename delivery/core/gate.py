"""May this text go, now? The ordered checks, pure and over whole sets.

The order is fixed: the first check that fails is THE reason. Quiet hours come before caps, because
a text that waits is checked anew from the start when its time has come.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from delivery.core import checks
from delivery.core.cases import Case, Finding, Taken
from delivery.core.facts import Facts, GateIntent, SenderView, TextView, choose_sender
from delivery.core.intents import CHECK_NAMES, Check
from delivery.core.reasons import Reason

Render = Callable[[Sequence[GateIntent]], Mapping[str, TextView]]

# What can have changed between the decision and the POST. The words are written and the slot is
# reserved by then.
RECHECKED = frozenset(
    {"workspace", "contact", "consent", "suppression", "flow", "conditions", "quiet_hours"}
)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the gate says about one intent.

    `status`: queued, scheduled (until `due_at`) or skipped. `sender`, `phone`, `text` are set as
    far as the checks came. `takes_slot`: the text counts against the frequency cap.
    """

    key: str
    message_id: UUID
    status: str
    reason: str
    due_at: datetime | None
    checks: tuple[Check, ...]
    phone: str = ""
    sender: SenderView | None = None
    text: TextView | None = None
    window_ends_at: datetime | None = None
    takes_slot: bool = False


def gate(
    intents: Sequence[GateIntent],
    facts: Facts,
    *,
    now: datetime,
    render: Render | None,
    only: frozenset[str] | None = None,
) -> dict[str, Verdict]:
    """The verdict for each intent by its key.

    `render` writes the texts of those that come so far, once for the whole set; None leaves the
    words alone. `only` names the checks to run (all by default). Within the set more important
    texts go first, then older ones.
    """
    cases = [Case(item) for item in intents]
    wanted = [name for name in CHECK_NAMES if only is None or name in only]
    before = [name for name in wanted if name in checks.ALONE]
    after = [name for name in wanted if name not in checks.ALONE and name != "render"]
    for case in cases:
        case.sender = choose_sender(facts, case.gate)
        _run(case, before, facts, now, None)
    if render is not None and "render" in wanted:
        _write(cases, facts, now, render)
    taken = Taken()
    for case in sorted(cases, key=_rank):
        _run(case, after, facts, now, taken)
        if case.stopped is None and only is None:
            _take(case, facts, now, taken)
    return {case.gate.key: _verdict(case, now) for case in cases}


def _rank(case: Case) -> tuple[int, datetime, str]:
    return (-case.gate.intent.priority, case.gate.created_at, case.gate.key)


def _run(
    case: Case, names: Sequence[str], facts: Facts, now: datetime, taken: Taken | None
) -> None:
    for name in names:
        if case.stopped is not None:
            return
        _note(case, name, checks.RULES[name](case, facts, now, taken))


def _write(cases: Sequence[Case], facts: Facts, now: datetime, render: Render) -> None:
    open_cases = [case for case in cases if case.stopped is None]
    texts = render([case.gate for case in open_cases])
    for case in open_cases:
        case.text = texts[case.gate.key]
        _note(case, "render", checks.check_render(case))


def _note(case: Case, name: str, finding: Finding) -> None:
    passed = not finding.reason
    case.done.append(Check(name, passed, finding.text, finding.detail))
    if not passed:
        case.stopped = finding


def _take(case: Case, facts: Facts, now: datetime, taken: Taken) -> None:
    intent = case.gate.intent
    taken.keys.add(case.gate.key)
    if case.sender is not None and case.text is not None:
        held = taken.segments.get(case.sender.id, 0.0)
        taken.segments[case.sender.id] = held + case.text.num_segments
    if checks.counts(intent, case.gate, now) and intent.contact_id is not None:
        slot = checks.slot_of(case.gate, at=now)
        taken.slots.setdefault(intent.contact_id, []).append(slot)


def _verdict(case: Case, now: datetime) -> Verdict:
    status, reason, due_at = "queued", "", None
    if case.stopped is not None:
        status, reason, due_at = _outcome(case.gate, case.stopped, now)
    return Verdict(
        key=case.gate.key,
        message_id=case.gate.message_id,
        status=status,
        reason=reason,
        due_at=due_at,
        checks=tuple(case.done),
        phone=case.phone,
        sender=case.sender,
        text=case.text,
        window_ends_at=case.window_ends_at,
        takes_slot=status == "queued" and checks.counts(case.gate.intent, case.gate, now),
    )


def _outcome(item: GateIntent, finding: Finding, now: datetime) -> tuple[str, str, datetime | None]:
    """Waiting is possible only while the text would still be fresh then."""
    if finding.until is None:
        return "skipped", finding.reason, None
    if finding.earliest is not None and finding.earliest < item.expires_at <= finding.until:
        return "scheduled", finding.reason, finding.earliest
    if finding.until >= item.expires_at:
        late = finding.reason if finding.reason == Reason.FREQUENCY_CAP else Reason.EXPIRED
        return "skipped", late, None
    return "scheduled", finding.reason, finding.until


def explain(verdict_checks: Sequence[Mapping[str, Any]]) -> list[Check]:
    """All checks in order for a page: those stored, then those never reached."""
    stored = {str(item["name"]): item for item in verdict_checks}
    rows = []
    for name in CHECK_NAMES:
        held = stored.get(name)
        if held is None:
            rows.append(Check(name, None, "Not reached"))
        else:
            rows.append(Check(name, held["ok"], str(held["text"]), dict(held["detail"])))
    return rows
