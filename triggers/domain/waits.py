"""Who waits at a delay that was changed since: they keep their time, or they are moved.

A run finishes on the version it began with. Moving changes one thing about it: how long the step it
stands at lasts. Nothing is sent by moving; whoever goes on is decided by every check, as always.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import orjson
from django.db import connection, transaction

from api.problems import FieldError, Invalid, NotFound, Problem
from delivery.core.policy import default_ttl
from people.domain.queries import contacts_by_id, lock_contacts, workspace_defaults
from templates_engine.domain.queries import templates_by_slug
from tenancy.audit import record_audit
from tenancy.models import ApiKey, User
from tenancy.scope import current_tenant_id
from tenancy.waking import wake
from triggers.core.definition import MessageStep
from triggers.core.durations import parse_duration
from triggers.core.plan import Plan
from triggers.core.waits import Move, Waiting, keeps_earlier_time, move, span_of, told
from triggers.core.words import duration_words, step_numbers
from triggers.domain.plans import plans_for
from triggers.models import Flow, FlowVersion

Actor = User | ApiKey | None
_NO_DELAY = "Nobody waits at this step by a delay."


@dataclass(frozen=True, slots=True)
class LeftBehind:
    """People who wait at a step by another length than a version says. `words`: the length that
    they would be moved to; `told`: what would happen to them."""

    key: str
    number: int
    words: str
    count: int
    told: str


@dataclass(frozen=True, slots=True)
class StepMoves:
    """People who are moved at one step. `to`: its new length as an ISO 8601 duration. `at_once`:
    those whose new time is past; `too_late`: those of them whose next text is skipped for it."""

    key: str
    to: str
    people: int
    at_once: int
    too_late: int


def left_behind(
    flow: Flow, version: FlowVersion, keys: Iterable[str], *, now: datetime
) -> tuple[LeftBehind, ...]:
    """Per step where somebody is, in reading order. A fixed number of queries; changes nothing."""
    plan = plans_for([version.id])[version.id]
    numbers = step_numbers(plan.definition)
    found: dict[str, list[Move]] = {}
    for one in _moves(flow, plan, keys, now=now):
        found.setdefault(one.step_key, []).append(one)
    return tuple(
        LeftBehind(key, numbers[key], duration_words(span_of(plan, key)), len(moves), told(moves))
        for key, moves in sorted(found.items(), key=lambda item: numbers[item[0]])
    )


@transaction.atomic
def move_waiting(
    flow: Flow | UUID, *, keys: Collection[str], now: datetime, actor: Actor = None
) -> int:
    """Moves who waits at these steps to the delays of the live version; returns how many.

    Their new time counts from when they began to wait. Asked again it moves nobody. Raises
    `NotFound` for a step that is not there, `Problem` (409) for one that is no delay (no_delay) and
    for a flow without a live version (not_live).
    """
    held, live = _live_for_update(flow)
    return move_to(held, live, keys=keys, now=now, actor=actor)


@transaction.atomic
def move_waiting_at(
    flow: Flow | UUID,
    *,
    steps: Sequence[str] | None = None,
    dry_run: bool = False,
    now: datetime,
    actor: Actor = None,
) -> tuple[FlowVersion, tuple[StepMoves, ...]]:
    """The same for a list of steps, None for every one that waits: the live version, and per step
    in reading order who was moved. `dry_run`: who would be; nothing is written.

    Raises `Invalid` that names each wrong one of `steps`, and as above for a flow.
    """
    held, live = _live_for_update(flow)
    plan = plans_for([live.id])[live.id]
    _refuse_steps(plan, steps or ())
    numbers = step_numbers(plan.definition)
    wanted = [key for key in plan.places if span_of(plan, key)] if steps is None else set(steps)
    moves = (
        _moves(held, plan, wanted, now=now)
        if dry_run
        else _move(held, live, plan, wanted, now, actor)
    )
    return live, tuple(sorted(_counted(plan, moves), key=lambda one: numbers[one.key]))


def move_to(
    flow: Flow, version: FlowVersion, *, keys: Collection[str], now: datetime, actor: Actor = None
) -> int:
    """The same to any version, for a flow that the caller has locked. Locks the contacts."""
    plan = plans_for([version.id])[version.id]
    for key in keys:
        if key not in plan.places:
            raise NotFound("This step")
        if not span_of(plan, key):
            raise Problem("no_delay", _NO_DELAY, status=409)
    return len(_move(flow, version, plan, keys, now, actor))


def _live_for_update(flow: Flow | UUID) -> tuple[Flow, FlowVersion]:
    flow_id = flow if isinstance(flow, UUID) else flow.id
    rows = Flow.objects.select_for_update(no_key=True, of=("self",)).filter(id=flow_id)
    held = rows.select_related("live_version").first()
    if held is None:
        raise NotFound("This flow")
    if held.live_version is None or held.status == Flow.Status.ARCHIVED:
        raise Problem("not_live", "Only who is in a live flow can be moved.", status=409)
    return held, held.live_version


def _refuse_steps(plan: Plan, steps: Sequence[str]) -> None:
    known = ", ".join(key for key in plan.places if span_of(plan, key))
    errors = [
        FieldError(f"steps[{at}]", "no_delay", _NO_DELAY)
        if key in plan.places
        else FieldError(f"steps[{at}]", "unknown_step", f"Steps that wait: {known or 'none'}.")
        for at, key in enumerate(steps)
        if not span_of(plan, key)
    ]
    if errors:
        raise Invalid(errors)


def _move(
    flow: Flow,
    version: FlowVersion,
    plan: Plan,
    keys: Collection[str],
    now: datetime,
    actor: Actor,
) -> list[Move]:
    contacts = {run.contact_id for run, _ in _left(flow, plan, keys)}
    lock_contacts(contacts)
    moves = _moves(flow, plan, keys, now=now, among=contacts) if contacts else []
    if not moves:
        return []
    _write(moves)
    steps = {one.key: asdict(one) for one in _counted(plan, moves)}
    for told_of in steps.values():
        del told_of["key"]
    data = {"number": version.number, "steps": steps}
    record_audit("flow.waiting_moved", target=str(flow.id), data=data, actor=actor, now=now)
    wake("triggers.work", tenant_id=str(current_tenant_id()))
    return moves


def _counted(plan: Plan, moves: Sequence[Move]) -> list[StepMoves]:
    by_step: dict[str, list[Move]] = {}
    for one in moves:
        by_step.setdefault(one.step_key, []).append(one)
    return [
        StepMoves(
            key,
            span_of(plan, key),
            len(there),
            sum(one.at_once for one in there),
            sum(one.too_late for one in there),
        )
        for key, there in sorted(by_step.items())
    ]


def _moves(
    flow: Flow,
    plan: Plan,
    keys: Iterable[str],
    *,
    now: datetime,
    among: Collection[UUID] | None = None,
) -> list[Move]:
    left = _left(flow, plan, keys)
    if among is not None:
        left = [(run, own) for run, own in left if run.contact_id in among]
    if not left:
        return []
    spans = {key: span_of(plan, key) for key in {run.step_key for run, _ in left}}
    zones = _zones(left) if any(parse_duration(one).days for one in spans.values()) else {}
    lives = _lives({run.version_id: own for run, own in left})
    return [
        move(
            run,
            own,
            spans[run.step_key],
            zone=zones.get(run.contact_id, "UTC"),
            lives=lives[run.version_id],
            now=now,
        )
        for run, own in left
    ]


def _left(flow: Flow, plan: Plan, keys: Iterable[str]) -> list[tuple[Waiting, Plan]]:
    """Runs at these steps that wait by another length than `plan` says, with their own plans."""
    wanted = [key for key in keys if span_of(plan, key)]
    if not wanted:
        return []
    waiting = _waiting_at(flow.id, wanted)
    plans = plans_for({run.version_id for run in waiting})
    return [
        (run, own)
        for run in waiting
        if (own := plans.get(run.version_id)) is not None and keeps_earlier_time(run, own, plan)
    ]


def _waiting_at(flow_id: UUID, keys: Sequence[str]) -> list[Waiting]:
    """Runs that are in the middle of these steps. A run at the door of a step, or a text that waits
    for a reply, waits for something else."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT id, contact_id, version_id, step_key, anchor_at, due_at, waiting::text
            FROM triggers_flowrun
            WHERE tenant_id = %s AND flow_id = %s AND step_key = ANY(%s) AND ended_at IS NULL
              AND due_at IS NOT NULL AND state IN ('active', 'waiting_event')
              AND waiting ->> 'door' IS NULL AND waiting ->> 'for' IS NULL
            ORDER BY id
            """,
            [current_tenant_id(), flow_id, list(keys)],
        )
        return [
            Waiting(run, contact, version, step, anchor, due, orjson.loads(waiting))
            for run, contact, version, step, anchor, due, waiting in cursor.fetchall()
        ]


def _zones(left: Sequence[tuple[Waiting, Plan]]) -> Mapping[UUID, str]:
    """Days on the calendar are the contact's own."""
    default = workspace_defaults().timezone
    contacts = contacts_by_id({run.contact_id for run, _ in left})
    return {contact_id: one.timezone or default for contact_id, one in contacts.items()}


