"""A text as Twilio stores and shows it."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from typing import Any

API_VERSION = "2010-04-01"
PRICE_PER_PART = 0.0083

# How far a text has come. A later status never gives way to an earlier one.
RANK = {
    "accepted": 10,
    "queued": 20,
    "sending": 30,
    "sent": 40,
    "delivered": 90,
    "undelivered": 90,
    "failed": 90,
    "canceled": 90,
    "received": 90,
}
FINAL = 90


@dataclass(slots=True)
class Step:
    """A status a text will reach at a time (unix seconds)."""

    at: float
    status: str
    error_code: int | None = None


@dataclass(slots=True)
class CallbackManner:
    """How the status callbacks of one text misbehave."""

    missing: bool = False
    duplicate: bool = False
    reorder: bool = False
    delay: float = 0.0


@dataclass(slots=True)
class Text:
    """Outbound or inbound. Times are unix seconds of the wall clock."""

    sid: str
    account_sid: str
    to: str
    from_number: str | None
    body: str
    direction: str  # inbound | outbound-api | outbound-reply
    status: str
    created_at: float
    num_segments: int
    service_sid: str | None = None
    callback_url: str = ""
    media: list[str] = field(default_factory=list)
    updated_at: float = 0.0
    sent_at: float | None = None
    final_at: float | None = None
    error_code: int | None = None
    plan: list[Step] = field(default_factory=list)
    manner: CallbackManner | None = None

    @property
    def is_final(self) -> bool:
        """No further status will come ("sent" is the last one on routes without receipts)."""
        return RANK[self.status] >= FINAL or (self.status == "sent" and not self.steps_left())

    def steps_left(self) -> list[Step]:
        return [step for step in self.plan if RANK[step.status] > RANK[self.status]]

    def to_api(self, *, now: float, price_after: float) -> dict[str, Any]:
        """The Message resource. The price appears `price_after` seconds after the last status."""
        uri = f"/{API_VERSION}/Accounts/{self.account_sid}/Messages/{self.sid}"
        priced = self.final_at is not None and now >= self.final_at + price_after
        billed = self.error_code != 30036 and self.status not in {"canceled"}
        return {
            "account_sid": self.account_sid,
            "api_version": API_VERSION,
            "body": self.body,
            "date_created": rfc2822(self.created_at),
            "date_sent": rfc2822(self.sent_at) if self.sent_at else None,
            "date_updated": rfc2822(self.updated_at or self.created_at),
            "direction": self.direction,
            "error_code": self.error_code,
            "error_message": None,
            "from": self.from_number,
            "messaging_service_sid": self.service_sid,
            "num_media": str(len(self.media)),
            # With a messaging service no sender is chosen at first, and nothing is counted.
            "num_segments": "0" if self.status == "accepted" else str(self.num_segments),
            "price": f"-{self.num_segments * PRICE_PER_PART:.5f}" if priced and billed else None,
            "price_unit": "USD",
            "sid": self.sid,
            "status": self.status,
            "subresource_uris": {"media": f"{uri}/Media.json"},
            "to": self.to,
            "uri": f"{uri}.json",
        }

    def to_phone(self) -> dict[str, Any]:
        """What the control endpoints show: our own names, times in ISO 8601."""
        return {
            "sid": self.sid,
            "account": self.account_sid,
            "direction": self.direction,
            "from": self.from_number,
            "to": self.to,
            "body": self.body,
            "media": self.media,
            "status": self.status,
            "error_code": self.error_code,
            "num_segments": self.num_segments,
            "messaging_service_sid": self.service_sid,
            "status_callback": self.callback_url,
            "created_at": iso8601(self.created_at),
            "sent_at": iso8601(self.sent_at) if self.sent_at else None,
            "final_at": iso8601(self.final_at) if self.final_at else None,
        }

    def to_journal(self) -> dict[str, Any]:
        # Written out on purpose: dataclasses.asdict copies deeply and costs four times as much.
        data = {name: getattr(self, name) for name in self.__slots__}
        data["plan"] = [(step.at, step.status, step.error_code) for step in self.plan]
        data["manner"] = asdict(self.manner) if self.manner else None
        return data

    @classmethod
    def from_journal(cls, data: dict[str, Any]) -> Text:
        plan = [Step(*step) for step in data.pop("plan")]
        manner = data.pop("manner")
        return cls(**data, plan=plan, manner=CallbackManner(**manner) if manner else None)


@lru_cache(maxsize=1024)
def _rfc2822(second: int) -> str:
    return time.strftime("%a, %d %b %Y %H:%M:%S +0000", time.gmtime(second))


def rfc2822(at: float) -> str:
    return _rfc2822(int(at))


def iso8601(at: float) -> str:
    whole = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(at))
    return f"{whole}.{int(at % 1 * 1000):03d}Z"
