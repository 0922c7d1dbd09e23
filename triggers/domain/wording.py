"""Which words a version of a flow goes with.

A version remembers the numbers of its texts. A text goes out as its template has it in use, so a
number counts only where it says something new: it was never approved, or it is another one than
the live version's. That way an approval through the API is not undone by publishing a new delay.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from delivery.domain.rewording import reword_waiting
from templates_engine.domain.composing import editable
from templates_engine.domain.queries import (
    VersionFacts,
    templates_by_slug,
    versions_by_id,
    versions_by_number,
)
from templates_engine.domain.templates import approve_version
from tenancy.models import ApiKey, Tenant, User
from tenancy.scope import current_tenant_id
from triggers.core.changes import Text, templates_of
from triggers.core.definition import Definition, decode_definition
from triggers.models import FlowVersion


def texts_for(
    definition: Definition, base: FlowVersion | None, *, live_id: UUID | None
) -> dict[str, int]:
    """The numbers a new version starts with: those of the draft it goes on from, else what is in
    use. A template without an approved version has none."""
    slugs = templates_of(definition)
    drafted = base.texts if base is not None and base.id != live_id else {}
    in_use = {slug: version.number for slug, version in words_in_use(slugs).items()}
    return {slug: drafted.get(slug, number) for slug, number in in_use.items()} | {
        slug: number for slug, number in drafted.items() if slug in slugs
    }


def words_of(version: FlowVersion, *, live: FlowVersion | None) -> dict[str, VersionFacts]:
    """Per slug the words that would go out if this version were live. Three queries."""
    slugs = templates_of(decode_definition(version.definition))
    in_use = words_in_use(slugs)
    if live is not None and version.id == live.id:
        return in_use
    numbers = {slug: number for slug, number in version.texts.items() if slug in slugs}
    for slug, own in versions_by_number(numbers).items():
        differs = live is not None and live.texts.get(slug) != own.number
        if own.state == "draft" or differs:
            in_use[slug] = own
    return in_use


def words_as_saved(version: FlowVersion) -> dict[str, VersionFacts]:
    """Per slug the words the version was saved with, whatever became of them since."""
    slugs = templates_of(decode_definition(version.definition))
    numbers = {slug: number for slug, number in version.texts.items() if slug in slugs}
    return versions_by_number(numbers)


def words_in_use(slugs: set[str]) -> dict[str, VersionFacts]:
    """Per slug the approved version; templates without one are left out. Two queries."""
    templates = templates_by_slug(slugs) if slugs else {}
    ids = {one.approved_version_id for one in templates.values() if one.approved_version_id}
    return {version.slug: version for version in versions_by_id(ids).values()} if ids else {}


def put_in_use(
    words: Mapping[str, VersionFacts], *, now: datetime, actor: User | ApiKey | None = None
) -> list[str]:
    """Approves what is not in use yet, for texts that wait already too; returns the slugs. Raises
    `Problem` for words that may not go out."""
    in_use = words_in_use(set(words))
    changed = [
        slug
        for slug, version in sorted(words.items())
        if slug not in in_use or in_use[slug].id != version.id
    ]
    for slug in changed:
        approve_version(words[slug].id, now=now, actor=actor)
    if changed:
        reword_waiting([words[slug].id for slug in changed])
    return changed


def as_texts(words: Mapping[str, VersionFacts]) -> dict[str, Text]:
    """As `core.changes` compares them."""
    shop_url = Tenant.objects.values_list("shop_url", flat=True).get(id=current_tenant_id())
    return {
        slug: Text(version.name, editable(version, shop_url)) for slug, version in words.items()
    }
