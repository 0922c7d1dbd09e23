"""Human, bot or prefetch: the whole crawler list, real browsers, time and crowd."""

from __future__ import annotations

import gzip
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

import delivery
from delivery.core.clicks import ClickFacts, ClickVerdict, judge_click
from tenancy.ids import new_id

SENT = datetime(2026, 11, 17, 18, 0, tzinfo=UTC)
IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15"
    " (KHTML, like Gecko) Version/18.1 Mobile/15E148 Safari/604.1"
)
BROWSERS = [
    IPHONE,
    "Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 (KHTML, like Gecko)"
    " Chrome/131.0.0.0 Mobile Safari/537.36",
    "Mozilla/5.0 (Linux; Android 14; SM-S928B) AppleWebKit/537.36 (KHTML, like Gecko)"
    " SamsungBrowser/27.0 Chrome/125.0.0.0 Mobile Safari/537.36",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_6 like Mac OS X) AppleWebKit/605.1.15"
    " (KHTML, like Gecko) CriOS/130.0.6723.90 Mobile/15E148 Safari/604.1",
    "Mozilla/5.0 (Android 15; Mobile; rv:132.0) Gecko/132.0 Firefox/132.0",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko)"
    " Version/17.5 Safari/605.1.15",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko)"
    " Chrome/131.0.0.0 Safari/537.36 Edg/131.0.0.0",
]


def opening(after: float = 60.0, **more: object) -> ClickFacts:
    given = ClickFacts(
        id=new_id(),
        link_id=new_id(),
        received_at=SENT + timedelta(seconds=after),
        method="GET",
        user_agent=IPHONE,
        purpose="",
        address="home",
        submitted_at=SENT,
    )
    return replace(given, **more)  # type: ignore[arg-type]


def crawlers() -> list[str]:
    path = Path(delivery.__file__).parent / "data" / "crawler-user-agents.json.gz"
    return [agent for entry in json.loads(gzip.open(path).read()) for agent in entry["instances"]]


def test_every_crawler_of_the_list_is_a_bot() -> None:
    agents = crawlers()
    assert len(agents) > 2000
    verdicts = {agent: judge_click(opening(user_agent=agent), ()) for agent in agents}
    assert {
        agent for agent, v in verdicts.items() if (v.kind, v.reason) != ("bot", "crawler")
    } == set()


@pytest.mark.parametrize("agent", BROWSERS)
def test_a_phone_or_desktop_browser_is_a_person(agent: str) -> None:
    assert judge_click(opening(user_agent=agent), ()) == ClickVerdict(
        "human", "tapped", counts=True
    )


@pytest.mark.parametrize(
    ("change", "kind", "reason"),
    [
        ({"method": "HEAD"}, "prefetch", "method"),
        ({"purpose": "prefetch;prerender"}, "prefetch", "prefetch_header"),
        ({"purpose": "preview"}, "prefetch", "prefetch_header"),
        ({"user_agent": ""}, "bot", "no_user_agent"),
        ({"user_agent": "  "}, "bot", "no_user_agent"),
        (
            {"user_agent": IPHONE + " facebookexternalhit/1.1 Facebot Twitterbot/1.0"},
            "bot",
            "crawler",
        ),
        ({"received_at": SENT + timedelta(seconds=1.99)}, "bot", "too_fast"),
        ({"received_at": SENT - timedelta(seconds=1)}, "bot", "too_fast"),
        ({"received_at": SENT + timedelta(seconds=2)}, "human", "tapped"),
        ({"submitted_at": None, "received_at": SENT}, "human", "tapped"),
    ],
)
def test_each_rule_gives_its_reason(change: dict[str, Any], kind: str, reason: str) -> None:
    verdict = judge_click(opening(**change), ())
    assert (verdict.kind, verdict.reason) == (kind, reason)
    assert verdict.counts is (kind == "human")


def test_many_links_from_one_address_within_a_second_are_a_scanner() -> None:
    seen = [opening(60.0 + 0.4 * index) for index in range(3)]
    for click in seen:
        verdict = judge_click(click, [other for other in seen if other is not click])
        assert (verdict.kind, verdict.reason) == ("bot", "burst")
    slow = [opening(60.0 + 0.6 * index) for index in range(3)]
    apart = [replace(click, address=f"home {i}") for i, click in enumerate(seen)]
    one_link = [replace(click, link_id=seen[0].link_id) for click in seen]
    for crowd in (slow, apart):
        for click in crowd:
            assert judge_click(click, [o for o in crowd if o is not click]).kind == "human"
    assert judge_click(one_link[0], one_link[1:]).kind == "human"


def test_a_preview_followed_by_a_tap_is_one_human_click() -> None:
    link = new_id()
    quick = opening(1.0, link_id=link)  # the phone's own preview, with a browser's name
    crawler = opening(2.5, link_id=link, user_agent="WhatsApp/2.23.20.0")
    tap = opening(3.0, link_id=link)
    again = opening(4.0, link_id=link)
    every = [quick, crawler, tap, again]
    verdicts = [judge_click(c, [o for o in every if o is not c]) for c in every]
    assert [v.kind for v in verdicts] == ["bot", "bot", "human", "human"]
    assert [v.counts for v in verdicts] == [False, False, True, False]


def test_coming_back_later_is_another_click() -> None:
    link = new_id()
    first, later = opening(60, link_id=link), opening(66, link_id=link)
    assert judge_click(later, [first]).counts
