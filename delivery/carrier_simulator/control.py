"""The control endpoints (`/_sim/...`): what a test, the demo and the Test phone page steer with.

Twilio has none of these. Bodies are JSON and must say so: a web page of another origin cannot
send that without being asked first, and is not answered.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import parse_qs, unquote

from delivery.carrier_simulator import inbound
from delivery.carrier_simulator.api import TwilioApi
from delivery.carrier_simulator.carrier import Carrier
from delivery.carrier_simulator.http_server import Reply, Request, json_reply
from delivery.carrier_simulator.store import Account
from delivery.carrier_simulator.texts import Text
from delivery.carrier_simulator.webhooks import Webhook

Data = dict[str, Any]


class ControlApi:
    def __init__(self, carrier: Carrier, api: TwilioApi) -> None:
        self.carrier, self.store, self.api = carrier, carrier.store, api
        self._posts: dict[str, Callable[[Data], Reply | Awaitable[Reply]]] = {
            "/_sim/accounts": self._put_account,
            "/_sim/inbound": self._inbound,
            "/_sim/rules": self._add_rules,
            "/_sim/settings": self._settings,
            "/_sim/reset": self._reset,
        }

    def handle(self, request: Request) -> Reply | Awaitable[Reply]:
        try:
            return self._route(request)
        except (KeyError, TypeError, ValueError) as error:
            missing = "missing: " if isinstance(error, KeyError) else ""
            return json_reply({"error": f"{missing}{error}"}, 400)

    def _route(self, request: Request) -> Reply | Awaitable[Reply]:
        path = unquote(request.path)
        if request.method == "GET":
            if path == "/_sim/health":
                return json_reply({"status": "ok"})
            if path == "/_sim/count":
                return json_reply(self._count())
            if path == "/_sim/rules":
                return json_reply({"rules": self.carrier.rules.show()})
            if path == "/_sim/accounts":
                return json_reply({"accounts": [a.to_json() for a in self.store.accounts.values()]})
            if path == "/_sim/messages":
                return json_reply({"messages": self._messages(request.query)})
            if path.startswith("/_sim/phones/"):
                return json_reply(self._phone(path.rpartition("/")[2], request.query))
        elif request.method == "POST" and path in self._posts:
            if not request.headers.get("content-type", "").startswith("application/json"):
                return json_reply({"error": "send application/json"}, 415)
            data = json.loads(request.body or b"{}")
            if not isinstance(data, dict):
                raise ValueError("send a JSON object")
            return self._posts[path](data)
        elif request.method == "DELETE" and path == "/_sim/rules":
            self.carrier.rules.rules.clear()
            return json_reply({"rules": []})
        return json_reply({"error": "there is no such endpoint"}, 404)

    def _put_account(self, data: Data) -> Reply:
        """Adds or replaces an account with its numbers, services and webhook URLs."""
        account = Account.from_json(data)
        for number in account.numbers:
            owner = self.store.owner_of(number)
            if owner and owner.sid != account.sid:
                raise ValueError(f"{number} belongs to {owner.sid}")
        self.store.put_account(account)
        self.api.forget_logins()
        return json_reply(account.to_json())

    def _inbound(self, data: Data) -> Reply | Awaitable[Reply]:
        """A person's text. Answers after the webhook was tried, unless `wait` is false."""
        to, from_number = data["to"], data["from"]
        account = self.store.owner_of(to)
        if account is None or data.get("account", account.sid) != account.sid:
            raise ValueError(f"no account owns {to}")
        text, reply, webhook = inbound.receive(
            self.carrier,
            account,
            from_number=from_number,
            to=to,
            body=str(data.get("body", "")),
            media=list(data.get("media", [])),
        )
        answer: Data = {
            "sid": text.sid,
            "auto_reply": reply.to_phone() if reply else None,
            "webhook": None,
        }
        if webhook is None:
            return json_reply(answer)
        if not data.get("wait", True):
            self.carrier.webhooks.enqueue(webhook)
            return json_reply(answer)
        return self._inbound_delivered(webhook, answer)

    async def _inbound_delivered(self, webhook: Webhook, answer: Data) -> Reply:
        result = await self.carrier.webhooks.send(webhook)
        answer["webhook"] = {"outcome": result.outcome, "status": result.status}
        return json_reply(answer)

    def _add_rules(self, data: Data) -> Reply:
        self.carrier.rules.add(data["rules"])
        return json_reply({"rules": self.carrier.rules.show()})

    def _settings(self, data: Data) -> Reply:
        """Changes `fast`, `callbacks`, `price_after`, `undelivered_share`, `filtered` or `seed`."""
        settings = self.carrier.settings
        for name, value in data.items():
            if name not in settings.__slots__:
                raise ValueError(f"there is no setting {name}")
            wanted = tuple if name == "filtered" else type(getattr(settings, name))
            if isinstance(value, str) != (wanted is str):
                raise ValueError(f"{name} has another type")
            setattr(settings, name, wanted(value))
        if "seed" in data:
            self.carrier.rules.seed = data["seed"]
        return json_reply({name: getattr(settings, name) for name in settings.__slots__})

    def _reset(self, data: Data) -> Reply:
        """Forgets texts, opt-outs, rules and counters; accounts too unless `keep_accounts`."""
        self.carrier.stop_all()
        self.carrier.rules.rules.clear()
        self.carrier.webhooks.clear()
        self.api.counts.clear()
        self.store.reset(accounts=not data.get("keep_accounts", True))
        self.api.forget_logins()
        return json_reply(self._count())

    def _count(self) -> Data:
        texts = self.store.texts.values()
        return {
            "texts": len(self.store.texts),
            "directions": Counter(text.direction for text in texts),
            "statuses": Counter(text.status for text in texts if text.direction != "inbound"),
            "requests": self.api.counts,
            "webhooks": self.carrier.webhooks.counts,
            "opt_outs": len(self.store.opt_outs),
            "accounts": len(self.store.accounts),
            "pending": {
                "steps": self.carrier.steps_pending,
                "webhooks": self.carrier.webhooks.pending,
            },
        }

    def _messages(self, query: str) -> list[Data]:
        """Oldest first; filters `to`, `from`, `status`, `direction`, `account`, `after` (a sid)."""
        wanted = {name: values[0] for name, values in parse_qs(query).items()}
        limit, after = int(wanted.pop("limit", 1000)), wanted.pop("after", "")
        number = wanted.get("to") or wanted.get("from")
        pool: list[Text] = (
            self.store.by_number.get(number, []) if number else list(self.store.texts.values())
        )
        found = [
            shown
            for shown in map(Text.to_phone, _after(pool, after))
            if all(str(shown.get(name)) == value for name, value in wanted.items())
        ]
        return found[:limit] if after else found[-limit:]

    def _phone(self, phone: str, query: str) -> Data:
        """Everything a phone has sent and received, oldest first; `after` = the last sid seen."""
        wanted = {name: values[0] for name, values in parse_qs(query).items()}
        texts = _after(self.store.by_number.get(phone, []), wanted.get("after", ""))
        return {
            "phone": phone,
            "messages": [t.to_phone() for t in texts][-int(wanted.get("limit", 500)) :],
            "opted_out_of": sorted(key for _, key, out in self.store.opt_outs if out == phone),
        }


def _after(texts: list[Text], sid: str) -> list[Text]:
    if not sid:
        return texts
    start = next((index + 1 for index, text in enumerate(texts) if text.sid == sid), 0)
    return texts[start:]
