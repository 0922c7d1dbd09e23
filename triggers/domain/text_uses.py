"""Which flows and campaigns send a text, for the texts' own pages."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from uuid import UUID

from templates_engine.models import Template
from templates_engine.uses import FLOW
from tenancy.ids import show_id
from triggers.core.definition import BadDefinition, MessageStep, decode_definition, walk_steps
from triggers.core.words import step_numbers
from triggers.models import Campaign, Flow, FlowVersion
from web.uses import Use, Uses


def texts_in_flows(texts: Sequence[Template], most: int) -> Mapping[UUID, Uses]:
    """Flows whose live version or draft sends a text, with the step that does. Two queries."""
    ids = {text.slug: text.id for text in texts}
    flows = list(Flow.objects.exclude(status=Flow.Status.ARCHIVED).order_by("name", "id"))
    wanted = [v for f in flows for v in (f.live_version_id, f.draft_version_id) if v is not None]
    definitions = dict(FlowVersion.objects.filter(id__in=wanted).values_list("id", "definition"))
    found: dict[UUID, list[Use]] = defaultdict(list)
    for flow in flows:
        steps: dict[str, tuple[str, str]] = {}
        # What the page of the flow shows, its draft, wins.
        for version_id in (flow.live_version_id, flow.draft_version_id):
            steps |= {slug: (key, how) for slug, key, how in _sent(definitions.get(version_id))}
        for slug in sorted(set(steps) & set(ids)):
            key, how = steps[slug]
            said = f"{flow.get_status_display()}, {how}"
            use = Use(FLOW, flow.name, said, "triggers:flow", flow.slug, f"?step={key}#panel")
            found[ids[slug]].append(use)
    return {key: Uses(len(those), tuple(those[:most])) for key, those in found.items()}


def texts_in_campaigns(texts: Sequence[Template], most: int) -> Mapping[UUID, Uses]:
    """The campaign a text was written in. One query."""
    rows = Campaign.objects.filter(
        template_version__template_id__in=[text.id for text in texts]
    ).order_by("-created_at", "-id")
    found: dict[UUID, list[Use]] = defaultdict(list)
    for row in rows.select_related("template_version"):
        said = row.get_status_display()
        use = Use("Campaign", row.name, said, "triggers:campaign", show_id("cmp", row.id))
        found[row.template_version.template_id].append(use)
    return {key: Uses(len(those), tuple(those[:most])) for key, those in found.items()}


def _sent(raw: Any) -> Iterator[tuple[str, str, str]]:
    """(slug, step, how) of each text that a version may send; a step's own text comes last."""
    if raw is None:
        return
    try:
        definition = decode_definition(raw)
    except BadDefinition:
        return
    numbers = step_numbers(definition)
    steps = [one for _, one, _ in walk_steps(definition.steps) if isinstance(one, MessageStep)]
    for step in steps:
        for keyword, slug in step.replies.items():
            yield slug, step.key, f"its answer to {keyword} in step {numbers[step.key]}"
    for step in steps:
        yield step.template, step.key, f"step {numbers[step.key]}"
