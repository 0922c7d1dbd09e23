"""Effects become rows and messages: runs, steps, cancelled texts and new send intents, as sets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from delivery.core.intents import SendIntent
from delivery.core.reasons import Reason
from delivery.domain.canceling import cancel_messages
from delivery.domain.deciding import decide
from templates_engine.domain.queries import TemplateFacts, templates_by_slug
from triggers.core.definition import MessageStep, ScheduleTrigger
from triggers.core.durations import parse_duration
from triggers.core.plan import Plan
from triggers.core.state import EXITED, RunEffect
from triggers.domain.records import (
    RunRecord,
    pass_over,
    set_messages,
    write_runs,
    write_steps,
)

_REASONS = {
    "replaced": Reason.REPLACED,
    "archived": Reason.FLOW_ARCHIVED,
    "stopped": Reason.CAMPAIGN_STOPPED,
}


def apply_effects(
    records: Sequence[RunRecord],
    effects: Sequence[RunEffect],
    plans: Mapping[UUID, Plan],
    *,
    now: datetime,
    depths: Mapping[UUID, int] | None = None,
) -> int:
    """Writes what the engine answered and decides the messages it asks for; returns how many.

    The contacts are locked by the caller. `depths`: how many events caused each other before this
    one, by run; runs that are not named stand at 1.
    """
    by_run = {effect.after.run_id: effect for effect in effects}
    if not by_run and not any(record.is_new for record in records):
        return 0
    write_runs(records, by_run)
    write_steps(records, by_run)
    _cancel_open_texts(records, by_run, now)
    return _decide_messages(records, by_run, plans, depths or {}, now)


def _cancel_open_texts(
    records: Sequence[RunRecord], effects: Mapping[UUID, RunEffect], now: datetime
) -> None:
    """A run that is left takes its queued or waiting text along; answers to replies stay."""
    left: dict[str, list[UUID]] = {}
    for record in records:
        effect = effects.get(record.id)
        if effect is None or record.is_new or effect.after.state != EXITED:
            continue
        if record.state.message_id is not None and record.state.state == "waiting_message":
            reason = _REASONS.get(effect.exit_reason, Reason.EXITED).value
            left.setdefault(reason, []).append(record.state.message_id)
    for reason, message_ids in left.items():
        cancel_messages(message_ids=message_ids, reason=reason, now=now)


def _decide_messages(
    records: Sequence[RunRecord],
    effects: Mapping[UUID, RunEffect],
    plans: Mapping[UUID, Plan],
    depths: Mapping[UUID, int],
    now: datetime,
) -> int:
    asking = [
        (record, effect.message)
        for record in records
        if (effect := effects.get(record.id)) is not None and effect.message is not None
    ]
    if not asking:
        return 0
    templates = templates_by_slug({one.template for _, one in asking})
    intents: list[SendIntent] = []
    wordless: list[UUID] = []
    for record, one in asking:
        template = templates.get(one.template)
        if template is None or template.approved_version_id is None:
            wordless.append(record.id)
            continue
        definition = plans[record.version_id].definition
        intent = intent_for(record, one, template, definition.priority, depths.get(record.id, 1))
        if isinstance(definition.trigger, ScheduleTrigger):
            intent = as_campaign(intent)
        intents.append(intent)
    pass_over(wordless, Reason.NOT_APPROVED.value, now)
    if not intents:
        return 0
    decisions = decide(intents, now=now)
    run_of = {intent.dedupe_key: intent.run_id for intent in intents}
    pairs = [
        (run_id, one.message_id)
        for one in decisions
        if (run_id := run_of.get(one.dedupe_key)) is not None
    ]
    set_messages(pairs)
    return len(intents)


def intent_for(
    record: RunRecord,
    one: MessageStep,
    template: TemplateFacts,
    priority: int,
    depth: int = 1,
) -> SendIntent:
    """The wish to send this step's text; its key makes it one message however often it is asked."""
    return SendIntent(
        dedupe_key=f"run:{record.id.hex}:{one.key}",
        contact_id=record.state.contact_id,
        template_version_id=template.approved_version_id,
        message_type=template.message_type,
        source_kind="flow",
        source_key=str(record.flow_id),
        flow_id=record.flow_id,
        flow_version_id=record.version_id,
        run_id=record.id,
        step_key=one.key,
        priority=priority,
        context=dict(record.context),
        ttl=parse_duration(one.ttl).roughly() if one.ttl else None,
        window=one.window,
        on_cap=one.on_cap,
        cause_event_id=record.state.trigger_event_id,
        depth=depth,
    )


def as_campaign(intent: SendIntent) -> SendIntent:
    """A contact gets one text of a campaign, whatever became of an earlier run."""
    key = f"campaign:{intent.source_key}:{intent.contact_id}"
    return replace(intent, dedupe_key=key, source_kind="campaign")
