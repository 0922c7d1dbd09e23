"""Which words the flows of a workspace listen for: no opt-in keyword may swallow them."""

from __future__ import annotations

from triggers.core.definition import MessageStep, WaitForReply, walk_steps
from triggers.core.replies import match_keyword
from triggers.core.validation import read_definition
from triggers.models import Flow, FlowVersion


def claimed_by_flow(word: str) -> str:
    """A sentence naming the flow that reads this word as an answer, "" when none does.

    Every flow that is not archived counts, live version and draft. Two queries.
    """
    flows = {flow.id: flow for flow in Flow.objects.exclude(status=Flow.Status.ARCHIVED)}
    ids = {flow.live_version_id for flow in flows.values()}
    ids |= {flow.draft_version_id for flow in flows.values()}
    for version in FlowVersion.objects.filter(id__in=ids - {None}).order_by("id"):
        heard = match_keyword(word, _listened_for(version))
        if heard is not None:
            return f"The flow {flows[version.flow_id].name} listens for {heard.upper()}: take another word."
    return ""


def _listened_for(version: FlowVersion) -> list[str]:
    words: list[str] = []
    for _, one, _ in walk_steps(read_definition(version.definition).steps):
        if isinstance(one, MessageStep):
            words += one.replies
        elif isinstance(one, WaitForReply) and one.keyword:
            words.append(one.keyword)
    return words
