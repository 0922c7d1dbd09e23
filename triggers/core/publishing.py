"""What must be right before a flow goes live, and what a marketer should be told. Pure.

A finding of level "error" stops publishing; a "notice" is shown and does not.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from triggers.core.definition import (
    Definition,
    Delay,
    EventTrigger,
    MessageStep,
    SegmentTrigger,
    Step,
    WaitForReply,
    walk_steps,
)
from triggers.core.durations import Duration, parse_duration, words_for
from triggers.core.event_words import EventFacts, said_of_event
from triggers.core.plan import CART_EVENTS, build_plan
from triggers.core.replies import is_reserved, match_keyword, normalize


@dataclass(frozen=True, slots=True)
class TextFacts:
    """What publishing has to know of a template. `asks`: replies its words ask for; `event_fields`:
    fields in it that may show what the event said."""

    slug: str
    message_type: str
    is_approved: bool
    ttl: timedelta = timedelta(hours=24)
    asks: frozenset[str] = frozenset()
    event_fields: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class World:
    """The workspace's rules. `longest_night`: from a closing to the next opening of its window;
    `event`: what may be said of the event that starts the flow."""

    longest_night: timedelta
    closes: str = ""
    us_cart_rule: str = "strict"
    segments: frozenset[str] = frozenset()
    opt_in_keywords: frozenset[str] = frozenset()
    event: EventFacts | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    level: str
    path: str
    code: str
    detail: str
    step_key: str = field(default="")

    @property
    def is_error(self) -> bool:
        return self.level == "error"


def check_publishing(
    definition: Definition, texts: Mapping[str, TextFacts], world: World
) -> list[Finding]:
    """Everything worth saying, errors and notices, in reading order."""
    findings = [*_check_trigger(definition, world), *_check_exit(definition)]
    walked = list(walk_steps(definition.steps))
    handled = _handled_keywords([one for _, one, _ in walked])
    for path, one, _ in walked:
        if isinstance(one, MessageStep):
            findings += _check_message(path, one, texts, world, handled)
        findings += _check_opt_in_keywords(path, one, world.opt_in_keywords)
    return findings + _check_cart_rule(definition, walked, texts, world)


def _check_trigger(definition: Definition, world: World) -> list[Finding]:
    trigger = definition.trigger
    found = []
    if isinstance(trigger, SegmentTrigger) and trigger.segment not in world.segments:
        detail = f"No segment is called {trigger.segment}."
        found.append(Finding("error", "trigger.segment", "unknown_segment", detail))
    for slug in sorted(build_plan(definition).segments - world.segments):
        detail = f"A split asks about the segment {slug}, which does not exist."
        found.append(Finding("error", "steps", "unknown_segment", detail))
    return found


def _check_exit(definition: Definition) -> list[Finding]:
    trigger = definition.trigger
    sells = isinstance(trigger, EventTrigger) and (
        trigger.event in CART_EVENTS or trigger.audience == "back_in_stock_requests"
    )
    ends = {rule.event for rule in definition.exit} | (
        {definition.goal.event} if definition.goal else set()
    )
    if sells and "Order Completed" not in ends:
        detail = (
            "This flow asks people to buy and has no exit on Order Completed: it would go on "
            "texting them after they did. Add it to the exit criteria."
        )
        return [Finding("error", "exit", "exit_missing", detail)]
    if not ends and len(definition.steps) > 1:
        detail = "No event ends this flow early. Say what people did who need no further text."
        return [Finding("notice", "exit", "exit_missing", detail)]
    return []


def _check_message(
    path: str,
    one: MessageStep,
    texts: Mapping[str, TextFacts],
    world: World,
    handled: frozenset[str],
) -> list[Finding]:
    found: list[Finding] = []
    text = texts.get(one.template)
    if text is None:
        detail = f"No template is called {one.template}."
        return [_error(f"{path}.template", "unknown_template", detail, one)]
    if not text.is_approved:
        detail = f"The template {one.template} has no approved version."
        found.append(_error(f"{path}.template", "template_not_approved", detail, one))
    own = {"".join(normalize(keyword)) for keyword in one.replies} | handled
    own |= world.opt_in_keywords  # they subscribe, which is an answer
    for asked in sorted(text.asks):
        if is_reserved(asked):
            detail = (
                f"The text asks for {asked}, which carriers read as opt-out, opt-in or help. "
                "Ask for another word."
            )
            found.append(_error(f"{path}.template", "reserved_keyword", detail, one))
        elif "".join(normalize(asked)) not in own:
            detail = f"The text asks for the reply {asked}, and nothing answers it."
            found.append(_error(f"{path}.replies", "reply_not_handled", detail, one))
    for keyword, slug in one.replies.items():
        answer = texts.get(slug)
        if answer is None:
            detail = f"The answer to {keyword}: no template is called {slug}."
            found.append(_error(f"{path}.replies.{keyword}", "unknown_template", detail, one))
            continue
        if not answer.is_approved:
            detail = f"The answer to {keyword}, {slug}, has no approved version."
            found.append(_error(f"{path}.replies.{keyword}", "template_not_approved", detail, one))
        if answer.message_type != "conversational":
            detail = (
                f"The answer to {keyword}, {slug}, is {answer.message_type}, not conversational."
            )
            found.append(_error(f"{path}.replies.{keyword}", "wrong_message_type", detail, one))
    return found + _check_event_words(path, one, texts, world) + _check_ttl(path, one, text, world)


def _check_event_words(
    path: str, one: MessageStep, texts: Mapping[str, TextFacts], world: World
) -> list[Finding]:
    """Nothing of a sensitive event stands in a text; of one nobody expects, people should know."""
    if world.event is None:
        return []
    where = {f"{path}.template": one.template} | {
        f"{path}.replies.{keyword}": slug for keyword, slug in one.replies.items()
    }
    said = [
        (place, said_of_event(world.event, slug, texts[slug].event_fields))
        for place, slug in where.items()
        if slug in texts
    ]
    return [
        Finding(verdict.level, place, verdict.code, verdict.detail, one.key)
        for place, verdict in said
        if verdict is not None
    ]


def _check_ttl(path: str, one: MessageStep, text: TextFacts, world: World) -> list[Finding]:
    """A text that may wait for the morning has to be alive then."""
    if text.message_type not in {"marketing", "transactional"} or one.window == "skip":
        return []
    ttl = parse_duration(one.ttl).roughly() if one.ttl else text.ttl
    if ttl > world.longest_night:
        return []
    detail = (
        f"This text lives {words_for(ttl)}, the longest night lasts {words_for(world.longest_night)}"
        f"{world.closes}: who comes at its beginning would get no text. Give it a longer time to "
        "live, or let it be skipped inside quiet hours."
    )
    return [_error(f"{path}.ttl", "would_expire_unsent", detail, one)]


def _check_cart_rule(
    definition: Definition,
    walked: list[tuple[str, Step, int]],
    texts: Mapping[str, TextFacts],
    world: World,
) -> list[Finding]:
    """Strict: a second text about one cart waits for a reply. Say so before it surprises."""
    trigger = definition.trigger
    if not isinstance(trigger, EventTrigger) or trigger.event not in CART_EVENTS:
        return []
    if world.us_cart_rule != "strict":
        return []
    found = []
    total = Duration()
    seen = 0
    for path, one, depth in walked:
        if isinstance(one, Delay) and depth == 0:
            span = parse_duration(one.for_)
            total = Duration(total.days + span.days, total.seconds + span.seconds)
        text = texts.get(one.template) if isinstance(one, MessageStep) else None
        if not isinstance(one, MessageStep) or text is None or text.message_type != "marketing":
            continue
        seen += 1
        if seen == 1:
            continue
        detail = (
            "US numbers: carriers allow one text per cart. This text waits for a reply to an "
            "earlier one, at most 48 hours after the trigger, and is skipped without one. "
            "Acknowledge the rule in Settings to send it to everybody."
        )
        found.append(Finding("notice", path, "waits_for_reply", detail, one.key))
        if total.roughly() >= timedelta(hours=48):
            late = "It comes later than 48 hours after the trigger, so no US number ever gets it."
            found.append(Finding("notice", path, "after_cart_limit", late, one.key))
    return found


def _check_opt_in_keywords(path: str, one: Step, taken: frozenset[str]) -> list[Finding]:
    """A reply that subscribes never reaches a flow, so no flow may wait for it."""
    found = []
    if isinstance(one, MessageStep):
        listened = {keyword: f"{path}.replies.{keyword}" for keyword in one.replies}
    elif isinstance(one, WaitForReply) and one.keyword:
        listened = {one.keyword: f"{path}.keyword"}
    else:
        listened = {}
    for keyword, where in listened.items():
        if any(match_keyword(word, [keyword]) for word in taken):
            detail = (
                f"{keyword.upper()} is, or reads like, an opt-in keyword of this workspace "
                "(Settings, Sign-up). Take another word."
            )
            found.append(Finding("error", where, "keyword_taken", detail, one.key))
    return found


def _handled_keywords(steps: list[Step]) -> frozenset[str]:
    """Keywords that a wait for a reply takes, wherever it stands."""
    return frozenset(
        "".join(normalize(one.keyword))
        for one in steps
        if isinstance(one, WaitForReply) and one.keyword
    )


def _error(path: str, code: str, detail: str, one: MessageStep) -> Finding:
    return Finding("error", path, code, detail, one.key)
