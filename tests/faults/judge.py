"""What must be true after a run, read from the database and from the carrier's own journal."""

from __future__ import annotations

import json
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from tests.faults.plan import Plan, balance_minor, cart_minor, order_minor
from tests.faults.stack import Stack

# What would still move by itself.
UNSETTLED = {
    "batches": "SELECT count(*) FROM events_eventbatch WHERE state = 'pending'",
    "runs": "SELECT count(*) FROM triggers_flowrun WHERE ended_at IS NULL",
    "messages": "SELECT count(*) FROM delivery_message"
    " WHERE status IN ('scheduled', 'queued', 'sending')",
    "callbacks": "SELECT count(*) FROM delivery_pendingcallback",
}
# A text may end in these without having been sent, and only with a reason.
EXPLAINED = {"skipped", "failed", "undelivered", "canceled"}


@dataclass
class Verdict:
    """`faults` is empty when every promise was kept; `figures` are for people."""

    faults: list[str] = field(default_factory=list)
    figures: dict[str, Any] = field(default_factory=dict)

    def expect(self, what: str, got: object, wanted: object) -> None:
        if got != wanted:
            self.faults.append(f"{what}: {got!r}, not {wanted!r}")


def wait_until_settled(stack: Stack, seconds: float) -> dict[str, int]:
    """Waits until nothing is open for good; what is still open, by kind."""
    end = time.monotonic() + seconds
    calm = 0
    while True:
        open_ = {name: stack.ask(statement)[0][0] for name, statement in UNSETTLED.items()}
        calm = 0 if any(open_.values()) else calm + 1
        if calm == 3 or time.monotonic() > end:
            return {name: count for name, count in open_.items() if count}
        time.sleep(0.5)


def judge(stack: Stack, plan: Plan, said_accepted: Counter[str]) -> Verdict:
    verdict = Verdict()
    _judge_events(stack, plan, said_accepted, verdict)
    _judge_runs(stack, plan, verdict)
    _judge_projections(stack, plan, verdict)
    _judge_texts(stack, plan, verdict)
    return verdict


def _judge_events(stack: Stack, plan: Plan, accepted: Counter[str], verdict: Verdict) -> None:
    stored = Counter(
        row[0] for row in stack.ask("SELECT message_id FROM events_event WHERE kind = 'track'")
    )
    wanted = {event["messageId"] for event in plan.events}
    verdict.expect("events lost", sorted(wanted - set(stored)), [])
    verdict.expect("events nobody sent", sorted(set(stored) - wanted), [])
    verdict.expect("events stored twice", [key for key, n in stored.items() if n > 1], [])
    verdict.expect("told accepted twice", [key for key, n in accepted.items() if n > 1], [])
    states = dict(stack.ask("SELECT state, count(*) FROM events_eventbatch GROUP BY state"))
    verdict.expect("batches by state", set(states), {"done"})
    verdict.figures["events"] = sum(stored.values())
    # Nothing of ours is told twice either: one word on each stage of each text.
    twice = stack.ask(
        "SELECT name, properties ->> 'message_id', count(*) FROM events_event"
        " WHERE kind = 'internal' AND properties ->> 'message_id' <> '' GROUP BY 1, 2 HAVING count(*) > 1"
    )
    verdict.expect("internal events twice", twice, [])


def _judge_runs(stack: Stack, plan: Plan, verdict: Verdict) -> None:
    rows = stack.ask(
        "SELECT e.message_id, count(r.id), min(r.state) FROM events_event e"
        " LEFT JOIN triggers_flowrun r ON r.trigger_event_id = e.id"
        " WHERE e.name = 'Checkout Started' GROUP BY e.message_id"
    )
    verdict.expect("triggers", len(rows), plan.scale.texts)
    verdict.expect("triggers without exactly one run", [r for r in rows if r[1] != 1], [])
    verdict.expect("states of runs", {row[2] for row in rows}, {"finished"})
    total = stack.ask("SELECT count(*) FROM triggers_flowrun")[0][0]
    verdict.expect("runs in all", total, plan.scale.texts)
    verdict.figures["runs"] = total


def _judge_projections(stack: Stack, plan: Plan, verdict: Verdict) -> None:
    half = plan.scale.texts // 2
    verdict.expect(
        "carts",
        dict(stack.ask("SELECT key, value_minor FROM commerce_cart WHERE key LIKE 'cart-%%'")),
        {f"cart-{n}": cart_minor(n) for n in range(plan.scale.texts)},
    )
    verdict.expect(
        "orders",
        dict(stack.ask("SELECT key, total_minor FROM commerce_order")),
        {f"order-{n}": order_minor(n) for n in range(half)},
    )
    verdict.expect(
        "balances",
        dict(
            stack.ask(
                "SELECT c.external_id, a.balance_minor FROM commerce_loyaltyaccount a"
                " JOIN people_contact c ON c.id = a.contact_id"
            )
        ),
        {f"p-{n}": balance_minor(n) for n in range(half)},
    )
    people = stack.ask("SELECT count(*), count(DISTINCT external_id) FROM people_contact")[0]
    verdict.expect("people", people, (plan.scale.texts + half, plan.scale.texts + half))


def _judge_texts(stack: Stack, plan: Plan, verdict: Verdict) -> None:
    journal = read_journal(stack)
    taken = Counter(text["to"] for text in journal)
    verdict.expect("phones texted twice", [to for to, n in taken.items() if n > 1], [])
    verdict.expect("strangers texted", sorted(set(taken) - set(plan.phones)), [])
    messages = stack.ask("SELECT id, run_id, phone, status, reason, sid FROM delivery_message")
    verdict.expect("messages", len(messages), plan.scale.texts)
    verdict.expect("runs with messages", len({row[1] for row in messages}), plan.scale.texts)
    silent = [row for row in messages if row[3] in EXPLAINED and not row[4]]
    verdict.expect("texts not sent and not explained", silent, [])
    open_ = [row for row in messages if row[3] not in EXPLAINED | {"sent", "delivered"}]
    verdict.expect("texts stuck", open_, [])
    # The ledger and the carrier tell the same story, text by text.
    ours = {row[5]: row[2] for row in messages if row[5]}
    theirs = {text["sid"]: text["to"] for text in journal}
    verdict.expect("taken by the carrier, not in the ledger", _minus(theirs, ours), {})
    verdict.expect("in the ledger, not at the carrier", _minus(ours, theirs), {})
    slots = stack.ask(
        "SELECT m.id FROM delivery_message m LEFT JOIN consent_capslot s ON s.message_id = m.id"
        " AND s.counted_at IS NOT NULL"
        " WHERE m.status IN ('sent', 'delivered') AND s.id IS NULL"
    )
    verdict.expect("sent without a counted slot", slots, [])
    verdict.figures["texts"] = len(journal)
    verdict.figures["outcomes"] = dict(
        Counter(f"{row[3]} {row[4]}".strip() for row in messages).most_common()
    )
    attempts = stack.ask("SELECT state, count(*) FROM delivery_sendattempt GROUP BY state")
    verdict.figures["attempts"] = dict(attempts)


def read_journal(stack: Stack) -> list[dict[str, Any]]:
    """Every text the carrier ever accepted, from the file it writes before it answers."""
    found = []
    with (stack.folder / "carrier" / "journal.jsonl").open() as lines:
        for line in lines:
            kind, data = json.loads(line)
            if kind == "text":
                found.append(data)
    return found


def _minus(these: dict[str, str], those: dict[str, str]) -> dict[str, str]:
    return {key: value for key, value in these.items() if those.get(key) != value}
