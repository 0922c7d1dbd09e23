"""One flow as a page shows it: its tree with live numbers, and the panel of one step."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from django.urls import reverse

from api.problems import NotFound
from delivery.core.policy import STOP_NOTICE, prefix_for
from delivery.core.reasons import words
from delivery.domain.history import list_messages
from templates_engine.domain.composing import editable, sample_link
from templates_engine.domain.coverage import list_fallbacks
from templates_engine.domain.queries import VersionFacts
from templates_engine.domain.rendering import Preview, preview_text
from triggers.core.changes import Change
from triggers.core.definition import EventTrigger, MessageStep, decode_definition, walk_steps
from triggers.core.words import TRIGGER, Card, cards_by_key, describe
from triggers.domain.editing import DELAY_FIELDS
from triggers.domain.flows import newest_version
from triggers.domain.numbers import FlowTally, StepTally, flow_numbers
from triggers.domain.versions import draft_changes
from triggers.domain.waits import LeftBehind, left_behind
from triggers.domain.wording import words_of
from triggers.models import Flow, FlowVersion
from web.templatetags.ui import comma, money, percent

SPAN = timedelta(days=30)
RUNS = {Flow.Status.LIVE, Flow.Status.PAUSED}
TONES = {"live": "good", "paused": "wait", "draft": "off", "archived": "off"}


@dataclass(frozen=True, slots=True)
class StepView:
    """A card with what its page adds: numbers, and the words of a message step."""

    card: Card
    detail: str
    body: str
    is_changed: bool
    entered: int
    metrics: tuple[tuple[str, str], ...]
    forks: tuple[ForkView, ...]


@dataclass(frozen=True, slots=True)
class ForkView:
    label: str
    entered: int
    steps: tuple[StepView, ...]


@dataclass(frozen=True, slots=True)
class Edit:
    """Something of a step that can be changed. `keyword`: the answer to it, whose words are
    `body`."""

    label: str
    keyword: str = ""
    body: str = ""


@dataclass(frozen=True, slots=True)
class Words:
    """A message step's text: source with chips, parts, and how somebody unknown would read it."""

    body: str
    number: int
    state: str
    parts: int
    encoding: str
    preview: str
    last_sent: str
    fallbacks: tuple[tuple[str, str], ...]


