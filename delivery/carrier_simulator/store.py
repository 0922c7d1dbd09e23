"""What the simulated carrier knows, in memory, with an append-only file beside it if wanted.

The file is written before anything is answered, so that after a SIGKILL a restart still knows
every text it ever accepted: that is what reconciliation is tested against.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections import defaultdict
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from delivery.carrier_simulator.texts import FINAL, RANK, Text


@dataclass(slots=True)
class Number:
    """A number an account owns. `segments_per_second`: None = as fast as asked.

    daily_cap: texts per day (UTC) before T-Mobile's limit (30027) hits, None = none.
    sms: whether it can text at all. verification: of a toll-free number, as Twilio words it
    (TWILIO_APPROVED, IN_REVIEW ...), "" = none. application_sid: a TwiML app that takes its texts.
    """

    phone: str
    inbound_url: str = ""
    segments_per_second: float | None = None
    daily_cap: int | None = None
    sms: bool = True
    verification: str = ""
    application_sid: str = ""

    @property
    def is_short_code(self) -> bool:
        return not self.phone.startswith("+")

    @property
    def sid(self) -> str:
        kind = "SC" if self.is_short_code else "PN"
        return f"{kind}{hashlib.md5(self.phone.encode(), usedforsecurity=False).hexdigest()}"


@dataclass(slots=True)
class Service:
    """A messaging service: a pool of the account's numbers behind one sid. campaigns: the states
    of its 10DLC campaigns as Twilio words them (VERIFIED, IN_PROGRESS, FAILED)."""

    sid: str
    numbers: list[str]
    inbound_url: str = ""
    status_callback: str = ""
    advanced_opt_out: bool = False
    campaigns: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Account:
    """`auth_tokens`: the first signs webhooks, all of them log in. `api_keys`: sid -> secret, of
    standard keys. `status`: active, suspended or closed; `type`: Full or Trial."""

    sid: str
    auth_tokens: list[str]
    api_keys: dict[str, str] = field(default_factory=dict)
    numbers: dict[str, Number] = field(default_factory=dict)
    services: dict[str, Service] = field(default_factory=dict)
    status: str = "active"
    type: str = "Full"

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Account:
        """Raises KeyError, TypeError or ValueError when the shape is wrong."""
        tokens = data.get("auth_tokens") or [data["auth_token"]]
        numbers = [
            Number(phone=item) if isinstance(item, str) else Number(**item)
            for item in data.get("numbers", [])
        ]
        services = [Service(**item) for item in data.get("services", [])]
        if not str(data["sid"]).startswith("AC") or not all(isinstance(t, str) for t in tokens):
            raise ValueError("an account has a sid (AC...) and auth tokens")
        return cls(
            sid=data["sid"],
            auth_tokens=list(tokens),
            api_keys=dict(data.get("api_keys", {})),
            numbers={number.phone: number for number in numbers},
            services={service.sid: service for service in services},
            status=str(data.get("status", "active")),
            type=str(data.get("type", "Full")),
        )

    def to_json(self) -> dict[str, Any]:
        return {
            "sid": self.sid,
            "auth_tokens": self.auth_tokens,
            "api_keys": self.api_keys,
            "numbers": [asdict(number) for number in self.numbers.values()],
            "services": [asdict(service) for service in self.services.values()],
            "status": self.status,
            "type": self.type,
        }

    def sender_keys(self, number: str) -> list[str]:
        """Who a STOP to this number stops: the services it is in, else the number itself."""
        return [s.sid for s in self.services.values() if number in s.numbers] or [number]


class Store:
    """All state. Every change goes through a method here, which also writes it down."""

    def __init__(self, folder: Path | None = None, *, keep: int = 100_000) -> None:
        self.accounts: dict[str, Account] = {}
        self.texts: dict[str, Text] = {}  # oldest first
        self.by_number: dict[str, list[Text]] = defaultdict(list)
        self.opt_outs: set[tuple[str, str, str]] = set()  # account, sender key, phone
        self.keep = keep
        self._file: int | None = None
        if folder is not None:
            self._open(folder)

    # --- changes ---------------------------------------------------------------------------

    def put_account(self, account: Account) -> None:
        self.accounts[account.sid] = account
        self._write("account", account.to_json())

    def add_text(self, text: Text) -> None:
        self._keep_text(text)
        self._write("text", text)
        if len(self.texts) > self.keep:
            self._forget_oldest()

    def set_status(self, text: Text, status: str, *, at: float, error_code: int | None) -> None:
        text.status, text.error_code, text.updated_at = status, error_code, at
        if status in {"sent", "delivered", "undelivered"} and text.sent_at is None:
            text.sent_at = at
        if text.is_final:
            text.final_at = at
        self._write(
            "status",
            [text.sid, status, at, error_code, text.from_number, text.sent_at, text.final_at],
        )

    def set_opt_out(self, account_sid: str, sender_key: str, phone: str, *, out: bool) -> None:
        entry = (account_sid, sender_key, phone)
        (self.opt_outs.add if out else self.opt_outs.discard)(entry)
        self._write("opt_out", [*entry, out])

    def set_body(self, text: Text, body: str) -> None:
        text.body = body
        self._write("body", [text.sid, body])

    def remove_text(self, text: Text) -> None:
        self._drop_text(text)
        self._write("removed", text.sid)

    def reset(self, *, accounts: bool) -> None:
        """Forget texts and opt-outs, and accounts if asked."""
        self.texts.clear()
        self.by_number.clear()
        self.opt_outs.clear()
        if accounts:
            self.accounts.clear()
        if self._file is not None:
            os.ftruncate(self._file, 0)
            for account in self.accounts.values():
                self._write("account", account.to_json())

    # --- questions -------------------------------------------------------------------------

    def owner_of(self, number: str) -> Account | None:
        return next((a for a in self.accounts.values() if number in a.numbers), None)

    def is_opted_out(self, account_sid: str, sender_key: str, phone: str) -> bool:
        return (account_sid, sender_key, phone) in self.opt_outs

    def texts_of(self, account_sid: str, *, to: str | None, from_number: str | None) -> list[Text]:
        """Newest first."""
        if to or from_number:
            pool: list[Text] = self.by_number.get(to or from_number or "", [])
        else:
            pool = list(self.texts.values())
        return [
            text
            for text in reversed(pool)
            if text.account_sid == account_sid
            and (not to or text.to == to)
            and (not from_number or text.from_number == from_number)
        ]

    # --- the file --------------------------------------------------------------------------

    def _open(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / "journal.jsonl"
        if path.exists():
            with path.open("rb") as lines:
                for line in lines:
                    if line.endswith(b"\n"):  # else torn by a crash: it was never answered
                        self._replay(*json.loads(line))
        # Written anew at each start: it then holds one line per text, however long it lived.
        fresh = folder / "journal.new"
        flags = os.O_CREAT | os.O_TRUNC | os.O_WRONLY | os.O_APPEND
        self._file = os.open(fresh, flags, 0o600)
        for account in self.accounts.values():
            self._write("account", account.to_json())
        for text in self.texts.values():
            self._write("text", text)
        for entry in sorted(self.opt_outs):
            self._write("opt_out", [*entry, True])
        os.replace(fresh, path)

    def _write(self, kind: str, data: Any) -> None:
        if self._file is not None:
            if isinstance(data, Text):
                data = data.to_journal()
            os.write(self._file, json.dumps([kind, data]).encode() + b"\n")

    def _replay(self, kind: str, data: Any) -> None:
        if kind == "account":
            account = Account.from_json(data)
            self.accounts[account.sid] = account
        elif kind == "text":
            self._keep_text(Text.from_journal(data))
        elif kind == "opt_out":
            (self.opt_outs.add if data[3] else self.opt_outs.discard)(tuple(data[:3]))
        elif (text := self.texts.get(data if kind == "removed" else data[0])) is None:
            return
        elif kind == "status":
            _, text.status, text.updated_at, text.error_code, number, sent_at, final_at = data
            text.sent_at, text.final_at = sent_at, final_at
            self.choose_sender(text, number)
        elif kind == "body":
            text.body = data[1]
        elif kind == "removed":
            self._drop_text(text)

    # --- memory ----------------------------------------------------------------------------

    def choose_sender(self, text: Text, number: str | None) -> None:
        """A messaging service's text gets its sender (written down with its next status)."""
        if number and text.from_number is None:
            text.from_number = number
            self.by_number[number].append(text)

    def _keep_text(self, text: Text) -> None:
        self.texts[text.sid] = text
        self.by_number[text.to].append(text)
        if text.from_number:
            self.by_number[text.from_number].append(text)

    def _drop_text(self, text: Text) -> None:
        self.texts.pop(text.sid, None)
        for number in (text.to, text.from_number):
            if number and (held := self.by_number.get(number)):
                self.by_number[number] = [other for other in held if other is not text]

    def _forget_oldest(self) -> None:
        """Memory is bounded: the oldest tenth goes, except what is still on its way."""
        old = list(self.texts.values())[: self.keep // 10]
        gone = {id(text) for text in old if RANK[text.status] >= FINAL}
        for text in old:
            if id(text) in gone:
                del self.texts[text.sid]
        for number in {n for text in old for n in (text.to, text.from_number) if n}:
            self.by_number[number] = [t for t in self.by_number[number] if id(t) not in gone]
            if not self.by_number[number]:
                del self.by_number[number]
