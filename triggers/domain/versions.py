"""What is saved of a flow: its draft against what is live, its history, and going back."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime

from django.db import transaction

from api.problems import NotFound, Problem
from tenancy.audit import record_audit
from tenancy.models import AuditEntry
from triggers.core.changes import Change, compare
from triggers.core.definition import decode_definition
from triggers.core.publishing import Finding
from triggers.core.waits import span_of
from triggers.core.words import step_numbers
from triggers.domain.flows import (
    Actor,
    Published,
    add_version,
    flow_for_update,
    newest_version,
    publish_version,
    read_or_refuse,
    refuse_archived,
)
from triggers.domain.plans import plans_for
from triggers.domain.publishing import review_definition
from triggers.domain.waits import LeftBehind, left_behind, move_to
from triggers.domain.wording import as_texts, words_as_saved, words_of
from triggers.models import Flow, FlowRun, FlowVersion


@dataclass(frozen=True, slots=True)
class WentLive:
    """When a version went live, and by whom ("" when no person or key did it)."""

    at: datetime
    by: str


@dataclass(frozen=True, slots=True)
class VersionStory:
    """One version and what it changed against the one before it. `went_live`: the last time it did,
    None when it never was."""

    version: FlowVersion
    is_live: bool
    changes: tuple[Change, ...]
    went_live: WentLive | None


@dataclass(frozen=True, slots=True)
class Review:
    """What publishing the newest version would do. `changes` are against what is live (none: it
    was never live, or nothing differs); `on_the_way`: runs that finish on the version they began
    with, changed texts count for them too; `shared`: template slug -> names of other flows;
    `places`: step key -> "Step 2"."""

    version: FlowVersion
    is_live: bool
    was_live: bool
    changes: tuple[Change, ...]
    findings: tuple[Finding, ...]
    on_the_way: int
    shared: dict[str, tuple[str, ...]]
    places: dict[str, str]

    @property
    def errors(self) -> tuple[Finding, ...]:
        return tuple(one for one in self.findings if one.is_error)

    @property
    def notices(self) -> tuple[Finding, ...]:
        return tuple(one for one in self.findings if not one.is_error)

    @property
    def is_pending(self) -> bool:
        """Is there anything to put live?"""
        return not self.was_live or bool(self.changes)


def draft_changes(flow: Flow, newest: FlowVersion) -> tuple[Change, ...]:
    """What the newest version would change of what is live; () for a flow that never was."""
    live = flow.live_version
    if live is None or live.id == newest.id:
        return ()
    return tuple(
        compare(
            decode_definition(live.definition),
            decode_definition(newest.definition),
            as_texts(words_of(live, live=live)),
            as_texts(words_of(newest, live=live)),
        )
    )


def review_draft(flow: Flow) -> Review:
    """What stands between the newest version and going live, and what it would do."""
    newest = newest_version(flow)
    if newest is None:
        raise NotFound("This flow")
    live = flow.live_version
    wording = words_of(newest, live=live)
    changes = draft_changes(flow, newest)
    changed = {slug for slug in newest.texts if live and live.texts.get(slug) != newest.texts[slug]}
    definition = read_or_refuse(newest.definition)
    numbers = step_numbers(definition)
    return Review(
        version=newest,
        is_live=live is not None and live.id == newest.id,
        was_live=live is not None,
        changes=changes,
        findings=tuple(review_definition(definition, wording)),
        on_the_way=FlowRun.objects.filter(flow=flow, ended_at=None).count(),
        shared=flows_sharing(changed, besides=flow),
        places={key: f"Step {number}" for key, number in numbers.items()},
    )


def flows_sharing(slugs: set[str], *, besides: Flow) -> dict[str, tuple[str, ...]]:
    """Names of the other flows whose live version sends these texts."""
    if not slugs:
        return {}
    found: dict[str, list[str]] = {}
    others = (
        Flow.objects.exclude(id=besides.id)
        .filter(status__in=[Flow.Status.LIVE, Flow.Status.PAUSED], live_version__isnull=False)
        .select_related("live_version")
        .order_by("name")
    )
    for other in others:
        for slug in slugs & set(other.live_version.texts):
            found.setdefault(slug, []).append(other.name)
    return {slug: tuple(names) for slug, names in found.items()}


def waiting_for_draft(flow: Flow, *, now: datetime) -> tuple[LeftBehind, ...]:
    """Who waits at a delay that the newest version would change: publishing asks about them."""
    newest, live = newest_version(flow), flow.live_version
    if newest is None or live is None or newest.id == live.id:
        return ()
    plans = plans_for([newest.id, live.id])
    keys = [
        key
        for key in plans[newest.id].places
        if span_of(plans[newest.id], key) != span_of(plans[live.id], key)
    ]
    return left_behind(flow, newest, keys, now=now)


@transaction.atomic
def publish_draft(
    flow: Flow, *, number: int, now: datetime, move: Collection[str] = (), actor: Actor = None
) -> Published:
    """Puts the version live that somebody reviewed. `move`: keys of steps at which whoever waits is
    moved to the new delay; everybody else keeps their time.

    Raises `Problem` "version_conflict" (409) when another one was saved since, "not_publishable"
    (422) when findings forbid it; then nobody is moved.
    """
    found = flow_for_update(flow)
    newest = newest_version(found)
    if newest is None:
        raise NotFound("This flow")
    refuse_stale(newest, number)
    # Before anything else is written: contacts are locked first.
    moved = move_to(found, newest, keys=move, now=now, actor=actor) if move else 0
    return replace(publish_version(newest, now=now, actor=actor), moved=moved)


@transaction.atomic
def roll_back(flow: Flow, *, number: int, now: datetime, actor: Actor = None) -> FlowVersion:
    """A new draft that says what version `number` said, its texts too. Nothing goes live yet.

    Raises `NotFound` for a number that never was, `Problem` for an archived flow or a version whose
    definition is not valid any more.
    """
    found = flow_for_update(flow)
    refuse_archived(found)
    old = FlowVersion.objects.filter(flow=found, number=number).first()
    if old is None:
        raise NotFound("This version")
    newest = newest_version(found) or old
    if (newest.definition, newest.texts) == (old.definition, old.texts):
        return newest
    definition = read_or_refuse(old.definition)
    version = add_version(found, definition, now=now, actor=actor, texts=old.texts)
    data = {"number": version.number, "to": number}
    record_audit("flow.rolled_back", target=str(found.id), data=data, actor=actor, now=now)
    return version


def version_stories(flow: Flow, versions: list[FlowVersion]) -> list[VersionStory]:
    """The versions, newest first, each against its predecessor. One more than shown may be given:
    the last of the list is only compared with. A constant number of queries per version."""
    stories = []
    went_live = _went_live(flow, versions)
    for index, version in enumerate(versions):
        before = versions[index + 1] if index + 1 < len(versions) else None
        changes = _between(before, version) if before is not None else ()
        is_live = version.id == flow.live_version_id
        stories.append(VersionStory(version, is_live, changes, went_live.get(version.number)))
    return stories


def refuse_stale(newest: FlowVersion, seen: int | None) -> None:
    """Raises 409 when somebody saved a version after the one a page shows. None: no page."""
    if seen is not None and newest.number != seen:
        by = f" by {newest.created_by}" if newest.created_by else ""
        raise Problem(
            "version_conflict",
            f"Version {newest.number} was saved{by} meanwhile. Nothing was changed: "
            "look at it, then edit again.",
            status=409,
            title="Somebody else saved this flow",
        )


def _went_live(flow: Flow, versions: list[FlowVersion]) -> dict[int, WentLive]:
    """By version number, from the audit log. One query."""
    if not versions:
        return {}
    entries = AuditEntry.objects.filter(
        action="flow.published",
        target=str(flow.id),
        at__gte=min(version.created_at for version in versions),
    ).order_by("at", "id")
    return {
        entry.data["number"]: WentLive(entry.at, _named(entry.actor))
        for entry in entries
        if "number" in entry.data
    }


def _named(actor: str) -> str:
    """`user:ada@shop.example` and `key:kai_1a2b` as people read them."""
    kind, _, name = actor.partition(":")
    return {"user": name, "key": f"the API key {name}"}.get(kind, "")


def _between(before: FlowVersion, after: FlowVersion) -> tuple[Change, ...]:
    return tuple(
        compare(
            decode_definition(before.definition),
            decode_definition(after.definition),
            as_texts(words_as_saved(before)),
            as_texts(words_as_saved(after)),
        )
    )
