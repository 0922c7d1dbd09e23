"""Lists of texts, page by page, as Twilio gives them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from delivery.carrier_simulator.store import Account, Store
from delivery.carrier_simulator.texts import API_VERSION, Text

Params = dict[str, list[str]]


def list_page(
    store: Store, account: Account, params: Params, show: Callable[[Text], dict[str, Any]]
) -> dict[str, Any]:
    """One page, newest first, by To, From, DateSent (<, >), PageSize. Raises ValueError."""

    def get(name: str) -> str:
        return params.get(name, [""])[0]

    fits = _date_filter(params)
    texts = [
        text
        for text in store.texts_of(
            account.sid, to=get("To") or None, from_number=get("From") or None
        )
        if fits(text)
    ]
    size = min(1000, max(1, int(get("PageSize") or 50)))
    page, start = int(get("Page") or 0), 0
    if after := get("PageToken"):
        start = next((i + 1 for i, t in enumerate(texts) if f"PA{t.sid}" == after), len(texts))
    shown = texts[start : start + size]
    base = f"/{API_VERSION}/Accounts/{account.sid}/Messages.json"
    kept = [(k, v) for k in params for v in params[k] if k not in {"Page", "PageToken"}]
    following = None
    if start + size < len(texts):
        onward = [*kept, ("Page", str(page + 1)), ("PageToken", f"PA{shown[-1].sid}")]
        following = f"{base}?{urlencode(onward)}"
    return {
        "end": start + len(shown) - 1,
        "first_page_uri": f"{base}?{urlencode([*kept, ('Page', '0')])}",
        "messages": [show(text) for text in shown],
        "next_page_uri": following,
        "page": page,
        "page_size": size,
        "previous_page_uri": None,
        "start": start,
        "uri": f"{base}?{urlencode(kept)}",
    }


def _date_filter(params: Params) -> Callable[[Text], bool]:
    """Twilio filters on date_sent, which a queued text does not have yet. Raises ValueError."""
    wanted: list[tuple[str, datetime, str]] = []
    for name in ("DateSent", "DateSent<", "DateSent>"):
        for raw in params.get(name, []):
            at = datetime.fromisoformat(raw.replace("Z", "+00:00"))
            wanted.append((name, at if at.tzinfo else at.replace(tzinfo=UTC), raw))

    def fits(text: Text) -> bool:
        if text.sent_at is None:
            return not wanted
        sent = datetime.fromtimestamp(text.sent_at, UTC)
        for name, at, raw in wanted:
            end = at + (timedelta(days=1) if len(raw) == 10 else timedelta(seconds=1))
            if name == "DateSent" and sent.date() != at.date():
                return False
            if (name == "DateSent>" and sent < at) or (name == "DateSent<" and sent >= end):
                return False
        return True

    return fits
