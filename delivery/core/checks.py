"""The checks, one function each: facts in, words and evidence out.

`ALONE` look at one intent only; the others also see what the set has taken so far.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from consent.core import caps, message_types, quiet_hours
from consent.core.caps import Slot
from delivery.core.cases import Case, Finding, Taken
from delivery.core.facts import ConsentView, Facts, GateIntent
from delivery.core.intents import TEST_TEXT, SendIntent
from delivery.core.reasons import Reason, words

# Conversational texts are free of quiet hours and caps only right after the contact wrote.
REPLY_SPAN = timedelta(minutes=10)
# A person's own answer needs no opt-in and takes no slot this long after the contact wrote; quiet
# hours bind it like any other text once the ten minutes are over.
ANSWER_SPAN = timedelta(hours=24)
# With less left of the window a carrier could deliver after its end.
LAST_MOMENT = timedelta(seconds=120)
RETRY_PAUSED = timedelta(minutes=5)
# A more important text that goes this soon holds its slot already.
RESERVED_AHEAD = timedelta(hours=2)
# A sender that is this far behind takes nothing more.
AHEAD = timedelta(seconds=60)


def check_workspace(case: Case, facts: Facts, now: datetime, taken: Taken | None) -> Finding:
    if not facts.workspace_active:
        return _no(Reason.WORKSPACE_INACTIVE)
    sender = case.sender
    if sender is None:
        return _no(Reason.NO_SENDER)
    detail: dict[str, Any] = {"sender": sender.label}
    again = sender.retry_at if sender.retry_at and sender.retry_at > now else now + RETRY_PAUSED
    if sender.stopped:
        detail["stopped"] = sender.stopped
        return _no(Reason.GATEWAY_STOPPED, until=again, detail=detail)
    if not sender.active:
        detail["paused"] = sender.paused_reason
        return _no(Reason.SENDER_PAUSED, until=again, detail=detail)
    return Finding(f"On; sends from {sender.label}", detail=detail)


def check_contact(case: Case, facts: Facts, now: datetime, taken: Taken | None) -> Finding:
    intent = case.gate.intent
    if intent.contact_id is None:
        case.phone = intent.phone or ""
        if not case.phone:
            return _no(Reason.NO_PHONE)
        return Finding("Nobody is known under this number; it wrote to us")
    contact = facts.contacts.get(intent.contact_id)
    if contact is None or contact.erased:
        return _no(Reason.CONTACT_MISSING)
    if not contact.phone:
        return _no(Reason.NO_PHONE)
    if case.gate.held_phone and case.gate.held_phone != contact.phone:
        return _no(Reason.NUMBER_CHANGED)
    case.phone = contact.phone
    if case.sender is not None and contact.country in case.sender.blocked:
        return _no(Reason.COUNTRY_OFF, detail={"country": contact.country})
    return Finding("Known, with a phone number")


def check_consent(case: Case, facts: Facts, now: datetime, taken: Taken | None) -> Finding:
    kind = binding_type(case.gate, now)
    consent = _consent(case, facts)
    if case.gate.intent.source_kind == TEST_TEXT:
        return _check_agreement(case, facts, consent)
    if consent is None:
        found = message_types.check_consent(kind, {})
        evidence: dict[str, Any] = {}
    else:
        context = case.gate.intent.context
        # An order of theirs calls for its own texts.
        established = bool((context.get("event") or {}).get("order_id"))
        found = message_types.check_consent(kind, consent.statuses, established=established)
        evidence = dict(consent.evidence)
    detail = {"message_type": kind, **evidence}
    if not found.ok:
        return Finding(found.detail, reason=found.reason, detail=detail)
    return Finding(found.detail, detail=detail)


def _check_agreement(case: Case, facts: Facts, consent: ConsentView | None) -> Finding:
    """A test text goes to a member's own phone. Its holder asked for it; a STOP ends that too."""
    contact_id = case.gate.intent.contact_id
    agreed = facts.agreed.get(contact_id) if contact_id is not None else None
    if consent is not None and "unsubscribed" in consent.statuses.values():
        return Finding("The holder opted out.", reason=Reason.UNSUBSCRIBED)
    if agreed is None:
        said = "No member has confirmed this number as their own."
        return Finding(said, reason=Reason.NEVER_SUBSCRIBED)
    return Finding("A member confirmed this number as their own", detail=dict(agreed))


def check_suppression(case: Case, facts: Facts, now: datetime, taken: Taken | None) -> Finding:
    consent = _consent(case, facts)
    if consent is None:
        return Finding("Not suppressed")
    kind = binding_type(case.gate, now)
    found = message_types.check_suppression(kind, consent.suppression)
    if not found.ok:
        detail = {"suppression": consent.suppression}
        return Finding(found.detail, reason=Reason.SUPPRESSED, detail=detail)
    paused = message_types.check_review_pause(kind, consent.paused_for_review)
    if not paused.ok:
        return Finding(paused.detail, reason=Reason.PAUSED_FOR_REVIEW)
    return Finding(found.detail)


