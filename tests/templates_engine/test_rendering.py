"""Rendering sets, the compiled store, previews."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import pytest
from django.test.utils import CaptureQueriesContext

from templates_engine.core import Rendered, TemplateInvalid
from templates_engine.domain.queries import compiled_versions, forget_compiled
from templates_engine.domain.rendering import RenderRequest, preview_text, render_set
from templates_engine.domain.templates import approve_version, save_and_approve, save_draft
from tenancy.ids import new_id
from tenancy.scope import OutsideTenant, tenant_scope
from tests.support.world import World
from tests.templates_engine.support import BRAND, SHOP, short


@pytest.fixture(autouse=True)
def _empty_store() -> Iterator[None]:
    forget_compiled()
    yield
    forget_compiled()


def test_a_set_is_rendered_in_order(world: World, now: datetime) -> None:
    with tenant_scope(world.shop.tenant.id):
        one = save_and_approve("one", body="One [FirstName or 'there']", now=now)
        two = save_and_approve("two", body="Two {{ city or 'here' }}", syntax="jinja", now=now)
        requests = [
            RenderRequest(two.id, {"contact": {"city": "Rome"}}, short),
            RenderRequest(one.id, {"contact": {"first_name": "Maya"}}, short),
            RenderRequest(one.id, {}, short),
        ]
        texts = [rendered.text for rendered in render_set(requests)]
    assert texts == ["Two Rome", "One Maya", "One there"]


@pytest.mark.parametrize("count", [1, 40])
def test_a_set_costs_one_query_and_then_none(
    world: World, now: datetime, count: int, connection_queries: CaptureQueriesContext
) -> None:
    with tenant_scope(world.shop.tenant.id):
        versions = [save_and_approve(f"t-{n}", body=f"Text {n}", now=now) for n in range(3)]
        requests = [RenderRequest(versions[number % 3].id, {}, short) for number in range(count)]
        with connection_queries as captured:
            render_set(requests)
        assert len(captured) == 1
        with connection_queries as captured:
            render_set(requests)
        assert len(captured) == 0


@pytest.fixture
def connection_queries() -> CaptureQueriesContext:
    from django.db import connection

    return CaptureQueriesContext(connection)


def test_drafts_are_not_sent_but_can_be_shown(world: World, now: datetime) -> None:
    with tenant_scope(world.shop.tenant.id):
        draft = save_draft("one", body="Draft [FirstName]", now=now)
        request = RenderRequest(draft.id, {"contact": {"first_name": "Maya"}}, short)

        assert render_set([request])[0].problem == "template_not_approved"
        assert render_set([request], drafts=True)[0].text == "Draft Maya"
        assert render_set([request])[0].problem == "template_not_approved"


def test_a_draft_counts_as_soon_as_it_is_approved(world: World, now: datetime) -> None:
    with tenant_scope(world.shop.tenant.id):
        draft = save_draft("one", body="Hello", now=now)
        render_set([RenderRequest(draft.id, {}, short)], drafts=True)
        approve_version(draft, now=now)
        assert render_set([RenderRequest(draft.id, {}, short)])[0].text == "Hello"


def test_an_unknown_version_is_a_problem_not_an_error(world: World) -> None:
    with tenant_scope(world.shop.tenant.id):
        rendered = render_set([RenderRequest(new_id(), {}, short)])[0]
    assert (rendered.text, rendered.problem) == ("", "template_unknown")
    assert render_set_of_nothing(world) == []


def render_set_of_nothing(world: World) -> list[Rendered]:
    with tenant_scope(world.shop.tenant.id):
        return render_set([])


def test_the_store_opens_nothing_for_another_workspace(world: World, now: datetime) -> None:
    with tenant_scope(world.shop.tenant.id):
        ours = save_and_approve("one", body="Ours", now=now)
        assert render_set([RenderRequest(ours.id, {}, short)])[0].text == "Ours"
    with tenant_scope(world.other.tenant.id):
        assert compiled_versions([ours.id]) == {}
        assert render_set([RenderRequest(ours.id, {}, short)])[0].problem == "template_unknown"
    with pytest.raises(OutsideTenant):
        compiled_versions([ours.id])


def test_room_for_a_prefix_is_kept(world: World, now: datetime) -> None:
    with tenant_scope(world.shop.tenant.id):
        version = save_and_approve("long", body="x" * 1590, now=now)
        fits, tight = render_set(
            [RenderRequest(version.id, {}, short), RenderRequest(version.id, {}, short, 1580)]
        )
    assert fits.problem is None
    assert tight.problem == "text_too_long"


def test_preview_of_somebody_and_of_nobody_known() -> None:
    body = "It’s back, [FirstName or 'friend']! Grab [ProductName or 'it']: [ProductLink]"  # noqa: RUF001
    facts = {
        "contact": {"first_name": "Maya"},
        "product": {"name": "Ridge mug", "url": f"{SHOP}/mug"},
    }

    known = preview_text(body, facts=facts, brand=BRAND, prefix="Juniper:", suffix="Reply STOP")
    blind = preview_text(body, brand=BRAND)

    assert known.text.startswith("Juniper: It’s back, Maya! Grab Ridge mug: ")  # noqa: RUF001
    assert known.text.endswith("Reply STOP")
    assert blind.text.startswith("It’s back, friend! Grab it: ")  # noqa: RUF001
    assert (blind.measure.encoding, blind.smart_measure.encoding) == ("UCS-2", "GSM-7")
    assert blind.measure.guilty == ["’"]  # noqa: RUF001
    assert "It's back" in blind.smart_text
    assert [change.replacement for change in blind.changes] == ["'"]


def test_a_preview_says_what_is_missing() -> None:
    assert preview_text("Hi [FirstName]").rendered.problem == "field_missing"
    assert preview_text("Hi [FirstName]").text == ""
    with pytest.raises(TemplateInvalid):
        preview_text("Hi [FirstName")
