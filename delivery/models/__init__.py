"""What was sent and why: the message ledger, its evidence, and everything that answers it."""

from delivery.models.conversations import Answer, Conversation
from delivery.models.gateways import Gateway, Sender
from delivery.models.inbound import InboundMessage
from delivery.models.links import Click, TrackedLink
from delivery.models.messages import Message, MessageContent
from delivery.models.submits import PendingCallback, SendAttempt, StatusCallback
from delivery.models.test_numbers import TestNumber

__all__ = [
    "Answer",
    "Click",
    "Conversation",
    "Gateway",
    "InboundMessage",
    "Message",
    "MessageContent",
    "PendingCallback",
    "SendAttempt",
    "Sender",
    "StatusCallback",
    "TestNumber",
    "TrackedLink",
]
