"""What is wrong with events that live flows need: they stopped coming, or texts say too much of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from events.domain.silences import find_silent_events, sensitive_names
from events.domain.usage import list_usages
from people.domain.queries import workspace_defaults
from triggers.models import Flow


@dataclass(frozen=True, slots=True)
class Signal:
    """One line for "Needs attention", about one event."""

    title: str
    detail: str
    event: str


def signals(*, now: datetime | None) -> list[Signal]:
    """Everything to say; without `now` nothing that depends on it. Four queries."""
    return [*(silent_signals(now=now) if now else ()), *revealing_signals()]


def silent_signals(*, now: datetime) -> list[Signal]:
    """Events that live flows hear and that fell silent for no usual reason. Three queries."""
    live = Flow.every.filter(status=Flow.Status.LIVE).values_list("id", flat=True)
    owners = [f"flow:{flow_id}" for flow_id in live]
    return [
        Signal(
            f"{one.name[:60]} has stopped coming",
            f"Nothing for {_words(now - one.silence.since)}; usually {one.silence.expected:,.0f}"
            f" come in this time. {_flows(one.listeners)} for it",
            one.name,
        )
        for one in find_silent_events(owners, now=now, zone=workspace_defaults().timezone)
    ]


def revealing_signals() -> list[Signal]:
    """Live flows whose texts read an event that has been marked sensitive since. One query while
    nothing is sensitive."""
    sensitive = sensitive_names()
    if not sensitive:
        return []
    return [
        Signal(
            f"{use.label[:60]} says what is sensitive",
            f"Its texts read {', '.join(use.reads)} from {use.name}. Take it out and publish again",
            use.name,
        )
        for name, uses in sorted(list_usages().items())
        for use in uses
        if name in sensitive and use.live and use.reads
    ]


def _words(gone: timedelta) -> str:
    hours = int(gone / timedelta(hours=1))
    if hours >= 48:
        return f"{hours // 24} days"
    return f"{hours} hours" if hours > 1 else "an hour"


def _flows(count: int) -> str:
    return "1 live flow waits" if count == 1 else f"{count} live flows wait"
