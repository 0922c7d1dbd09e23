"""Saving, approving, and what the database forbids."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import DatabaseError, connection, transaction

from api.problems import NotFound, Problem
from templates_engine.domain.queries import templates_by_slug, versions_by_id, versions_of
from templates_engine.domain.templates import approve_version, save_and_approve, save_draft
from templates_engine.models import Template, TemplateApproval, TemplateVersion
from tenancy.ids import new_id
from tenancy.models import AuditEntry
from tenancy.scope import OutsideTenant, tenant_scope
from tests.support.world import World

CART = "Hi [FirstName or 'there'], your cart is saved. Finish checkout: [CartLink]"


def refused(body: str, now: datetime, **draft: Any) -> Problem:
    version = save_draft("cart-1", body=body, now=now, **draft)
    with pytest.raises(Problem) as caught:
        approve_version(version, now=now)
    assert templates_by_slug(["cart-1"])["cart-1"].approved_version_id is None
    return caught.value


def test_a_draft_becomes_the_template_s_text_by_approval(world: World, now: datetime) -> None:
    with tenant_scope(world.shop.tenant.id):
        first = save_draft("cart-1", body=CART, name="Cart, first text", now=now)
        template = templates_by_slug()["cart-1"]
        assert (template.name, template.message_type) == ("Cart, first text", "marketing")
        assert template.approved_version_id is None
        assert versions_by_id([first.id])[first.id].state == "draft"

        later = now + timedelta(hours=1)
        approve_version(first, now=later, actor=world.shop.owner)

        assert templates_by_slug(["cart-1"])["cart-1"].approved_version_id == first.id
        facts = versions_by_id([first.id])[first.id]
        assert (facts.state, facts.number, facts.slug) == ("approved", 1, "cart-1")
        approval = TemplateApproval.objects.get()
        assert (approval.approved_at, approval.approved_by) == (later, world.shop.owner.id)
        entry = AuditEntry.objects.get(action="template.approved")
        assert entry.data == {"template": "cart-1", "number": 1}


def test_versions_are_numbered_and_the_old_one_can_come_back(world: World, now: datetime) -> None:
    with tenant_scope(world.shop.tenant.id):
        first = save_and_approve("cart-1", body=CART, now=now)
        second = save_and_approve("cart-1", body=CART + " Bye", now=now)
        assert [version.number for version in versions_of(first.template_id)] == [2, 1]
        assert templates_by_slug()["cart-1"].approved_version_id == second.id

        approve_version(first.id, now=now)
        approve_version(first.id, now=now)

        assert templates_by_slug()["cart-1"].approved_version_id == first.id
        assert TemplateApproval.objects.count() == 2
        assert AuditEntry.objects.filter(action="template.approved").count() == 3


def test_saving_the_same_words_again_changes_nothing(world: World, now: datetime) -> None:
    with tenant_scope(world.shop.tenant.id):
        fields = {"ProductName": "this item"}
        first = save_draft("cart-1", body="[ProductName]", fields=fields, now=now)
        again = save_draft(
            "cart-1", body="[ProductName]", fields={"product name": "this item"}, now=now
        )
        other = save_draft("cart-1", body="[ProductName]", fields={"ProductName": "x"}, now=now)
        assert again.number == 1
        assert other.number == 2
        assert first.fields["product_name"]["fallback"] == "this item"


def test_a_draft_keeps_what_it_does_not_name(world: World, now: datetime) -> None:
    with tenant_scope(world.shop.tenant.id):
        save_draft(
            "size", body="a", name="Size", message_type="conversational", ttl_seconds=600, now=now
        )
        save_draft("size", body="b", now=now)
        save_draft("size", body="c", ttl_seconds=900, now=now)
        template = templates_by_slug()["size"]
        assert (template.name, template.message_type) == ("Size", "conversational")
        assert template.ttl_seconds == 900


def test_a_field_without_fallback_is_not_approved(world: World, now: datetime) -> None:
    with tenant_scope(world.shop.tenant.id):
        problem = refused("Hi [FirstName], [ProductName] and [City or 'x'] [CartLink]", now)
    assert (problem.code, problem.status) == ("fallback_missing", 422)
    assert [(error.field, error.code) for error in problem.errors] == [
        ("FirstName", "fallback_missing"),
        ("ProductName", "fallback_missing"),
    ]


@pytest.mark.parametrize(
    ("body", "syntax", "code", "field"),
    [
        ("Hi [FristName or 'x']", "brackets", "field_unknown", "FristName"),
        ("Hi [FirstName", "brackets", "template_syntax", "body"),
        ("[CartLink or 'x']", "brackets", "fallback_not_link", "CartLink"),
        ("x" * 1601, "brackets", "template_too_long", "body"),
        ("{{ frist_name or 'x' }}", "jinja", "field_unknown", "frist_name"),
        ("{{ first_name", "jinja", "template_syntax", "body"),
        ("{{ first_name }}", "jinja", "fallback_missing", "FirstName"),
        ("{{ 'x' * 3 }}", "jinja", "template_syntax", "body"),
        ("x" * 1700 + "{{ 'y' }}", "jinja", "template_too_long", "body"),
        (
            "{% for a in [1,2,3,4,5,6,7,8,9] %}{% for b in [1,2,3,4,5,6,7,8,9] %}"
            "{% for c in [1,2,3,4,5,6,7,8,9] %}{% for d in [1,2,3,4,5,6,7,8,9] %}"
            "{% endfor %}{% endfor %}{% endfor %}{% endfor %}x",
            "jinja",
            "template_syntax",
            "body",
        ),
    ],
)
def test_what_cannot_be_approved(
    world: World, now: datetime, body: str, syntax: str, code: str, field: str
) -> None:
    with tenant_scope(world.shop.tenant.id):
        problem = refused(body, now, syntax=syntax)
    assert problem.code == code
    assert (problem.errors[0].field, problem.errors[0].code) == (field, code)
    assert problem.detail


def test_the_worst_fault_gives_the_code_and_all_are_named(world: World, now: datetime) -> None:
    with tenant_scope(world.shop.tenant.id):
        problem = refused("[FirstName] [Nonsense or 'x'] [", now)
    assert problem.code == "template_syntax"
    assert {error.code for error in problem.errors} == {
        "template_syntax",
        "field_unknown",
        "fallback_missing",
    }


def test_refused_approval_keeps_nothing(world: World, now: datetime) -> None:
    with tenant_scope(world.shop.tenant.id):
        with pytest.raises(Problem):
            save_and_approve("cart-1", body="Hi [FirstName]", now=now)
        assert not Template.objects.exists()


@pytest.mark.parametrize(
    ("draft", "field"),
    [
        ({"slug": "Cart 1"}, "slug"),
        ({"slug": ""}, "slug"),
        ({"body": "  "}, "body"),
        ({"body": "a\x00b"}, "body"),
        ({"syntax": "liquid"}, "syntax"),
        ({"message_type": "service"}, "message_type"),
        ({"name": " "}, "name"),
        ({"ttl_seconds": 5}, "ttl_seconds"),
    ],
)
def test_a_draft_with_a_wrong_field(
    world: World, now: datetime, draft: dict[str, Any], field: str
) -> None:
    given: dict[str, Any] = {"slug": "cart-1", "body": CART, **draft}
    with tenant_scope(world.shop.tenant.id):
        with pytest.raises(Problem) as caught:
            save_draft(given.pop("slug"), now=now, **given)
        assert [error.field for error in caught.value.errors] == [field]
        assert not Template.objects.exists()


def test_a_draft_beyond_all_measure_is_refused(world: World, now: datetime) -> None:
    with tenant_scope(world.shop.tenant.id), pytest.raises(Problem) as caught:
        save_draft("cart-1", body="x" * 4001, now=now)
    assert caught.value.code == "template_too_long"


@pytest.mark.parametrize("model", [TemplateVersion, TemplateApproval])
def test_versions_and_approvals_cannot_be_changed(world: World, now: datetime, model: Any) -> None:
    with tenant_scope(world.shop.tenant.id):
        save_and_approve("cart-1", body=CART, now=now)
        change = {"number": 9} if model is TemplateVersion else {"approved_at": now}
        with pytest.raises(DatabaseError, match="permission denied"), transaction.atomic():
            model.objects.update(**change)
        with pytest.raises(DatabaseError, match="permission denied"), transaction.atomic():
            model.objects.all().delete()
        assert model.objects.count() == 1


def test_another_workspace_s_look_alike_is_invisible(world: World, now: datetime) -> None:
    with tenant_scope(world.shop.tenant.id):
        ours = save_and_approve("cart-1", body="Ours", now=now)
    with tenant_scope(world.other.tenant.id):
        theirs = save_and_approve("cart-1", body="Theirs", now=now)
        assert theirs.number == 1
        assert versions_by_id([ours.id, theirs.id]).keys() == {theirs.id}
        assert [version.body for version in versions_of(ours.template_id)] == []
        assert templates_by_slug()["cart-1"].approved_version_id == theirs.id
        with pytest.raises(NotFound):
            approve_version(ours.id, now=now)
        with pytest.raises(NotFound):
            approve_version(new_id(), now=now)


def test_a_version_cannot_point_at_another_workspace_s_template(
    world: World, now: datetime
) -> None:
    with tenant_scope(world.shop.tenant.id):
        ours = save_draft("cart-1", body="Ours", now=now)
    with pytest.raises(DatabaseError, match="foreign key"), tenant_scope(world.other.tenant.id):
        save_version_at_once(ours.template_id, now)


def save_version_at_once(template_id: UUID, now: datetime) -> None:
    TemplateVersion.objects.create(
        template_id=template_id, number=2, body="x", syntax="brackets", created_at=now
    )
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


def test_nothing_works_outside_of_a_scope(world: World, now: datetime) -> None:
    with pytest.raises(OutsideTenant):
        save_draft("cart-1", body=CART, now=now)
    with pytest.raises(OutsideTenant):
        versions_by_id([UUID(int=1)])


def test_asked_replies_of_a_version(world: World, now: datetime) -> None:
    with tenant_scope(world.shop.tenant.id):
        version = save_draft("cart-2", body="Reply SIZE or SHIPPING. [CartLink]", now=now)
        assert versions_by_id([version.id])[version.id].asks == {"SIZE", "SHIPPING"}
