"""What differs between two versions of a flow, in plain words. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass

from triggers.core.definition import (
    Definition,
    Delay,
    EventRule,
    EventTrigger,
    MessageStep,
    SegmentTrigger,
    Split,
    Step,
    WaitForEvent,
    WaitForReply,
    walk_steps,
)
from triggers.core.words import (
    TRIGGER,
    condition_words,
    duration_words,
    reentry_words,
    step_numbers,
)

NONE = "nothing"


@dataclass(frozen=True, slots=True)
class Text:
    """The words of one template as one version of a flow knows them."""

    name: str
    body: str


@dataclass(frozen=True, slots=True)
class Change:
    """`what` such as "Text of step 2"; `before` and `after` as people read them; `step_key` is
    where it stands ("trigger" for the trigger and the rules around it)."""

    what: str
    before: str
    after: str
    step_key: str = TRIGGER

    def __str__(self) -> str:
        return f"{self.what}: {self.before} \N{RIGHTWARDS ARROW} {self.after}"


Texts = Mapping[str, Text]
Lines = dict[str, str]
Numbered = dict[str, tuple[int, Step]]
Path = tuple[tuple[str, str], ...]
Place = tuple[str, Path]


def compare(
    before: Definition, after: Definition, texts_before: Texts, texts_after: Texts
) -> list[Change]:
    """Every difference, the trigger first, then the steps in the newer version's reading order."""
    changes = list(_pairs(_rule_lines(before), _rule_lines(after), TRIGGER))
    old, new = _by_key(before), _by_key(after)
    common = old.keys() & new.keys()
    places = _places(before.steps, common), _places(after.steps, common)
    for key, (number, step) in new.items():
        if key not in old:
            changes.append(Change(f"Step {number}", NONE, step_words(step, texts_after), key))
            continue
        lines = _step_lines(old[key][1], texts_before), _step_lines(step, texts_after)
        changes += (
            Change(f"{change.what} of step {number}", change.before, change.after, key)
            for change in _pairs(*lines, key)
        )
        if places[0][key] != places[1][key]:
            was, now = _place_words(places[0][key], old), _place_words(places[1][key], new)
            changes.append(Change(f"Place of step {number}", was, now, key))
    for key, (number, step) in old.items():
        if key not in new:
            changes.append(Change(f"Step {number}", step_words(step, texts_before), NONE, key))
    return changes


def step_words(step: Step, texts: Texts) -> str:
    """One step as one line: `Wait 1 hour`, `Text "Cart recovery 1"`."""
    match step:
        case Delay():
            return f"Wait {duration_words(step.for_)}"
        case MessageStep():
            named = texts.get(step.template)
            return f'Text "{named.name if named else step.template}"'
        case WaitForEvent():
            return f"Wait for {step.event}"
        case WaitForReply():
            return f"Wait for the reply {step.keyword}" if step.keyword else "Wait for a reply"
        case Split():
            return f"Split: {condition_words(step.if_)}"
    return "Exit"


def templates_of(definition: Definition) -> set[str]:
    """The slugs of every text a version may send, answers included."""
    found: set[str] = set()
    for _, step, _ in walk_steps(definition.steps):
        if isinstance(step, MessageStep):
            found |= {step.template, *step.replies.values()}
    return found


def _pairs(before: Lines, after: Lines, key: str) -> Iterator[Change]:
    for name in [*after, *(name for name in before if name not in after)]:
        old, new = before.get(name, NONE) or NONE, after.get(name, NONE) or NONE
        if old != new:
            yield Change(name, old, new, key)


def _rule_lines(definition: Definition) -> Lines:
    trigger = definition.trigger
    lines: Lines = {}
    if isinstance(trigger, EventTrigger):
        lines["Trigger"] = trigger.event
        lines["Filter of the trigger"] = condition_words(trigger.filter)
        if trigger.crosses is not None:
            one = trigger.crosses
            side = "rises to" if one.direction == "up" else "falls to"
            back = f", falling back {one.hysteresis:g} before the next" if one.hysteresis else ""
            before = f", before it {one.previous_property}" if one.previous_property else ""
            lines["Threshold"] = f"{one.property} {side} {one.threshold:g}{back}{before}"
        if trigger.audience != "contact":
            lines["For whom"] = "everybody who asked to hear of it"
    elif isinstance(trigger, SegmentTrigger):
        lines["Trigger"] = f"Enters the segment {trigger.segment}"
        lines["Current members"] = "enter too" if trigger.include_current else "do not enter"
    lines["Oldest event"] = duration_words(trigger.max_age)
    lines["Re-entry"] = reentry_words(definition.reentry)
    lines["Exit criteria"] = "; ".join(map(_exit_words, definition.exit))
    lines["Goal"] = _exit_words(definition.goal) if definition.goal else ""
    lines["Priority"] = str(definition.priority)
    return lines


def _exit_words(rule: EventRule) -> str:
    where = f" where {condition_words(rule.filter)}" if rule.filter else ""
    same = f" with the same {rule.match}" if rule.match else ""
    return f"{rule.event}{where}{same}"


def _step_lines(step: Step, texts: Texts) -> Lines:
    match step:
        case Delay():
            return {"Delay": duration_words(step.for_)}
        case MessageStep():
            return _message_lines(step, texts)
        case WaitForEvent():
            return {
                "Awaited event": step.event,
                "Condition": condition_words(step.filter),
                "Same object": step.match or "",
                "Longest wait": duration_words(step.timeout),
            }
        case WaitForReply():
            return {
                "Awaited reply": step.keyword or "any",
                "Longest wait": duration_words(step.timeout),
            }
        case Split():
            return {"Condition": condition_words(step.if_)}
    return {}


def _message_lines(step: MessageStep, texts: Texts) -> Lines:
    text = texts.get(step.template)
    lines = {
        "Text": text.body if text else "",
        "Template": text.name if text else step.template,
        "In quiet hours": "waits" if step.window == "defer" else "is skipped",
        "At a cap": "is skipped" if step.on_cap == "skip" else "waits for room",
        "If not sent": "the run goes on" if step.on_skip == "advance" else "the run ends",
        "Time to live": duration_words(step.ttl),
        "Needs a reply": "yes" if step.requires_reply else "no",
        "Replies open": duration_words(step.replies_open_for) if step.replies else "",
    }
    for keyword, slug in step.replies.items():
        answer = texts.get(slug)
        lines[f"Answer to {keyword}"] = answer.body if answer else slug
    return lines


def _by_key(definition: Definition) -> Numbered:
    """Per key: the number in reading order, and the step."""
    numbers = step_numbers(definition)
    return {step.key: (numbers[step.key], step) for _, step, _ in walk_steps(definition.steps)}


def _places(steps: list[Step], common: Set[str], path: Path = ()) -> dict[str, Place]:
    """Per key behind which other step it stands, and on which paths; steps that only one version
    has do not count."""
    found: dict[str, Place] = {}
    before = ""
    for step in steps:
        found[step.key] = (before, path)
        if step.key in common:
            before = step.key
        if isinstance(step, WaitForEvent | WaitForReply | Split):
            found |= _places(step.then, common, (*path, ("first", step.key)))
            found |= _places(step.else_, common, (*path, ("second", step.key)))
    return found


def _place_words(place: Place, steps: Numbered) -> str:
    """`after step 2 on the first path of step 1`."""
    before, path = place
    words = [f"after step {steps[before][0]}" if before else "first"]
    words += [f"on the {side} path of step {steps[key][0]}" for side, key in path]
    return " ".join(words)
