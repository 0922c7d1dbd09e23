"""What happened: the append-only log, its catalogue, who listens, and who is told over HTTP."""

from events.models.log import (
    BatchState,
    Event,
    EventBatch,
    EventListener,
    EventTally,
    EventType,
    Lane,
)
from events.models.webhooks import WebhookDelivery, WebhookEndpoint, WebhookFeed

__all__ = [
    "BatchState",
    "Event",
    "EventBatch",
    "EventListener",
    "EventTally",
    "EventType",
    "Lane",
    "WebhookDelivery",
    "WebhookEndpoint",
    "WebhookFeed",
]
