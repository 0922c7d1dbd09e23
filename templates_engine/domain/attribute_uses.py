"""Which texts say an attribute."""

from __future__ import annotations

from people.attribute_uses import AttributeUse
from templates_engine.core.fields import find_field
from templates_engine.domain.coverage import mentions_in
from templates_engine.domain.queries import templates_by_slug, versions_by_id


def text_attribute_uses() -> list[AttributeUse]:
    """Every contact field of every approved text. Two queries."""
    templates = templates_by_slug()
    versions = versions_by_id(
        each.approved_version_id for each in templates.values() if each.approved_version_id
    )
    found = []
    for version in sorted(versions.values(), key=lambda each: (each.name, each.slug)):
        names: set[str] = set()
        for mention in mentions_in(version.body, version.syntax, version.fields):
            field = find_field(mention.key)
            names |= contact_names(field.paths) if field is not None else set()
        found += [AttributeUse(name, "text", version.name) for name in sorted(names)]
    return found


def contact_names(paths: tuple[str, ...]) -> set[str]:
    """The attributes that paths such as `contact.attributes.shoe_size` read."""
    return {
        path.removeprefix("contact.").removeprefix("attributes.").partition(".")[0]
        for path in paths
        if path.startswith("contact.")
    }