def check_flow(case: Case, facts: Facts, now: datetime, taken: Taken | None) -> Finding:
    source = facts.sources.get(case.gate.key)
    if source is None:
        return Finding("Not part of a flow")
    if source.live:
        return Finding("Live, and the contact is still in it", detail=dict(source.detail))
    return _no(source.reason or Reason.EXITED, until=source.until, detail=dict(source.detail))


def check_conditions(case: Case, facts: Facts, now: datetime, taken: Taken | None) -> Finding:
    source = facts.sources.get(case.gate.key)
    if source is not None and not source.conditions_ok:
        reason = source.reason or Reason.CONDITIONS_NOT_MET
        return _no(reason, detail=dict(source.detail))
    fresh = {"expires_at": case.gate.expires_at.isoformat()}
    if now >= case.gate.expires_at:
        return _no(Reason.EXPIRED, detail=fresh)
    return Finding("They hold, and the text is still fresh", detail=fresh)


def check_holdout(case: Case, facts: Facts, now: datetime, taken: Taken | None) -> Finding:
    source = facts.sources.get(case.gate.key)
    if not message_types.obeys(binding_type(case.gate, now)).holdout:
        return Finding("Does not apply to this message type")
    if source is not None and source.held_out:
        return _no(Reason.HOLDOUT, detail=dict(source.detail))
    return Finding("Not held out")


def check_render(case: Case) -> Finding:
    text = case.text
    if text is None or text.problem:
        reason = (text.problem if text else None) or Reason.RENDER_FAILED
        detail = {"why": text.detail} if text and text.detail else {}
        return _no(reason, detail=detail)
    fallbacks = [use["label"] for use in text.fields if use.get("fallback_used")]
    parts = "1 part" if text.num_segments == 1 else f"{text.num_segments} parts"
    said = f"{parts}, {text.encoding}"
    if fallbacks:
        said += f"; fallback for {', '.join(fallbacks)}"
    known: dict[str, Any] = {"num_segments": text.num_segments, "fallbacks": fallbacks}
    # A value is stored, and was not said: somebody who looks has to see why.
    unfit = {use["label"]: use["why"] for use in text.fields if use.get("why")}
    if unfit:
        said += "".join(f"; {label} was not used because {why}" for label, why in unfit.items())
        known["unfit"] = unfit
    return Finding(said, detail=known)


def check_duplicate(case: Case, facts: Facts, now: datetime, taken: Taken | None) -> Finding:
    held = facts.held.get(case.gate.key)
    if held is not None and held[0] != case.gate.message_id:
        return _no(Reason.DUPLICATE, detail={"message_id": str(held[0]), "status": held[1]})
    if taken is not None and case.gate.key in taken.keys:
        return _no(Reason.DUPLICATE)
    return Finding("The first text for this step")


def check_quiet_hours(case: Case, facts: Facts, now: datetime, taken: Taken | None) -> Finding:
    consent = _consent(case, facts)
    kind = quiet_type(case.gate, now)
    if consent is None:
        return Finding("Does not apply: the number wrote to us just now")
    found = quiet_hours.next_allowed(consent.zones, consent.quiet, kind, now)
    why = found.detail
    if found.ok and found.closes_at is not None and found.closes_at - now < LAST_MOMENT:
        why = f"{found.detail} Too little of the window is left."
        found = quiet_hours.next_allowed(consent.zones, consent.quiet, kind, found.closes_at)
        opens = found.at
    elif found.ok:
        case.window_ends_at = found.closes_at
        return Finding(found.detail, detail=_clocks(consent, now, found.rules_version))
    else:
        opens = found.at
    detail = {**_clocks(consent, now, found.rules_version), "zone": found.zone, "rule": found.rule}
    if opens is None or case.gate.intent.window == "skip":
        return Finding(why, reason=Reason.QUIET_HOURS, detail=detail)
    jitter = 0
    if case.gate.intent.contact_id is not None:
        # One key for every text of a contact: those held together are decided together.
        jitter = quiet_hours.jitter_seconds(case.gate.intent.contact_id, opens.isoformat())
    until = opens + timedelta(seconds=jitter)
    if found.closes_at is not None and until + LAST_MOMENT >= found.closes_at:
        until = opens
    detail["opens_at"] = opens.isoformat()
    return Finding(why, reason=Reason.QUIET_HOURS, until=until, earliest=opens, detail=detail)


