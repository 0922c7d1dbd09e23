"""The sandbox in which Jinja2 templates run: plain data, bounded sizes, a budget, a clock.

Three fences. The checker (jinja_check) lets only a small part of the language through: no calls,
no macros, no imports, no powers. Every operation that can grow a value is bounded here. Loops
and outputs spend from one budget and look at the clock, so no template takes much more than
`TIME_LIMIT` of computing time whatever it does.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from jinja2 import StrictUndefined, Undefined, pass_context
from jinja2.runtime import Context, LoopContext
from jinja2.sandbox import ImmutableSandboxedEnvironment

from templates_engine.core.fields import is_link_key
from templates_engine.core.money import clean_money
from templates_engine.core.results import LinkFor, LinkUse, RenderStopped
from templates_engine.core.values import as_number, clean_number, clean_text, clean_url

TIME_LIMIT = 0.050
"""Seconds of computing time (not of waiting for it)."""
MAX_ROUNDS = 1000
MAX_STRING = 4000
MAX_ITEMS = 200
STATE = "state "
"""Name of the render's state in the context; the space keeps it out of any template's reach."""
LOOP_PARTS = frozenset({"index", "index0", "revindex", "first", "last", "length"})


class Missing(StrictUndefined):
    """A value that is not there. It may be tested and compared (always false, as everywhere
    on the platform) and stood in for by `or` and `default`; printing it is refused."""

    __slots__ = ()

    def __bool__(self) -> bool:  # type: ignore[override]
        return False

    def __eq__(self, other: object) -> bool:  # type: ignore[override]
        return False

    def __ne__(self, other: object) -> bool:  # type: ignore[override]
        return False

    def _never(self, other: object) -> bool:
        return False

    __lt__ = __le__ = __gt__ = __ge__ = _never  # type: ignore[assignment]
    __hash__ = object.__hash__  # type: ignore[assignment]

    def __iter__(self) -> Iterator[Any]:  # type: ignore[override]
        return iter(())

    def __len__(self) -> int:  # type: ignore[override]
        return 0

    def __contains__(self, item: object) -> bool:  # type: ignore[override]
        return False


class Link:
    """A link not yet printed: only the ones a contact reads become tracked links."""

    __slots__ = ("label", "url")

    def __init__(self, label: str, url: str) -> None:
        self.label = label
        self.url = url


class State:
    """One render: its budget, its clock, its links."""

    __slots__ = (
        "brand",
        "checks",
        "deadline",
        "fenced",
        "link_error",
        "link_for",
        "links",
        "rounds",
    )

    def __init__(self, link_for: LinkFor, brand: Any = None) -> None:
        self.brand = brand
        self.fenced = type(brand) is dict and bool(brand.get("link_hosts"))
        self.rounds = MAX_ROUNDS
        self.checks = 0
        self.deadline = 0.0
        self.link_for = link_for
        self.links: list[LinkUse] = []
        self.link_error: Exception | None = None

    def check_clock(self) -> None:
        # The thread's own time: on a busy machine wall time would stop innocent texts. Asking
        # costs a system call, so only each 16th check does; an ordinary text never asks.
        self.checks += 1
        if self.checks % 16:
            return
        spent = time.thread_time()
        if not self.deadline:
            self.deadline = spent + TIME_LIMIT
        elif spent > self.deadline:
            detail = f"The template ran longer than {int(TIME_LIMIT * 1000)} ms."
            raise RenderStopped("render_limit", detail)

    def shorten(self, link: Link) -> str:
        if self.fenced and not clean_url(link.url, self.brand):
            detail = f"{link.label} leads to a host the workspace does not link to."
            raise RenderStopped("link_missing", detail)
        try:
            short = self.link_for(link.label, link.url)
        except Exception as error:
            self.link_error = error
            raise
        self.links.append(LinkUse(link.label, link.url, short))
        return short


def clean_raw(raw: Any, key: str, brand: Any) -> Any:
    """A fact as a template may see it: cleaned text, number, list, plain dict; else None."""
    if isinstance(raw, str):
        if is_link_key(key):
            url = clean_url(raw, brand)
            return Link(key, url) if url else None
        return clean_text(raw) or None
    if type(raw) in (int, float, Decimal):
        return as_number(raw)
    if type(raw) is bool or type(raw) is dict:
        return raw
    if type(raw) is list:
        return raw[:MAX_ITEMS]
    return None


def as_words(value: Any, state: State | None) -> str:
    """What a value reads like. Raises RenderStopped for what must not be printed."""
    if type(value) is str:
        return value
    if type(value) is Link and state is not None:
        return state.shorten(value)
    if type(value) is dict:
        words = clean_money(value, value, None)
    elif type(value) is bool:
        words = ""
    else:
        words = clean_number(value)
    if not words:
        name = getattr(value, "_undefined_name", None) if isinstance(value, Undefined) else None
        what = "A value" if name is None else str(name)[:60]
        raise RenderStopped("field_missing", f"{what} is missing and has no fallback.")
    return words


def stop_growth(size: int) -> None:
    if size > MAX_STRING:
        raise RenderStopped("render_limit", f"A value grew beyond {MAX_STRING} characters.")


@pass_context
def finalize(context: Context, value: Any) -> str:
    """Called for every printed expression."""
    if type(value) is str:
        return value
    state: State = context.parent[STATE]
    state.check_clock()
    return as_words(value, state)


class TextEnvironment(ImmutableSandboxedEnvironment):
    """Dict keys only, no calls, arithmetic on ordinary numbers."""

    intercepted_binops = frozenset(["+", "-", "*", "/", "//", "%", "**"])

    def getattr(self, obj: Any, attribute: str) -> Any:
        if type(obj) is dict:
            value = clean_raw(obj.get(attribute), attribute, None)
            return Missing(name=attribute) if value is None else value
        if type(obj) is LoopContext and attribute in LOOP_PARTS:
            return getattr(obj, attribute)
        return Missing(name=attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        if type(argument) is str:
            return self.getattr(obj, argument)
        if type(obj) is list and type(argument) is int and -len(obj) <= argument < len(obj):
            value = clean_raw(obj[argument], "", None)
            return Missing(name="item") if value is None else value
        return Missing(name="item")

    def call(self, context: Context, obj: Any, *args: Any, **kwargs: Any) -> Any:
        raise RenderStopped("render_failed", "A text cannot call anything; use a filter.")

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        if isinstance(left, Undefined) or isinstance(right, Undefined):
            return Missing(name="A sum of something missing")
        if operator == "+" and type(left) is str and type(right) is str:
            stop_growth(len(left) + len(right))
            return left + right
        first, second = as_number(left), as_number(right)
        if type(left) is str or type(right) is str or first is None or second is None:
            raise RenderStopped("render_failed", f"{operator} works on ordinary numbers only.")
        if operator == "**":
            raise RenderStopped("render_failed", "Powers are not available in a text.")
        if isinstance(first, Decimal) != isinstance(second, Decimal):
            first, second = Decimal(str(first)), Decimal(str(second))
        result = super().call_binop(context, operator, first, second)
        if as_number(result) is None:
            raise RenderStopped("render_limit", "A number grew too large.")
        return result
