"""What happened: the append-only log, its catalogue, who listens, and who is told over HTTP."""

from events.models.catalogue import EventHour, EventTally, EventType, UnstoredItem
from events.models.log import BatchState, Event, EventBatch, EventListener, Lane
from events.models.webhooks import WebhookDelivery, WebhookEndpoint, WebhookFeed

__all__ = [
    "BatchState",
    "Event",
    "EventBatch",
    "EventHour",
    "EventListener",
    "EventTally",
    "EventType",
    "Lane",
    "UnstoredItem",
    "WebhookDelivery",
    "WebhookEndpoint",
    "WebhookFeed",
]
