"""What is asked of delivery, and what it answers. Plain data, no database."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import UUID

MessageType = Literal["marketing", "transactional", "conversational", "compliance"]
SourceKind = Literal["flow", "campaign", "api", "reply", "answer", "test", "test_text", "system"]
# A member's own phone gets it because its holder asked for it, whatever the template's type.
TEST_TEXT = "test_text"

CHECK_NAMES = (
    "workspace",
    "contact",
    "consent",
    "suppression",
    "flow",
    "conditions",
    "holdout",
    "render",
    "duplicate",
    "quiet_hours",
    "frequency_cap",
    "budget",
    "hand_off",
)


@dataclass(frozen=True, slots=True)
class SendIntent:
    """The wish to send one text to one contact.

    `dedupe_key`: unique in the workspace; asking twice with one key makes one message.
    `context`: what the words are made of: {"event": {...properties}, "product_key": str | None,
    "cart_key": str | None}. `ttl`: how long the wish stays fresh (None: the template's).
    `window`: inside quiet hours wait for the opening or skip. `on_cap`: at a cap skip or wait.
    `in_reply_to`: the inbound message a conversational text answers.
    `body` replaces the template: for a person's own words (`source_kind` "answer") and for the
    platform's own compliance texts. `phone` replaces, for the latter, the
    contact's number where nobody is known under it.
    """

    dedupe_key: str
    contact_id: UUID | None
    template_version_id: UUID | None
    message_type: str
    source_kind: str
    source_key: str = ""
    flow_id: UUID | None = None
    flow_version_id: UUID | None = None
    run_id: UUID | None = None
    step_key: str = ""
    priority: int = 50
    context: dict[str, Any] = field(default_factory=dict)
    ttl: timedelta | None = None
    window: str = "defer"
    on_cap: str = "skip"
    cause_event_id: UUID | None = None
    in_reply_to: UUID | None = None
    depth: int = 0
    body: str | None = None
    phone: str | None = None


@dataclass(frozen=True, slots=True)
class Check:
    """One of the ordered tests. `ok` is None when an earlier test had already failed."""

    name: str
    ok: bool | None
    text: str
    detail: dict[str, Any] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        return {"name": self.name, "ok": self.ok, "text": self.text, "detail": self.detail}


@dataclass(frozen=True, slots=True)
class Decision:
    """What became of an intent. `status`: queued, scheduled (until `due_at`) or skipped; for a
    repeated dedupe key the held message's status, with `reason` "duplicate"."""

    dedupe_key: str
    message_id: UUID
    status: str
    reason: str
    due_at: datetime | None
    checks: tuple[Check, ...]
    text: str
    num_segments: int