def _lives(plans: Mapping[UUID, Plan]) -> dict[UUID, dict[str, timedelta]]:
    """Per version and message step how long its text stays worth sending."""
    steps = {
        version_id: [
            place.step for place in plan.places.values() if isinstance(place.step, MessageStep)
        ]
        for version_id, plan in plans.items()
    }
    templates = templates_by_slug({one.template for those in steps.values() for one in those})

    def life(one: MessageStep) -> timedelta:
        if one.ttl:
            return parse_duration(one.ttl).roughly()
        template = templates.get(one.template)
        if template is not None and template.ttl_seconds:
            return timedelta(seconds=template.ttl_seconds)
        return default_ttl(template.message_type if template is not None else "marketing")

    return {
        version_id: {one.key: life(one) for one in those} for version_id, those in steps.items()
    }


def _write(moves: Sequence[Move]) -> None:
    values: list[Any] = [
        [one.run_id for one in moves],
        [one.due_at for one in moves],
        [orjson.dumps(one.waiting).decode() for one in moves],
        current_tenant_id(),
    ]
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE triggers_flowrun AS run"
            " SET due_at = given.due_at, waiting = given.waiting::jsonb"
            " FROM unnest(%s::uuid[], %s::timestamptz[], %s::text[])"
            " AS given(id, due_at, waiting)"
            " WHERE run.tenant_id = %s AND run.id = given.id",
            values,
        )
