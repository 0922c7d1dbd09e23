"""Recipes: ready flows with their texts, installed as drafts of the workspace's own."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from django.db import transaction

from api.problems import NotFound, Problem
from templates_engine.domain.queries import templates_by_slug
from templates_engine.domain.templates import save_and_approve
from tenancy.models import ApiKey, Tenant, User
from tenancy.scope import current_tenant_id
from triggers.domain.flows import create_flow
from triggers.models import Flow

FOLDER = Path(__file__).resolve().parent.parent / "recipes"


@dataclass(frozen=True, slots=True)
class Recipe:
    """One recipe file. `templates` as `save_draft` takes them."""

    slug: str
    name: str
    summary: str
    templates: tuple[dict[str, Any], ...]
    definition: dict[str, Any]


@lru_cache(maxsize=1)
def list_recipes() -> tuple[Recipe, ...]:
    """Every recipe there is, by slug."""
    found = []
    for path in sorted(FOLDER.glob("*.json")):
        raw = json.loads(path.read_text(encoding="utf-8"))
        found.append(Recipe(**{**raw, "templates": tuple(raw["templates"])}))
    return tuple(found)


@transaction.atomic
def install_recipe(slug: str, *, now: datetime, actor: User | ApiKey | None = None) -> Flow:
    """Makes the recipe's flow as a draft, its texts approved. Publish it with `publish_flow`.

    A text the workspace has under the same name already is kept as it is. Raises `NotFound`, or
    `Problem` "shop_url_missing": links need somewhere to lead when an event names no page.
    """
    recipe = next((one for one in list_recipes() if one.slug == slug), None)
    if recipe is None:
        raise NotFound(f"The recipe {slug}")
    shop_url = Tenant.objects.values_list("shop_url", flat=True).get(id=current_tenant_id())
    if not shop_url:
        raise Problem(
            "shop_url_missing",
            "Set the shop's address in Settings first: links lead there when an event names no "
            "page of its own.",
            status=422,
        )
    present = templates_by_slug(one["slug"] for one in recipe.templates)
    for one in recipe.templates:
        held = present.get(one["slug"])
        if held is None or held.approved_version_id is None:
            given = {**one, "fields": _filled(one["fields"], shop_url)}
            save_and_approve(given.pop("slug"), now=now, actor=actor, **given)
    return create_flow(
        recipe.name,
        definition=recipe.definition,
        slug=_free_slug(recipe.slug),
        recipe=recipe.slug,
        now=now,
        actor=actor,
    )


def _filled(fields: dict[str, str], shop_url: str) -> dict[str, str]:
    return {label: text.replace("{shop_url}", shop_url) for label, text in fields.items()}


def _free_slug(slug: str) -> str:
    taken = set(Flow.objects.filter(slug__startswith=slug).values_list("slug", flat=True))
    if slug not in taken:
        return slug
    return next(f"{slug}-{n}" for n in range(2, 1000) if f"{slug}-{n}" not in taken)
