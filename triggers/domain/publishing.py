"""Publishing: the checks with the workspace's templates, segments and rules."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from consent.core.hours import Week
from consent.domain.keywords import own_keywords
from consent.domain.settings import read_compliance
from delivery.core.policy import default_ttl
from events.domain.catalogue import text_rules
from segments.models import Segment
from templates_engine.domain.queries import VersionFacts, templates_by_slug, versions_by_id
from triggers.core.changes import templates_of
from triggers.core.definition import Definition, EventTrigger
from triggers.core.event_words import EventFacts
from triggers.core.publishing import Finding, TextFacts, World, check_publishing

_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MINUTES_A_WEEK = 7 * 1440


def review_definition(
    definition: Definition, words: Mapping[str, VersionFacts] | None = None
) -> list[Finding]:
    """What publishing would say about this definition here and now. Six queries.

    `words`: texts that publishing would put in use, by slug; else what is in use counts.
    """
    return check_publishing(
        definition, _texts(templates_of(definition), words or {}), _world(definition)
    )


def longest_night(week: Week) -> tuple[timedelta, str]:
    """The longest time between a closing and the next opening, and when it begins, in words."""
    opens = [(day * 1440 + w[0], day * 1440 + w[1]) for day, w in enumerate(week) if w]
    if not opens:
        return timedelta(days=7), ""
    longest, begins = 0, 0
    for index, (_, closes) in enumerate(opens):
        following = opens[(index + 1) % len(opens)][0]
        gap = (following - closes) % _MINUTES_A_WEEK
        if gap > longest:
            longest, begins = gap, closes
    day, minute = divmod(begins, 1440)
    if minute == 0:
        day, minute = day - 1, 1440
    words = f" (from {_DAYS[day % 7]} {minute // 60:02d}:{minute % 60:02d})"
    return timedelta(minutes=longest), words


def _world(definition: Definition) -> World:
    compliance = read_compliance()
    night, words = longest_night(compliance.quiet.brand)
    slugs = Segment.objects.exclude(state=Segment.State.ARCHIVED).values_list("slug", flat=True)
    return World(
        longest_night=night,
        closes=words,
        us_cart_rule=compliance.us_cart_rule,
        segments=frozenset(slugs),
        opt_in_keywords=own_keywords(),
        event=_event(definition),
    )


def _event(definition: Definition) -> EventFacts | None:
    """What may be said in texts of the event that starts the flow."""
    trigger = definition.trigger
    if not isinstance(trigger, EventTrigger):
        return None
    rules = text_rules([trigger.event])[trigger.event]
    return EventFacts(trigger.event, rules.is_sensitive, rules.is_expected)


def _texts(slugs: set[str], words: Mapping[str, VersionFacts]) -> dict[str, TextFacts]:
    templates = templates_by_slug(slugs)
    versions = versions_by_id(
        {t.approved_version_id for t in templates.values() if t.approved_version_id}
    )
    found = {}
    for slug, one in templates.items():
        in_use = versions.get(one.approved_version_id) if one.approved_version_id else None
        version = words.get(slug, in_use)
        found[slug] = TextFacts(
            slug=slug,
            message_type=one.message_type,
            is_approved=version is not None,
            ttl=(
                timedelta(seconds=one.ttl_seconds)
                if one.ttl_seconds
                else default_ttl(one.message_type)
            ),
            asks=version.asks if version else frozenset(),
            event_fields=version.event_fields if version else (),
        )
    return found