def check_frequency_cap(case: Case, facts: Facts, now: datetime, taken: Taken | None) -> Finding:
    intent = case.gate.intent
    consent = _consent(case, facts)
    if consent is None or intent.contact_id is None or not counts(intent, case.gate, now):
        return Finding("Does not apply to this message type")
    slots = [slot for slot in consent.slots if slot.message_id != case.gate.message_id]
    if taken is not None:
        slots += taken.slots.get(intent.contact_id, [])
    found = caps.check(
        consent.caps, tuple(slots), at=now, source_key=intent.source_key, run_id=intent.run_id
    )
    if not found.ok:
        until = found.next_at if intent.on_cap == "wait" else None
        return Finding(
            found.detail, reason=Reason.FREQUENCY_CAP, until=until, detail={"rule": found.rule}
        )
    ahead = _more_important(case, facts, now)
    for rival in ahead:
        slots.append(Slot(rival.message_id, rival.source_key, None, now))
    if ahead:
        behind = caps.check(
            consent.caps, tuple(slots), at=now, source_key=intent.source_key, run_id=intent.run_id
        )
        if not behind.ok:
            first = min(rival.due_at for rival in ahead)
            until = max(behind.next_at or first, first) if intent.on_cap == "wait" else None
            said = f"A text of higher priority goes at {first:%H:%M} UTC. {behind.detail}"
            detail = {"rule": behind.rule, "message_id": str(ahead[0].message_id)}
            return Finding(said, reason=Reason.HIGHER_PRIORITY, until=until, detail=detail)
    return Finding(found.detail, detail={"rule": found.rule})


def check_budget(case: Case, facts: Facts, now: datetime, taken: Taken | None) -> Finding:
    sender = case.sender
    if sender is None or binding_type(case.gate, now) in {"compliance", "conversational"}:
        return Finding("Goes first: it answers the contact")
    used = taken.segments.get(sender.id, 0.0) if taken is not None else 0.0
    if used < sender.room:
        return Finding("The sender has room")
    behind = timedelta(seconds=(used - sender.room) / sender.segments_per_second)
    until = now + max(behind, timedelta(seconds=1))
    return _no(Reason.SENDER_BUSY, until=until, detail={"behind_seconds": behind.total_seconds()})


def check_hand_off(case: Case, facts: Facts, now: datetime, taken: Taken | None) -> Finding:
    return Finding("Ready for the gateway; consent and window are checked again there")


def binding_type(item: GateIntent, now: datetime) -> str:
    """Whose rules bind: a conversational text long after the reply is an ordinary one."""
    kind = item.intent.message_type
    if kind != "conversational":
        return kind
    span = ANSWER_SPAN if item.intent.source_kind == "answer" else REPLY_SPAN
    return kind if _is_fresh(item, now, span) else "marketing"


def quiet_type(item: GateIntent, now: datetime) -> str:
    """Whose quiet hours bind: of conversational texts only the quick ones are free of them."""
    kind = binding_type(item, now)
    if kind == "conversational" and not _is_fresh(item, now, REPLY_SPAN):
        return "marketing"
    return kind


def _is_fresh(item: GateIntent, now: datetime, span: timedelta) -> bool:
    heard = item.reply_received_at
    return heard is not None and now - heard <= span


def counts(intent: SendIntent, item: GateIntent, now: datetime) -> bool:
    """Whether the text takes a slot of the frequency cap. A test text has no part in it."""
    if intent.source_kind == TEST_TEXT:
        return False
    return message_types.obeys(binding_type(item, now)).frequency_cap


def slot_of(item: GateIntent, *, at: datetime) -> Slot:
    intent = item.intent
    return Slot(item.message_id, intent.source_key, intent.run_id, at)


def _more_important(case: Case, facts: Facts, now: datetime) -> list[Any]:
    contact_id = case.gate.intent.contact_id
    if contact_id is None:
        return []
    return [
        rival
        for rival in facts.rivals.get(contact_id, ())
        if rival.priority > case.gate.intent.priority
        and rival.message_id != case.gate.message_id
        and rival.due_at <= now + RESERVED_AHEAD
    ]


def _consent(case: Case, facts: Facts) -> ConsentView | None:
    contact_id = case.gate.intent.contact_id
    return facts.consent.get(contact_id) if contact_id is not None else None


def _clocks(consent: ConsentView, now: datetime, version: str) -> dict[str, Any]:
    """The contact's possible local times: what an auditor asks for first."""
    return {
        "local_times": {
            zone: now.astimezone(ZoneInfo(zone)).strftime("%Y-%m-%d %H:%M")
            for zone in consent.zones.zones
        },
        "states": list(consent.zones.states),
        "sources": list(consent.zones.sources),
        "rules_version": version,
    }


def _no(
    reason: str, *, until: datetime | None = None, detail: dict[str, Any] | None = None
) -> Finding:
    return Finding(words(reason), reason=reason, until=until, detail=detail or {})


Rule = Callable[[Case, Facts, datetime, "Taken | None"], Finding]
RULES: dict[str, Rule] = {
    "workspace": check_workspace,
    "contact": check_contact,
    "consent": check_consent,
    "suppression": check_suppression,
    "flow": check_flow,
    "conditions": check_conditions,
    "holdout": check_holdout,
    "duplicate": check_duplicate,
    "quiet_hours": check_quiet_hours,
    "frequency_cap": check_frequency_cap,
    "budget": check_budget,
    "hand_off": check_hand_off,
}
ALONE = frozenset(
    {"workspace", "contact", "consent", "suppression", "flow", "conditions", "holdout"}
)