class FlowPage:
    """One flow with everything its tree and panel show. Queries once, whatever is shown."""

    def __init__(self, request: Any, flow: Flow, version: FlowVersion) -> None:
        self.request, self.flow, self.version = request, flow, version
        self.definition = decode_definition(version.definition)
        self.tree = describe(self.definition)
        self.cards = cards_by_key(self.tree)
        self.tally = numbers_of(request, [flow]).get(flow.id)
        self.words: Mapping[str, VersionFacts] = words_of(version, live=flow.live_version)
        self.changes: tuple[Change, ...] = draft_changes(flow, version)
        self.changed_keys = {change.step_key for change in self.changes}
        self._left: dict[str, LeftBehind | None] = {}

    @property
    def is_draft(self) -> bool:
        """Does it show something that is not live yet?"""
        return self.flow.live_version is None or bool(self.changes)

    def frame(self) -> dict[str, Any]:
        """What stands around the tree and the panel."""
        return {
            "flow": self.flow,
            "tone": TONES[self.flow.status],
            "version": self.version,
            "totals": totals_of(self.tally),
            "steps": self.steps(),
            "changes": self.changes,
            "is_draft": self.is_draft and self.flow.status != Flow.Status.ARCHIVED,
        }

    def steps(self) -> tuple[StepView, ...]:
        return tuple(self._step(card) for card in self.tree)

    def panel(self, key: str) -> dict[str, Any]:
        card = self.cards[key]
        step = self._step(card)
        found = self._step_numbers(key)
        return {
            "step": step,
            "stats": self._stats(card, found),
            "skipped": [
                (code, words(code), count)
                for code, count in sorted(
                    (found.skipped if found else {}).items(), key=lambda item: -item[1]
                )
            ],
            "words": self._words(card),
            "changed": [change for change in self.changes if change.step_key == key],
            "edits": self._edits(card),
            "left_behind": self._left_behind(card),
            "may_move": self.request.can("publish"),
            "messages_url": reverse("delivery:messages", args=[self.request.tenant.slug]),
        }

    def _step(self, card: Card) -> StepView:
        found = self._step_numbers(card.key)
        entered = self.tally.entered if card.kind == TRIGGER and self.tally else 0
        if found is not None and card.kind != TRIGGER:
            entered = found.entered
        version = self._version(card)
        return StepView(
            card=card if version is None else replace(card, title=version.name),
            detail=f"SMS · {_parts(self._preview(version))}" if version else card.detail,
            body=version.body if version else "",
            is_changed=card.key in self.changed_keys,
            entered=entered,
            metrics=tuple(self._metrics(card, found, entered)),
            forks=tuple(self._fork(fork.label, fork.cards) for fork in card.forks),
        )

    def _fork(self, label: str, cards: tuple[Card, ...]) -> ForkView:
        steps = tuple(self._step(card) for card in cards)
        return ForkView(label, steps[0].entered if steps else 0, steps)

    def _metrics(
        self, card: Card, found: StepTally | None, entered: int
    ) -> Iterable[tuple[str, str]]:
        if card.kind == TRIGGER:
            yield comma(entered), "entered"
            if self.tally is not None:
                yield comma(self.tally.running), "running"
            return
        if card.kind != "message":
            yield comma(entered), "in"
        elif found is None:
            yield "0", "sent"
        else:
            yield comma(found.sent), "sent"
            yield percent(found.clicked, found.delivered), "clicked"
            yield comma(found.ordered), "ordered"
        if found is not None and found.waiting:
            yield comma(found.waiting), "waiting"

    def _stats(self, card: Card, found: StepTally | None) -> list[tuple[str, str]]:
        if card.kind == TRIGGER:
            totals = totals_of(self.tally)
            revenue = money(totals["revenue"], self.request.tenant.currency)
            return [
                (comma(totals["entered"]), "Entered"),
                (comma(totals["waiting"]), "Running now"),
                (comma(totals["sent"]), "Sent"),
                (revenue, "Attributed revenue"),
            ]
        if found is None:
            return [("0", "Reached")]
        if card.kind != "message":
            return [(comma(found.entered), "Reached"), (comma(found.waiting), "Waiting now")]
        revenue = money(found.attributed_revenue_minor, self.request.tenant.currency)
        return [
            (comma(found.sent), "Sent"),
            (percent(found.delivered, found.sent), "Delivered"),
            (percent(found.clicked, found.delivered), "Clicked"),
            (comma(found.replied), "Replied"),
            (comma(found.opted_out), "Opted out"),
            (comma(found.ordered), "Ordered"),
            (revenue, "Attributed revenue"),
            (comma(found.waiting), "Waiting now"),
        ]

    def _words(self, card: Card) -> Words | None:
        version = self._version(card)
        if version is None:
            return None
        preview = self._preview(version)
        last = list_messages(
            statuses=("sent", "delivered"), flow_id=self.flow.id, step_key=card.key, limit=1
        ).stories
        return Words(
            body=version.body,
            number=version.number,
            state=version.state,
            parts=preview.measure.num_segments,
            encoding=preview.measure.encoding,
            preview=preview.text,
            last_sent=last[0].body if last else "",
            fallbacks=list_fallbacks(version),
        )

    def _preview(self, version: VersionFacts) -> Preview:
        """As the first text somebody unknown would read: every fallback, with the STOP line."""
        tenant = self.request.tenant
        is_marketing = version.message_type == "marketing"
        return preview_text(
            version.body,
            syntax=version.syntax,
            fields=version.fields,
            brand={"name": tenant.sms_name, "shop_url": tenant.shop_url},
            prefix=prefix_for(tenant.sms_name),
            suffix=STOP_NOTICE if is_marketing else "",
            link=sample_link(),
        )

    def _version(self, card: Card) -> VersionFacts | None:
        return self.words.get(card.template)

    def _edits(self, card: Card) -> tuple[Edit, ...]:
        """What of this step can be changed here."""
        if self.flow.status == Flow.Status.ARCHIVED or not self.request.can("edit_messages"):
            return ()
        if card.kind == TRIGGER:
            is_event = isinstance(self.definition.trigger, EventTrigger)
            return (Edit("Edit filter"),) if is_event else ()
        if card.kind in DELAY_FIELDS:
            return (Edit("Edit delay" if card.kind == "delay" else "Edit how long"),)
        if card.kind != "message":
            return ()
        [step] = [one for _, one, _ in walk_steps(self.definition.steps) if one.key == card.key]
        answers = step.replies if isinstance(step, MessageStep) else {}
        found = [Edit("Edit text")]
        for keyword, slug in answers.items():
            answer = self.words.get(slug)
            body = editable(answer, self.request.tenant.shop_url) if answer else ""
            found.append(Edit("Edit answer", keyword, body))
        return tuple(found)

    def _left_behind(self, card: Card) -> LeftBehind | None:
        """Who waits here by another delay than the live one."""
        live = self.flow.live_version
        if card.kind not in DELAY_FIELDS or live is None or self.flow.status not in RUNS:
            return None
        if card.key not in self._left:
            found = left_behind(self.flow, live, [card.key], now=self.request.now)
            self._left[card.key] = found[0] if found else None
        return self._left[card.key]

    def _step_numbers(self, key: str) -> StepTally | None:
        return self.tally.steps.get(key) if self.tally is not None else None


def access_flow(slug: str) -> tuple[Flow, FlowVersion]:
    """The flow and the version saved last. Raises `NotFound`."""
    flow = Flow.objects.filter(slug=slug).select_related("live_version").first()
    version = newest_version(flow) if flow is not None else None
    if flow is None or version is None:
        raise NotFound("This flow")
    return flow, version


def numbers_of(request: Any, flows: list[Flow]) -> Mapping[Any, FlowTally]:
    """Numbers of the last 30 days."""
    start = request.now - SPAN
    return flow_numbers([flow.id for flow in flows], start=start, end=request.now)


def totals_of(tally: FlowTally | None) -> dict[str, int]:
    names = ("sent", "delivered", "clicked")
    if tally is None:
        return {name: 0 for name in (*names, "entered", "waiting", "revenue")}
    totals = {name: tally.total(name) for name in names}
    revenue = tally.total("attributed_revenue_minor")
    return {**totals, "entered": tally.entered, "waiting": tally.running, "revenue": revenue}


def _parts(preview: Preview) -> str:
    count = preview.measure.num_segments
    return "1 part" if count == 1 else f"{count} parts"
