"""The demo's shop as the outside world: it talks to the product over HTTP only."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

import requests

from demo.core.cast import Person
from demo.core.plan import Post

TIMEOUT = 30
LIVE_BATCH = 50
HISTORY_BATCH = 200  # a body holds at most 500 KB
PRODUCT_BATCH = 1000
PHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 "
    "(KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1"
)
PREVIEW = "facebookexternalhit/1.1 Facebot Twitterbot/1.0"


class ShopError(RuntimeError):
    """The product refused what the demo's shop sent: a defect, so it ends the demo loudly."""


class Shop:
    """One brand's shop: a server that sends events, and phones that tap links.

    `api_key`: for history and products; live events need none.
    """

    def __init__(self, base_url: str, *, write_key: str, api_key: str = "") -> None:
        self.base_url = base_url.rstrip("/")
        self.write_key = write_key
        self.session = requests.Session()
        self.api = {"Authorization": f"Bearer {api_key}"}

    def identify(self, people: Sequence[Person]) -> None:
        for some in _chunks(people, HISTORY_BATCH):
            self._batch(
                [
                    {
                        "type": "identify",
                        "messageId": f"demo-identify-{person.user_id}",
                        "userId": person.user_id,
                        "traits": person.traits(),
                    }
                    for person in some
                ]
            )

    def add_products(self, products: Sequence[dict[str, Any]]) -> None:
        for some in _chunks(products, PRODUCT_BATCH):
            self._send("/api/v1/products", {"products": list(some)}, headers=self.api)

    def track(self, posts: Sequence[Post]) -> None:
        """Live events; those of one moment share a call."""
        for some in _chunks(posts, LIVE_BATCH):
            self._batch([_segment_item(post) for post in some])

    def backfill(self, posts: Sequence[Post]) -> None:
        """History: recorded, counted and shown, but it starts no flow."""
        for some in _chunks(posts, HISTORY_BATCH):
            events = [_event_item(post) for post in some]
            self._send("/api/v1/events", {"events": events, "backfill": True}, headers=self.api)

    def tap(self, url: str, *, agent: str = PHONE, address: str = "203.0.113.9") -> str:
        """Opens a short link as a phone does; returns where it leads."""
        answer = self.session.get(
            url,
            headers={"User-Agent": agent, "X-Forwarded-For": address},
            allow_redirects=False,
            timeout=TIMEOUT,
        )
        return answer.headers.get("Location", "")

    def _batch(self, items: list[dict[str, Any]]) -> None:
        self._send("/v1/batch", {"batch": items}, auth=(self.write_key, ""))

    def _send(self, path: str, body: dict[str, Any], **how: Any) -> None:
        answer = self.session.post(f"{self.base_url}{path}", json=body, timeout=TIMEOUT, **how)
        if answer.status_code >= 300:
            raise ShopError(f"{path} answered {answer.status_code}: {answer.text[:500]}")
        rejected = [item for item in _results(answer) if item.get("status") == "rejected"]
        if rejected:
            raise ShopError(f"{path} rejected {len(rejected)} items, such as {rejected[0]}")


class Carrier:
    """The carrier simulator's control side: what the demo's phones type."""

    def __init__(self, base_url: str) -> None:
        self.base_url = base_url.rstrip("/")
        self.session = requests.Session()

    def register(self, account: dict[str, Any]) -> None:
        self._post("/_sim/accounts", account)

    def reply(self, account_sid: str, *, sender: str, to: str, body: str) -> None:
        """A person's phone sends `body` to the brand's number."""
        self._post(
            "/_sim/inbound", {"account": account_sid, "from": sender, "to": to, "body": body}
        )

    def set_speed(self, **settings: Any) -> None:
        self._post("/_sim/settings", settings)

    def _post(self, path: str, body: dict[str, Any]) -> None:
        answer = self.session.post(f"{self.base_url}{path}", json=body, timeout=TIMEOUT)
        if answer.status_code >= 300:
            raise ShopError(f"{path} answered {answer.status_code}: {answer.text[:500]}")


def _segment_item(post: Post) -> dict[str, Any]:
    item: dict[str, Any] = {
        "type": "track",
        "messageId": _message_id(post),
        "event": post.name,
        "properties": post.body,
        "timestamp": post.at.isoformat(),
    }
    item["userId" if post.user_id else "anonymousId"] = post.user_id or "shop-server"
    return item


def _event_item(post: Post) -> dict[str, Any]:
    return {
        "event": post.name,
        "message_id": _message_id(post),
        **({"contact": {"external_id": post.user_id}} if post.user_id else {}),
        "properties": post.body,
        "occurred_at": post.at.isoformat(),
    }


def _message_id(post: Post) -> str:
    what = post.body.get("order_id") or post.body.get("cart_id") or post.body.get("product_id", "")
    return f"demo-{post.name}-{post.user_id}-{what}-{int(post.at.timestamp())}".replace(" ", "")


def _results(answer: requests.Response) -> list[dict[str, Any]]:
    data = answer.json()
    found = data.get("results", []) if isinstance(data, dict) else []
    return [item for item in found if isinstance(item, dict)]


def _chunks(items: Sequence[Any], size: int) -> Iterator[list[Any]]:
    walk = iter(items)
    while chunk := list(islice(walk, size)):
        yield chunk
