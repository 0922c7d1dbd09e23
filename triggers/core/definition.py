"""The shape of a flow: what a version's JSON may say.

    {"trigger": {"type": "event", "event": "Checkout Started", ...},
     "reentry": {"mode": "replace", "key": "cart_id", "min_gap": "PT24H"},
     "exit": [{"event": "Order Completed"}], "goal": null, "priority": 80,
     "steps": [{"key": "wait_1h", "type": "delay", "for": "PT1H"}, ...]}

`read_definition` turns JSON into structs or says what is wrong, with the path and a stable code.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import msgspec

Json = dict[str, Any]
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
Key = Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9_]{0,62}$")]
Slug = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9][a-z0-9-]{0,99}$")]


@dataclass(frozen=True, slots=True)
class Flaw:
    """One thing wrong with a definition. `path` is such as `steps[1].then[0].for`."""

    path: str
    code: str
    detail: str


class BadDefinition(ValueError):
    """The JSON is no flow. `flaws` names every place."""

    def __init__(self, flaws: list[Flaw]) -> None:
        super().__init__("; ".join(f"{flaw.path}: {flaw.detail}" for flaw in flaws))
        self.flaws = flaws


class Crosses(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Fires on the edge: the value passes the threshold, not while it stays beyond it.

    `hysteresis`: how far the value must fall back before it may cross again.
    """

    property: Name
    threshold: float
    direction: Literal["up", "down"] = "up"
    previous_property: str | None = None
    hysteresis: Annotated[float, msgspec.Meta(ge=0)] = 0.0


class EventTrigger(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="type", tag="event"
):
    event: Name
    filter: Json | None = None
    audience: Literal["contact", "back_in_stock_requests"] = "contact"
    crosses: Crosses | None = None
    max_age: str = "PT24H"


class SegmentTrigger(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="type", tag="segment"
):
    segment: Slug
    include_current: bool = False
    max_age: str = "PT24H"


class ScheduleTrigger(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="type", tag="schedule"
):
    """A campaign's: at one instant, or at one local time in each contact's zone.

    The campaign holds audience and time; nobody but it makes such a version.
    """

    max_age: str = "PT24H"


class Reentry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`once` ever, `after_exit`, `every` `min_gap`, `parallel` per `key`, `replace` per `key`."""

    mode: Literal["once", "after_exit", "every", "parallel", "replace"] = "after_exit"
    key: str | None = None
    min_gap: str | None = None


class EventRule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An event that ends a run. `match`: a property that must equal the trigger's."""

    event: Name
    filter: Json | None = None
    match: str | None = None


class Delay(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="type", tag="delay"):
    key: Key
    for_: str = msgspec.field(name="for")


class MessageStep(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="type", tag="message"
):
    key: Key
    template: Slug
    window: Literal["defer", "skip"] = "defer"
    on_skip: Literal["advance", "exit"] = "advance"
    on_cap: Literal["skip", "wait"] = "skip"
    ttl: str | None = None
    requires_reply: bool = False
    replies: dict[str, Slug] = msgspec.field(default_factory=dict)
    replies_open_for: str = "P2D"


class WaitForEvent(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="type", tag="wait_for_event"
):
    key: Key
    event: Name
    timeout: str
    filter: Json | None = None
    match: str | None = None
    then: list[Step] = msgspec.field(default_factory=list)
    else_: list[Step] = msgspec.field(default_factory=list, name="else")


class WaitForReply(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="type", tag="wait_for_reply"
):
    """Any reply, or the one `keyword`."""

    key: Key
    timeout: str
    keyword: str | None = None
    then: list[Step] = msgspec.field(default_factory=list)
    else_: list[Step] = msgspec.field(default_factory=list, name="else")


class Split(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="type", tag="split"):
    """`if` is a condition (see `core.conditions`); missing data takes `else`."""

    key: Key
    if_: Json = msgspec.field(name="if")
    then: list[Step] = msgspec.field(default_factory=list)
    else_: list[Step] = msgspec.field(default_factory=list, name="else")


class Exit(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="type", tag="exit"):
    key: Key


Step = Delay | MessageStep | WaitForEvent | WaitForReply | Split | Exit
Branching = WaitForEvent | WaitForReply | Split


class Definition(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    trigger: EventTrigger | SegmentTrigger | ScheduleTrigger
    steps: Annotated[list[Step], msgspec.Meta(min_length=1, max_length=50)]
    reentry: Reentry = Reentry()
    exit: list[EventRule] = msgspec.field(default_factory=list)
    goal: EventRule | None = None
    priority: Annotated[int, msgspec.Meta(ge=0, le=100)] = 50


def decode_definition(raw: Mapping[str, Any]) -> Definition:
    """JSON of a stored version -> structs. Raises `BadDefinition` with one flaw."""
    try:
        return msgspec.convert(raw, Definition)
    except msgspec.ValidationError as error:
        raise BadDefinition([_flaw_of(str(error))]) from None
    except RecursionError:
        raise BadDefinition([Flaw("steps", "too_deep", "Steps are nested too deep.")]) from None


def encode_definition(definition: Definition) -> Json:
    """Structs -> JSON, every default written out."""
    encoded: Json = msgspec.to_builtins(definition)
    return encoded


def walk_steps(
    steps: list[Step], path: str = "steps", depth: int = 0
) -> Iterator[tuple[str, Step, int]]:
    """Every step with its path and depth, in reading order."""
    for index, one in enumerate(steps):
        here = f"{path}[{index}]"
        yield here, one, depth
        if isinstance(one, WaitForEvent | WaitForReply | Split):
            yield from walk_steps(one.then, f"{here}.then", depth + 1)
            yield from walk_steps(one.else_, f"{here}.else", depth + 1)


_PLACE = re.compile(r"^(?P<text>.*?)(?: - at `\$\.?(?P<path>[^`]*)`)?$", re.DOTALL)
_CODES = (
    ("unknown field", "unknown_field"),
    ("missing required field", "missing_field"),
    ("Invalid enum value", "invalid_value"),
    ("Invalid value", "invalid_value"),
    ("length", "invalid_length"),
    ("regex", "invalid_format"),
    ("Expected", "wrong_type"),
)


def _flaw_of(message: str) -> Flaw:
    found = _PLACE.match(message)
    text, path = (found["text"], found["path"] or "") if found else (message, "")
    named = re.search(r"field `([^`]+)`", text)
    if named:
        path = f"{path}.{named[1]}".lstrip(".")
    code = next((code for part, code in _CODES if part in text), "invalid_value")
    return Flaw(path or "definition", code, text.rstrip(".") + ".")
