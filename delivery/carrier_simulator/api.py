"""Twilio's message API, as far as the platform and its tests use it.

Paths are Twilio's own under one prefix per product: `/api/2010-04-01/...`, `/messaging/v1/...`,
`/accounts/v1/...`.
"""

from __future__ import annotations

import asyncio
import base64
import json
import re
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import unquote, urlsplit

from delivery.carrier_simulator.carrier import MAX_QUEUE_SECONDS, Carrier, QueueFull, pick_sender
from delivery.carrier_simulator.http_server import Reply, Request, error_reply, json_reply
from delivery.carrier_simulator.listing import list_page
from delivery.carrier_simulator.reading import read_account, read_messaging
from delivery.carrier_simulator.refusals import TITLES, Refused
from delivery.carrier_simulator.rules import FROM_ERRORS, MAGIC_FROM, TO_ERRORS, Rule
from delivery.carrier_simulator.store import Account
from delivery.carrier_simulator.texts import API_VERSION, Text
from templates_engine.core.segments import measure

_E164 = re.compile(r"\+[1-9]\d{6,14}")
_ACCOUNT = re.compile(rf"/api/{API_VERSION}/Accounts/([^/]+?)(?:\.json|/(.+))")
_ONE = re.compile(r"Messages/((?:SM|MM)[0-9a-f]{32})\.json")
MAX_BODY = 1600


class TwilioApi:
    def __init__(self, carrier: Carrier) -> None:
        self.carrier, self.store = carrier, carrier.store
        self.counts: Counter[str] = Counter()
        self._logins: dict[str, Account] = {}

    def forget_logins(self) -> None:
        self._logins.clear()

    def handle(self, request: Request) -> Reply | Awaitable[Reply]:
        try:
            return self._route(request)
        except Refused as refused:
            self.counts[f"refused_{refused.code}"] += 1
            return error_reply(refused.status, refused.code, refused.message)
        except ValueError as error:
            return error_reply(400, 20001, f"A parameter cannot be read: {error}")

    def _route(self, request: Request) -> Reply | Awaitable[Reply]:
        account = self._log_in(request)
        path = unquote(request.path)
        found = _ACCOUNT.fullmatch(path)
        if found is None:
            return self._other_product(account, request, path)
        if found[1] != account.sid:
            raise Refused(404, 20404)
        rest = found[2]
        if rest == "Messages.json":
            if request.method == "POST":
                return self._create(account, request)
            if request.method == "GET":
                return json_reply(list_page(self.store, account, request.params(), self._show))
        elif one := _ONE.fullmatch(rest or ""):
            return self._one(account, one[1], request)
        elif request.method == "GET":
            by_key = _user_of(request) != account.sid
            return read_account(account, rest, request.params(), by_key=by_key)
        raise Refused(404, 20404)

    def _log_in(self, request: Request) -> Account:
        header = request.headers.get("authorization", "")
        if (known := self._logins.get(header)) is not None:
            return known
        user, secret = _credentials(request)
        for account in self.store.accounts.values():
            if (user == account.sid and secret in account.auth_tokens) or (
                user in account.api_keys and secret == account.api_keys[user]
            ):
                self._logins[header] = account
                return account
        raise Refused(401, 20003)

    # --- create ----------------------------------------------------------------------------

    def _create(self, account: Account, request: Request) -> Reply | Awaitable[Reply]:
        form = request.form()
        get = _getter(form)
        self.counts["posted"] += 1
        rule = self.carrier.rules.for_request(
            account=account.sid,
            to=get("To"),
            from_number=get("From") or get("MessagingServiceSid"),
            body=get("Body"),
        )
        if rule and not (rule.after_accept or rule.do in {"truncate", "no_sid", "slow"}):
            return self._trouble(rule, get)
        text = self._take(account, form)
        self.counts["accepted"] += 1
        reply = json_reply(self._show(text), 201)
        return self._spoil(rule, reply) if rule else reply

    def _take(self, account: Account, form: dict[str, list[str]]) -> Text:
        get = _getter(form)
        to, body, media = get("To"), get("Body"), form.get("MediaUrl", [])
        service = account.services.get(get("MessagingServiceSid"))
        sender = self._check_sender(account, get)
        _check_to(to, sender)
        if get("ScheduleType") or get("SendAt"):
            raise Refused(400, 20001, "The carrier simulator does not schedule texts.")
        if not body and not media:
            raise Refused(400, 21602)
        if len(body) > MAX_BODY:
            raise Refused(400, 21617)
        callback = get("StatusCallback") or (service.status_callback if service else "")
        if callback and not _is_url(callback):
            raise Refused(400, 21609)
        validity = get("ValidityPeriod") or str(MAX_QUEUE_SECONDS)
        if not validity.isdigit() or not 1 <= int(validity) <= MAX_QUEUE_SECONDS:
            raise Refused(400, 21624)
        if self.store.is_opted_out(account.sid, service.sid if service else sender, to):
            raise Refused(400, 21610)
        now = time.time()
        text = Text(
            sid=self.carrier.new_sid("MM" if media else "SM"),
            account_sid=account.sid,
            to=to,
            from_number=None if service else sender,
            body=body,
            direction="outbound-api",
            status="accepted" if service else "queued",
            created_at=now,
            updated_at=now,
            num_segments=measure(body).num_segments,
            service_sid=service.sid if service else None,
            callback_url=callback,
            media=media,
        )
        try:
            self.carrier.accept(text, sender=sender, validity=int(validity), account=account)
        except QueueFull:
            raise Refused(400, 21611) from None
        return text

    def _check_sender(self, account: Account, get: Callable[[str], str]) -> str:
        """The number a text will go out from."""
        sender, service_sid = get("From"), get("MessagingServiceSid")
        if service_sid:
            service = account.services.get(service_sid)
            if service is None:
                raise Refused(404, 21701, sender=service_sid)
            if not service.numbers:
                raise Refused(400, 21704)
            return pick_sender(service.numbers, get("To"))
        if not sender:
            raise Refused(400, 21603)
        if sender in account.numbers or sender == MAGIC_FROM:
            return sender
        if self.store.owner_of(sender):
            raise Refused(400, 21660, sender=sender)
        raise Refused(400, FROM_ERRORS.get(sender, 21606), sender=sender)

    def _trouble(self, rule: Rule, get: Callable[[str], str]) -> Reply | Awaitable[Reply]:
        """The POST is answered, or not, without being taken."""
        self.counts[rule.do] += 1
        if rule.do == "error":
            names = {"to": get("To"), "sender": get("From")}
            raise Refused(int(rule.status or 400), rule.code, rule.message or None, **names)
        if rule.do == "throttle":
            reply = error_reply(429, 20429, TITLES[20429])
            if rule.retry_after is not None:
                reply.headers["Retry-After"] = str(rule.retry_after)
            return reply
        if rule.do == "server_error":
            return _server_error(rule)
        if rule.do == "hang":
            return _hang(rule)
        return Reply(manner="drop")

    def _spoil(self, rule: Rule, reply: Reply) -> Reply | Awaitable[Reply]:
        """The text is taken, but the answer suffers."""
        self.counts[rule.do] += 1
        if rule.do == "truncate":
            reply.manner = "truncate"
        elif rule.do == "no_sid":
            return json_reply({**json.loads(reply.body), "sid": None}, 201)
        elif rule.do == "slow":
            return _answer_after(rule.seconds, reply)
        elif rule.do == "server_error":
            return _server_error(rule)
        elif rule.do == "hang":
            return _hang(rule)
        elif rule.do == "drop":
            reply.manner = "drop"
        return reply

    # --- read, redact, delete --------------------------------------------------------------

    def _one(self, account: Account, sid: str, request: Request) -> Reply:
        text = self.store.texts.get(sid)
        if text is None or text.account_sid != account.sid:
            raise Refused(404, 20404)
        if request.method == "GET":
            return json_reply(self._show(text))
        if request.method == "DELETE":
            if not text.is_final:
                raise Refused(409, 20009)
            self.store.remove_text(text)
            return Reply(204)
        form = request.form()
        if "Status" in form:
            raise Refused(400, 30409, "Message cannot be canceled.")
        if form.get("Body") != [""]:
            raise Refused(400, 20001, "Only an empty Body redacts a message.")
        if not text.is_final:
            raise Refused(409, 20009)
        self.store.set_body(text, "")
        return json_reply(self._show(text))

    def _show(self, text: Text) -> dict[str, Any]:
        return text.to_api(now=time.time(), price_after=self.carrier.settings.price_after)

    # --- other products --------------------------------------------------------------------

    def _other_product(self, account: Account, request: Request, path: str) -> Reply:
        if path.startswith("/messaging/v1/") and request.method == "GET":
            return read_messaging(account, path, request.params())
        if path == "/accounts/v1/Consents/Bulk" and request.method == "POST":
            return self._consents(account, request)
        raise Refused(404, 20404)

    def _consents(self, account: Account, request: Request) -> Reply:
        results = []
        for raw in request.form().get("Items", [])[:25]:
            item = json.loads(raw)
            sender, phone = item.get("sender_id", ""), item.get("contact_id", "")
            known = sender in account.services or sender in account.numbers
            good = known and bool(_E164.fullmatch(phone))
            if good:
                out = item.get("status") == "opt-out"
                keys = [sender] if sender in account.services else account.sender_keys(sender)
                for key in keys:
                    self.store.set_opt_out(account.sid, key, phone, out=out)
            results.append(
                {
                    "correlation_id": item.get("correlation_id"),
                    "error_code": 0 if good else 30646,
                    "error_messages": [] if good else ["unknown sender or number"],
                }
            )
        return json_reply({"items": results}, 201)


