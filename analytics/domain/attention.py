"""What somebody should look at: texts nobody meant to lose, senders that stand, replies unread."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlencode

from analytics.domain.signals import signals
from consent.domain.queries import count_open_reviews
from delivery.core.periods import WEEK
from delivery.core.reasons import words
from delivery.core.telling import is_trouble, seconds_words
from delivery.domain.history import NO_REASON, count_by_outcome
from delivery.domain.waiting_replies import waiting_replies
from delivery.models import Gateway, Sender
from events.models import BatchState, EventBatch, WebhookEndpoint
from tenancy.ids import show_id

# A webhook that missed once or twice needs nobody.
SOME_FAILURES = 3
# After a day an answer needs an opt-in: until then somebody who asked may simply be answered.
TOO_LATE = timedelta(hours=24)
TEXTS, REPLIES, OTHER = "texts", "replies_wait", "concern"
OPEN_REPLIES = "replies/?show=open"


@dataclass(frozen=True, slots=True)
class Concern:
    """One line. `tone`: wait or stop. `path`: where to go, below the workspace's address, or "";
    `needs`: the permission it takes to go there. `count` texts or replies, the oldest of them
    waiting `since` then."""

    title: str
    detail: str
    tone: str
    code: str = OTHER
    path: str = ""
    needs: str = "view"
    count: int = 0
    since: datetime | None = None


def find_concerns(
    *, since: datetime, now: datetime | None = None, period: str = WEEK
) -> list[Concern]:
    """The worst first; empty when all is well. Texts are those from `since` to `now`, which are the
    `period` that links name; everything else is how it stands. Eleven queries. Without `now` nothing
    is said of what waits, nor of events that should have come."""
    found = [
        *_gateways(),
        *_batches(),
        *_webhooks(),
        *(_replies(now) if now else ()),
        *_messages(since, now, period),
        *_reviews(),
        *(Concern(one.title, one.detail, "stop") for one in signals(now=now)),
    ]
    return sorted(found, key=lambda concern: concern.tone != "stop")


def _gateways() -> list[Concern]:
    stopped = [
        Concern(
            f"The gateway {gateway.account_sid[:10]} is stopped",
            gateway.stopped_reason,
            "stop",
            path="settings/sending/",
            needs="manage_settings",
        )
        for gateway in Gateway.objects.exclude(stopped_reason="").order_by("created_at")
    ]
    paused = [
        Concern(
            f"The sender {sender} is paused",
            sender.paused_reason,
            "stop",
            path="settings/sending/",
            needs="manage_settings",
        )
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
        Concern(
            f"The webhook {row.url[:60]} {'is switched off' if is_off else 'takes nothing'}",
            row.disabled_reason if is_off else "It is tried again",
            "stop" if is_off else "wait",
            path=f"settings/webhooks/{show_id('whk', row.id)}/",
            needs="manage_keys",
        )
        for row in troubled
        if (is_off := row.state == WebhookEndpoint.State.DISABLED)
        or row.failures_in_a_row >= SOME_FAILURES
    ]


def _replies(now: datetime) -> list[Concern]:
    waiting = waiting_replies()
    if waiting.oldest is None:
        return []
    waited = now - waiting.oldest
    many = waiting.count > 1
    title = (
        f"{waiting.count:,} replies wait for an answer" if many else "A reply waits for an answer"
    )
    detail = f"{'The oldest for' if many else 'For'} {seconds_words(waited)}"
    return [
        Concern(
            title,
            detail,
            "stop" if waited >= TOO_LATE else "wait",
            code=REPLIES,
            path=OPEN_REPLIES,
            count=waiting.count,
            since=waiting.oldest,
        )
    ]


def _messages(since: datetime, now: datetime | None, period: str) -> list[Concern]:
    found: dict[tuple[str, str], int] = {}
    for status, reason, count in count_by_outcome(since=since, until=now):
        if is_trouble(status, reason):
            key = ("failed" if status in {"failed", "undelivered"} else status, reason)
            found[key] = found.get(key, 0) + count
    return [
        Concern(
            f"{count:,} text{'s' if count > 1 else ''}"
            f" {'did not arrive' if status == 'failed' else status}",
            words(reason) if reason else "The carrier gave no reason",
            "stop",
            code=TEXTS,
            path=messages_path(status, reason, period),
            count=count,
        )
        for (status, reason), count in sorted(found.items(), key=lambda item: -item[1])
    ]


def messages_path(status: str, reason: str, period: str) -> str:
    """The list of exactly these texts, below the workspace's address."""
    query = {"status": status, "reason": reason or NO_REASON, "period": period}
    return f"messages/?{urlencode(query)}"


def _reviews() -> list[Concern]:
    reviews = count_open_reviews()
    if not reviews:
        return []
    whom = "1 contact" if reviews == 1 else f"{reviews:,} contacts"
    return [
        Concern(
            f"Marketing texts to {whom} are paused",
            "What they wrote may be an opt-out: somebody has to read it",
            "wait",
            path="replies/?show=all",
        )
    ]
