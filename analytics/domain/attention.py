"""What somebody should look at: texts nobody meant to lose, senders that stand, replies unread."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from analytics.domain.signals import signals
from consent.domain.queries import count_open_reviews
from delivery.core.reasons import words
from delivery.core.telling import is_trouble
from delivery.domain.history import count_by_outcome
from delivery.models import Gateway, Sender
from events.models import BatchState, EventBatch, WebhookEndpoint

# A webhook that missed once or twice needs nobody.
SOME_FAILURES = 3


@dataclass(frozen=True, slots=True)
class Concern:
    """One line. `tone`: wait or stop. `status` and `reason` name the `count` messages it is about."""

    title: str
    detail: str
    tone: str
    status: str = ""
    reason: str = ""
    count: int = 0


def find_concerns(*, since: datetime, now: datetime | None = None) -> list[Concern]:
    """The worst first; empty when all is well. Ten queries. Without `now` nothing is said of events
    that should have come."""
    concerns = [*_gateways(), *_batches(), *_webhooks(), *_messages(since)]
    concerns += [Concern(one.title, one.detail, "stop") for one in signals(now=now)]
    reviews = count_open_reviews()
    if reviews:
        title = (
            "1 reply waits for a person" if reviews == 1 else f"{reviews} replies wait for a person"
        )
        concerns.append(
            Concern(title, "Marketing texts to them pause until somebody reads it", "wait")
        )
    return concerns


def _gateways() -> list[Concern]:
    stopped = [
        Concern(
            f"The gateway {gateway.account_sid[:10]} is stopped", gateway.stopped_reason, "stop"
        )
        for gateway in Gateway.objects.exclude(stopped_reason="").order_by("created_at")
    ]
    paused = [
        Concern(f"The sender {sender} is paused", sender.paused_reason, "stop")
        for sender in Sender.objects.filter(state=Sender.State.PAUSED).order_by("created_at")
    ]
    return stopped + paused


def _batches() -> list[Concern]:
    failed = EventBatch.objects.filter(state=BatchState.FAILED).count()
    if not failed:
        return []
    title = f"{failed} batch{'es' if failed > 1 else ''} of events could not be worked on"
    return [Concern(title, "They are kept with their error and can be tried again", "stop")]


def _webhooks() -> list[Concern]:
    """Those that switched themselves off or take nothing; off by somebody's hand is as meant."""
    troubled = WebhookEndpoint.objects.exclude(failing_since=None).order_by("created_at")
    return [
        Concern(f"The webhook {row.url[:60]} is switched off", row.disabled_reason, "stop")
        if row.state == WebhookEndpoint.State.DISABLED
        else Concern(f"The webhook {row.url[:60]} takes nothing", "It is tried again", "wait")
        for row in troubled
        if row.state == WebhookEndpoint.State.DISABLED or row.failures_in_a_row >= SOME_FAILURES
    ]


def _messages(since: datetime) -> list[Concern]:
    found: dict[tuple[str, str], int] = {}
    for status, reason, count in count_by_outcome(since=since):
        if is_trouble(status, reason):
            key = ("failed" if status in {"failed", "undelivered"} else status, reason)
            found[key] = found.get(key, 0) + count
    return [
        Concern(
            f"{count:,} text{'s' if count > 1 else ''} {'did not arrive' if status == 'failed' else status}",
            words(reason) if reason else "The carrier gave no reason",
            "stop",
            status,
            reason,
            count,
        )
        for (status, reason), count in sorted(found.items(), key=lambda item: -item[1])
    ]
