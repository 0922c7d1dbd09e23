"""What becomes of a text once it is accepted: its statuses, their times and their callbacks."""

from __future__ import annotations

import asyncio
import secrets
import time
from dataclasses import dataclass

from delivery.carrier_simulator.rules import FAILS_EARLY, Rule, RuleBook, fraction
from delivery.carrier_simulator.store import Account, Store
from delivery.carrier_simulator.texts import API_VERSION, FINAL, RANK, CallbackManner, Step, Text
from delivery.carrier_simulator.webhooks import Webhook, WebhookSender

MAX_QUEUE_SECONDS = 36_000
DEFAULT_FILTERED = ("bit.ly/", "tinyurl.com/", "free money")


@dataclass(slots=True)
class Settings:
    """fast: every status at once. callbacks: whether status callbacks are sent at all.

    price_after: seconds until the price is known. undelivered_share: part of all texts that ends
    undelivered (30003), chosen by sid. filtered: words that carriers filter (30007).
    """

    fast: bool = False
    callbacks: bool = True
    price_after: float = 10.0
    undelivered_share: float = 0.0
    filtered: tuple[str, ...] = DEFAULT_FILTERED
    seed: str = ""


class QueueFull(Exception):
    """The sender's queue holds ten hours of parts already."""


class Carrier:
    def __init__(
        self, store: Store, settings: Settings, webhooks: WebhookSender, rules: RuleBook
    ) -> None:
        self.store, self.settings = store, settings
        self.webhooks, self.rules = webhooks, rules
        self._free_at: dict[str, float] = {}  # sender -> when its queue is empty
        self._sent_today: dict[tuple[str, int], int] = {}
        self._held: dict[str, list[Webhook]] = {}  # callbacks that wait to be reordered
        self._timers: dict[str, asyncio.TimerHandle] = {}

    @property
    def steps_pending(self) -> int:
        return len(self._timers)

    def new_sid(self, prefix: str = "SM") -> str:
        return prefix + secrets.token_hex(16)

    # --- outbound --------------------------------------------------------------------------

    def accept(self, text: Text, *, sender: str, validity: int, account: Account) -> None:
        """Takes a text over: plans its statuses, stores it, starts the clock.

        sender: the number it will go out from. Raises QueueFull.
        """
        fates = self.rules.for_fate(
            account=text.account_sid, to=text.to, from_number=sender, body=text.body
        )
        text.plan = self._plan(text, fates, sender=sender, validity=validity, account=account)
        text.manner = _manner(fates)
        self.store.add_text(text)
        self._schedule(text)

    def resume(self) -> None:
        """After a restart: every text that was still on its way goes on."""
        for text in list(self.store.texts.values()):
            if RANK[text.status] < FINAL:
                self._schedule(text)

    def stop_all(self) -> None:
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()
        self._held.clear()
        self._free_at.clear()
        self._sent_today.clear()

    def cancel_timers_of(self, text: Text) -> None:
        if timer := self._timers.pop(text.sid, None):
            timer.cancel()

    def _plan(
        self, text: Text, fates: list[Rule], *, sender: str, validity: int, account: Account
    ) -> list[Step]:
        start, steps = text.created_at, []
        number = account.numbers.get(sender)
        if text.service_sid:
            steps.append(Step(start, "queued"))
        if number and number.segments_per_second:
            free_at = max(start, self._free_at.get(sender, 0.0))
            if free_at - start > MAX_QUEUE_SECONDS:
                if text.service_sid is None:
                    raise QueueFull
                return [*steps, Step(start, "failed", 30001)]
            if free_at - start > validity:
                return [*steps, Step(start + validity, "failed", 30036)]
            self._free_at[sender] = free_at + text.num_segments / number.segments_per_second
            start = free_at
        luck = fraction(text.sid)
        sent_at = start if self.settings.fast else start + 0.03 + 0.12 * luck
        final_at = start if self.settings.fast else start + 0.3 + 1.2 * luck
        status, code = self._ending(text, fates, sender=sender, account=account)
        for rule in fates:
            if rule.do == "deliver_after":
                final_at = start + rule.seconds
        if status == "failed":
            return [*steps, Step(sent_at, "failed", code)]
        steps.append(Step(sent_at, "sent"))
        if status != "sent":
            steps.append(Step(max(sent_at, final_at), status, code))
        return steps

    def _ending(
        self, text: Text, fates: list[Rule], *, sender: str, account: Account
    ) -> tuple[str, int | None]:
        for rule in fates:
            if rule.do == "fail":
                early = "failed" if rule.code in FAILS_EARLY else "undelivered"
                return (str(rule.status) if rule.status else early), rule.code
            if rule.do == "only_sent":
                return "sent", None
        number = account.numbers.get(sender)
        if number and number.daily_cap is not None:
            day = (sender, int(text.created_at // 86_400))
            self._sent_today[day] = self._sent_today.get(day, 0) + 1
            if self._sent_today[day] > number.daily_cap:
                return "undelivered", 30027
        lowered = text.body.casefold()
        if any(word.casefold() in lowered for word in self.settings.filtered):
            return "undelivered", 30007
        share = self.settings.undelivered_share
        if share and fraction(f"{self.settings.seed}:fate:{text.sid}") < share:
            return "undelivered", 30003
        return "delivered", None

    # --- statuses --------------------------------------------------------------------------

    def _schedule(self, text: Text) -> None:
        """Sets what is due now and a timer for the next status."""
        loop = asyncio.get_running_loop()
        self._timers.pop(text.sid, None)
        for step in text.steps_left():
            wait = step.at - time.time()
            if wait > 0:
                self._timers[text.sid] = loop.call_later(wait, self._schedule, text)
                return
            if self.settings.fast:
                # After the answer to the POST, not before it.
                self._timers[text.sid] = loop.call_later(0, self._advance, text, step)
                return
            self._set_status(text, step)

    def _advance(self, text: Text, step: Step) -> None:
        self._set_status(text, step)
        self._schedule(text)

    def _set_status(self, text: Text, step: Step) -> None:
        if text.sid not in self.store.texts:
            return
        if text.service_sid and text.from_number is None:
            self.store.choose_sender(text, self._sender_from_pool(text))
        self.store.set_status(text, step.status, at=time.time(), error_code=step.error_code)
        self._announce(text)

    def _sender_from_pool(self, text: Text) -> str | None:
        account = self.store.accounts.get(text.account_sid)
        service = account.services.get(text.service_sid or "") if account else None
        return pick_sender(service.numbers, text.to) if service else None

    def _announce(self, text: Text) -> None:
        account = self.store.accounts.get(text.account_sid)
        manner = text.manner or CallbackManner()
        if not text.callback_url or not self.settings.callbacks or manner.missing or not account:
            return
        webhook = Webhook(text.sid, text.callback_url, _callback_form(text), account.auth_tokens[0])
        out = [webhook, webhook] if manner.duplicate else [webhook]
        if manner.reorder:
            held = self._held.setdefault(text.sid, [])
            held[:0] = out
            if not text.is_final:
                return
            out = self._held.pop(text.sid)
        for item in out:
            if manner.delay:
                asyncio.get_running_loop().call_later(manner.delay, self.webhooks.enqueue, item)
            else:
                self.webhooks.enqueue(item)


def pick_sender(numbers: list[str], to: str) -> str:
    """Sticky: a contact always gets the same number of a pool."""
    return numbers[int(fraction(to) * len(numbers))]


def _manner(fates: list[Rule]) -> CallbackManner | None:
    manner = CallbackManner()
    for rule in fates:
        if rule.do == "callbacks":
            manner.missing |= rule.mode == "missing"
            manner.duplicate |= rule.mode == "duplicate"
            manner.reorder |= rule.mode == "reorder"
            manner.delay = rule.seconds if rule.mode == "delay" else manner.delay
    return manner if manner != CallbackManner() else None


def _callback_form(text: Text) -> dict[str, str]:
    form = {
        "AccountSid": text.account_sid,
        "ApiVersion": API_VERSION,
        "From": text.from_number or "",
        "MessageSid": text.sid,
        "MessageStatus": text.status,
        "SmsSid": text.sid,
        "SmsStatus": text.status,
        "To": text.to,
    }
    if text.service_sid:
        form["MessagingServiceSid"] = text.service_sid
    if text.error_code:
        form["ErrorCode"] = str(text.error_code)
    if text.status in {"delivered", "undelivered"}:
        # The carrier's clock, YYMMDDhhmm.
        form["RawDlrDoneDate"] = time.strftime("%y%m%d%H%M", time.gmtime(text.updated_at))
    return form
