"""Rendering for sets of contacts, and previews."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple
from uuid import UUID

from templates_engine.core import MAX_TEXT, Rendered, compile, compose, render
from templates_engine.core.results import Facts, LinkFor
from templates_engine.core.segments import Measure, SmartChange, encode_smart, measure
from templates_engine.domain.queries import compiled_versions, versions_by_id

PREVIEW_LINK = "s.example/k3F9aB"


class RenderRequest(NamedTuple):
    """One text for one contact. `limit`: room in characters, less what a prefix takes."""

    version_id: UUID
    facts: Facts
    link_for: LinkFor
    limit: int = MAX_TEXT


@dataclass(frozen=True, slots=True)
class Preview:
    """What a contact would read: `text` with prefix and suffix, its parts, and what typographic
    characters would cost less as plain ones (`smart_text`, `changes`, `smart_measure`)."""

    rendered: Rendered
    text: str
    measure: Measure
    smart_text: str
    smart_measure: Measure
    changes: list[SmartChange]


def render_set(requests: Sequence[RenderRequest], *, drafts: bool = False) -> list[Rendered]:
    """Render each request; answers in the same order. At most two queries however many.

    A version that is not there gives the problem template_unknown, a draft (unless `drafts`)
    template_not_approved.
    """
    versions = compiled_versions({request.version_id for request in requests}, drafts=drafts)
    missing = {request.version_id for request in requests} - versions.keys()
    known = versions_by_id(missing) if missing else {}
    results: list[Rendered] = []
    for version_id, facts, link_for, limit in requests:
        compiled = versions.get(version_id)
        if compiled is not None:
            results.append(render(compiled, facts, link_for=link_for, limit=limit))
        elif version_id in known:
            detail = "This version of the template is not approved."
            results.append(Rendered("", [], [], "template_not_approved", detail))
        else:
            detail = "This version of the template does not exist."
            results.append(Rendered("", [], [], "template_unknown", detail))
    return results


def preview_text(
    body: str,
    *,
    syntax: str = "brackets",
    fields: Mapping[str, Any] | None = None,
    facts: Facts | None = None,
    brand: Mapping[str, Any] | None = None,
    prefix: str = "",
    suffix: str = "",
    link: str = PREVIEW_LINK,
) -> Preview:
    """Show a body as somebody with these facts would read it; None: nothing is known of them.

    Stores and tracks nothing. `brand` stands in for facts["brand"] when facts are None or
    without it. Raises `TemplateInvalid` for a body that does not compile.
    """
    compiled = compile(body, syntax, fields)
    known: dict[str, Any] = dict(facts or {})
    known.setdefault("brand", dict(brand or {"name": "Brand", "shop_url": "https://shop.example"}))
    rendered = render(compiled, known, link_for=lambda label, url: link)
    text = compose(rendered.text, prefix=prefix, suffix=suffix) if rendered.text else ""
    smart_text, changes = encode_smart(text)
    return Preview(rendered, text, measure(text), smart_text, measure(smart_text), changes)
