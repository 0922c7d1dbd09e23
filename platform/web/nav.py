"""What stands in the side bar. Apps register their own pages, so only pages that exist show."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from django.urls import reverse

SECTIONS = ("", "Audience", "Messaging", "Insight", "foot")
GROUPS = ("General", "Texting", "Data", "Developers")


@dataclass(frozen=True, slots=True)
class Entry:
    section: str
    label: str
    icon: str
    url_name: str
    order: int
    key: str
    words: str
    count: Callable[[], int] | None = None


@dataclass(frozen=True, slots=True)
class Link:
    """`count`: how much waits there, asked only when the side bar is drawn."""

    label: str
    icon: str
    url: str
    key: str
    current: bool
    count: Callable[[], int] | None = None


@dataclass(frozen=True, slots=True)
class Tab:
    label: str
    url_name: str
    order: int
    group: str
    permission: str
    unless: str
    words: str


@dataclass(frozen=True, slots=True)
class Place:
    """A page that Ctrl K leads to. `words`: what else people call what is found there."""

    label: str
    note: str
    url: str
    words: str


_entries: dict[str, Entry] = {}
_tabs: dict[str, dict[str, Tab]] = {}


def register(
    section: str,
    label: str,
    icon: str,
    url_name: str,
    order: int,
    *,
    key: str = "",
    words: str = "",
    count: Callable[[], int] | None = None,
) -> None:
    """Add a page to the side bar; call it in AppConfig.ready.

    `section`: "" (top), "Audience", "Messaging", "Insight" or "foot". `icon`: a Lucide name.
    `url_name`: takes the workspace's slug. `key`: pressed after `g` to go there. `words`: other
    names of what is there, for Ctrl K. `count`: how much waits there, for a badge; it runs on every
    page, so it takes one short walk along an index.
    """
    if section not in SECTIONS:
        raise ValueError(f"No section {section!r} in the side bar.")
    _entries[url_name] = Entry(section, label, icon, url_name, order, key, words, count)


def register_tab(
    page: str,
    label: str,
    url_name: str,
    order: int,
    *,
    group: str,
    permission: str = "view",
    unless: str = "",
    words: str = "",
) -> None:
    """Add a tab to a page that several apps share, such as "settings".

    `group`: one of `GROUPS`, the heading it stands under. `order`: its place there. `unless`: a
    permission whose holders find the same on another tab. `words`: as in `register`.
    """
    if group not in GROUPS:
        raise ValueError(f"No group {group!r} of tabs.")
    tab = Tab(label, url_name, order, group, permission, unless, words)
    _tabs.setdefault(page, {})[url_name] = tab


def tabs_for(page: str, request: Any) -> list[tuple[str, list[Link]]]:
    """The tabs of a page that the role in the open workspace may see, by group."""
    links: dict[str, list[Link]] = {}
    for tab in _allowed(page, request):
        url = reverse(tab.url_name, args=[request.tenant.slug])
        link = Link(tab.label, "", url, "", _holds(url, request.path))
        links.setdefault(tab.group, []).append(link)
    return list(links.items())


def places_for(request: Any) -> list[Place]:
    """All that the side bar and the tabs lead to, for the role in the open workspace."""
    slug = request.tenant.slug
    places = []
    for entry in sorted(_entries.values(), key=lambda entry: entry.order):
        note = "" if entry.section == "foot" else entry.section
        places.append(Place(entry.label, note, reverse(entry.url_name, args=[slug]), entry.words))
    for page in _tabs:
        places += [
            Place(tab.label, page.capitalize(), reverse(tab.url_name, args=[slug]), tab.words)
            for tab in _allowed(page, request)
        ]
    return places


def links_for(slug: str, path: str) -> list[tuple[str, list[Link]]]:
    """Sections in their order, each with its links; the longest matching one is current."""
    urls = {name: reverse(name, args=[slug]) for name in _entries}
    current = max((url for url in urls.values() if _holds(url, path)), key=len, default="")
    ordered = sorted(_entries.values(), key=lambda entry: entry.order)
    return [
        (section, links)
        for section in SECTIONS
        if (links := list(_links(ordered, section, urls, current)))
    ]


def _allowed(page: str, request: Any) -> list[Tab]:
    allowed = [
        tab
        for tab in _tabs.get(page, {}).values()
        if request.can(tab.permission) and not (tab.unless and request.can(tab.unless))
    ]
    return sorted(allowed, key=lambda tab: (GROUPS.index(tab.group), tab.order))


def _links(
    entries: list[Entry], section: str, urls: dict[str, str], current: str
) -> Iterable[Link]:
    for entry in entries:
        if entry.section == section:
            url = urls[entry.url_name]
            yield Link(entry.label, entry.icon, url, entry.key, url == current, entry.count)


def _holds(url: str, path: str) -> bool:
    return path == url or path.startswith(url if url.endswith("/") else f"{url}/")