def _credentials(request: Request) -> tuple[str, str]:
    header = request.headers.get("authorization", "")
    try:
        user, _, secret = base64.b64decode(header.removeprefix("Basic ")).decode().partition(":")
    except ValueError:
        raise Refused(401, 20003) from None
    return user, secret


def _user_of(request: Request) -> str:
    return _credentials(request)[0]


def _server_error(rule: Rule) -> Reply:
    status = int(rule.status or 500)
    if rule.message:
        return Reply(status, rule.message.encode(), {"Content-Type": "text/html"})
    return error_reply(status, 20503 if status == 503 else 20500, "Internal Server Error")


async def _hang(rule: Rule) -> Reply:
    await asyncio.sleep(rule.seconds or 60)
    return Reply(manner="drop")


async def _answer_after(seconds: float, reply: Reply) -> Reply:
    await asyncio.sleep(seconds)
    return reply


def _check_to(to: str, sender: str) -> None:
    if not to:
        raise Refused(400, 21604)
    if to in TO_ERRORS:
        raise Refused(400, TO_ERRORS[to], to=to, sender=sender)
    if not _E164.fullmatch(to):
        raise Refused(400, 21211, to=to)
    if to == sender:
        raise Refused(400, 21266, to=to)


def _is_url(url: str) -> bool:
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(host) and "_" not in host


def _getter(pairs: dict[str, list[str]]) -> Callable[[str], str]:
    return lambda name: pairs.get(name, [""])[0]
