"""Which flows an event starts, ends or moves on, and what their texts read of it."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID

from events.domain.usage import Usage
from templates_engine.core.event_fields import event_labels
from templates_engine.domain.queries import compiled_versions, templates_by_slug
from triggers.core.changes import templates_of
from triggers.core.definition import (
    BadDefinition,
    Definition,
    EventTrigger,
    WaitForEvent,
    decode_definition,
    walk_steps,
)
from triggers.models import Flow, FlowVersion

STARTS, ENDS, WAITS = "starts", "ends", "waits"


def flow_event_uses() -> list[Usage]:
    """Every event of every flow that is not archived; what only a draft names is not live. Four
    queries at most."""
    flows = list(Flow.objects.exclude(status=Flow.Status.ARCHIVED).order_by("name", "id"))
    ids = {flow.live_version_id for flow in flows} | {flow.draft_version_id for flow in flows}
    definitions = dict(_definitions(ids - {None}))
    reads = _read_by_templates(definitions)
    found: list[Usage] = []
    for flow in flows:
        told: set[tuple[str, str]] = set()
        versions = ((flow.live_version_id, True), (flow.draft_version_id, False))
        for version_id, is_live in versions:
            definition = definitions.get(version_id)
            for name, role in _events_of(definition) if definition else ():
                if (name, role) in told or definition is None:
                    continue
                told.add((name, role))
                labels = _labels(definition, reads) if role == STARTS else ()
                live = is_live and flow.status == Flow.Status.LIVE
                found.append(
                    Usage(name, "flow", flow.name, role, "triggers:flow", flow.slug, live, labels)
                )
    return found


def _definitions(ids: set[UUID]) -> Iterator[tuple[UUID, Definition]]:
    for version_id, raw in FlowVersion.objects.filter(id__in=ids).values_list("id", "definition"):
        try:
            yield version_id, decode_definition(raw)
        except BadDefinition:  # of an older shape: nothing is known of it
            continue


def _events_of(definition: Definition) -> Iterator[tuple[str, str]]:
    if isinstance(definition.trigger, EventTrigger):
        yield definition.trigger.event, STARTS
    for rule in [*definition.exit, *([definition.goal] if definition.goal else [])]:
        yield rule.event, ENDS
    for _, step, _ in walk_steps(definition.steps):
        if isinstance(step, WaitForEvent):
            yield step.event, WAITS


def _read_by_templates(definitions: dict[UUID, Definition]) -> dict[str, tuple[str, ...]]:
    """By slug: the fields of the event in the words that are in use."""
    slugs = {slug for one in definitions.values() for slug in templates_of(one)}
    templates = templates_by_slug(slugs) if slugs else {}
    in_use = {t.approved_version_id for t in templates.values() if t.approved_version_id}
    compiled = compiled_versions(in_use) if in_use else {}
    return {
        slug: event_labels(compiled[one.approved_version_id].mentions)
        for slug, one in templates.items()
        if one.approved_version_id in compiled
    }


def _labels(definition: Definition, reads: dict[str, tuple[str, ...]]) -> tuple[str, ...]:
    labels = (label for slug in sorted(templates_of(definition)) for label in reads.get(slug, ()))
    return tuple(dict.fromkeys(labels))
