"""Copying to clients: what is missing is said first, nothing is overwritten, nobody comes along."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from delivery.models import Gateway, Message, Sender
from people.models import Contact
from segments.domain.segments import create_segment
from templates_engine.domain import audiences
from templates_engine.domain.templates import save_and_approve, save_draft
from templates_engine.models import Template, TemplateVersion
from tenancy.domain.workspaces import add_member, create_workspace
from tenancy.models import ApiKey, AuditEntry, Tenant, User, WriteKey
from tenancy.scope import tenant_scope
from tenancy.security import tenant_models
from tests.support.world import World
from tests.web.story import tell_story
from triggers.core.copying import names_in, with_templates
from triggers.domain.copying import Bundle, CopyPlan, copy_here, pack, plan_copy
from triggers.domain.flows import create_flow, publish_flow
from triggers.models import Flow, FlowVersion

pytestmark = pytest.mark.django_db
PAGE = "/agency/agency-juniper/copy/"
FLOW = {
    "trigger": {"type": "event", "event": "Checkout Started"},
    "reentry": {"mode": "every", "min_gap": "PT24H"},
    "exit": [{"event": "Order Completed"}],
    "steps": [
        {
            "key": "vip",
            "type": "split",
            "if": {
                "all": [{"segment": "vips"}, {"attribute": "shoe_size", "op": "is", "value": 9}]
            },
            "then": [{"key": "a", "type": "message", "template": "cart-a"}],
            "else": [
                {
                    "key": "b",
                    "type": "message",
                    "template": "cart-b",
                    "replies": {"SIZE": "size"},
                    "replies_open_for": "P1D",
                }
            ],
        }
    ],
}


@pytest.fixture(autouse=True)
def _nothing_kept() -> Iterator[None]:
    audiences._samples.clear()
    yield
    audiences._samples.clear()


@pytest.fixture
def target(world: World, now: datetime) -> Tenant:
    return create_workspace(
        world.shop.organization,
        name="Harbor",
        slug="harbor",
        shop_url="https://harbor.example",
        now=now,
    )


@pytest.fixture
def source(world: World, now: datetime) -> Tenant:
    with tenant_scope(world.shop.tenant.id):
        create_segment(
            "VIPs",
            slug="vips",
            definition={"all": [{"attribute": "city", "op": "is", "value": "Austin"}]},
            now=now,
        )
        save_and_approve("cart-a", body="Hi [FirstName or 'there'], your cart: [CartLink]",
                         fields={"CartLink": "https://juniper.example/cart"}, now=now)  # fmt: skip
        save_and_approve("cart-b", body="From Juniper & Oak: reply SIZE. [CartLink]",
                         fields={"CartLink": "https://juniper.example"}, now=now)  # fmt: skip
        save_and_approve("size", body="All sizes: https://juniper.example/sizes",
                         message_type="conversational", now=now)  # fmt: skip
        flow = create_flow("Cart", slug="cart", definition=FLOW, now=now)
        publish_flow(flow, now=now)
    return world.shop.tenant


def bundle_of(tenant: Tenant, kind: str = "flow", slug: str = "cart") -> Bundle:
    with tenant_scope(tenant.id):
        return pack(kind, slug)


def plan_in(tenant: Tenant, bundle: Bundle) -> CopyPlan:
    with tenant_scope(tenant.id):
        return plan_copy(bundle)


def lacks(plan: CopyPlan) -> list[tuple[str, str]]:
    return [(lack.kind, lack.name) for lack in plan.lacks]


def rows(tenant: Tenant) -> dict[str, tuple[int, int]]:
    parts = " UNION ALL ".join(
        f"SELECT '{m._meta.db_table}', count(*), sum(hashtext(t::text)::bigint)"
        f" FROM {m._meta.db_table} t"
        for m in tenant_models()
    )
    with tenant_scope(tenant.id), connection.cursor() as cursor:
        cursor.execute(parts)
        return {name: (count, digest) for name, count, digest in cursor.fetchall()}


def test_the_dry_run_says_what_is_missing_and_writes_nothing(
    source: Tenant, target: Tenant
) -> None:
    before = rows(target)
    plan = plan_in(target, bundle_of(source))
    assert lacks(plan) == [
        ("segment", "vips"),
        ("event", "Checkout Started"),
        ("event", "Order Completed"),
        ("field", "CartLink"),
        ("field", "FirstName"),
        ("field", "shoe_size"),
        ("sender", "Sender"),
        ("template", "Cart b"),  # it names the brand it comes from
    ]
    assert not plan.stops
    assert [(slug, what) for slug, _, what in plan.texts] == [
        ("cart-a", "new"),
        ("cart-b", "new"),
        ("size", "new"),
    ]
    assert rows(target) == before


def test_it_arrives_as_a_draft_with_links_to_the_targets_shop(
    source: Tenant, target: Tenant, world: World, now: datetime
) -> None:
    tell_story(world.shop, now=now)
    before = rows(source)
    bundle = bundle_of(source)
    with tenant_scope(target.id):
        copy_here(bundle, now=now, actor=world.shop.owner)
        flow = Flow.objects.get()
        assert (flow.slug, flow.name, flow.status, flow.live_version_id) == (
            "cart", "Cart", "draft", None,
        )  # fmt: skip
        assert not Template.objects.exclude(approved_version=None).exists()
        bodies = dict(TemplateVersion.objects.values_list("template__slug", "body"))
        said = str(list(TemplateVersion.objects.values_list("fields", "body")))
        assert bodies["size"] == "All sizes: https://harbor.example/sizes"
        assert "juniper.example" not in said
        assert "https://harbor.example/cart" in said
        for model in (Contact, ApiKey, WriteKey, Gateway, Sender, Message):
            assert not model.objects.exists(), model
        entry = AuditEntry.objects.get(action="flow.copied")
        assert (entry.actor, entry.data["from"]) == ("user:owner@juniper.example", "juniper")
    assert rows(source) == before


def test_what_arrived_can_go_live(source: Tenant, target: Tenant, now: datetime) -> None:
    bundle = bundle_of(source)
    with tenant_scope(target.id):
        create_segment(
            "VIPs",
            slug="vips",
            definition={"all": [{"attribute": "city", "op": "is", "value": "Austin"}]},
            now=now,
        )
        copy_here(bundle, now=now)
        publish_flow(Flow.objects.get(), now=now)
        assert Flow.objects.get().status == "live"
        assert Template.objects.exclude(approved_version=None).count() == 3


def test_nothing_there_is_overwritten(source: Tenant, target: Tenant, now: datetime) -> None:
    with tenant_scope(target.id):
        save_and_approve("cart-a", body="Our own words", now=now)
        save_draft("cart-b", body="Only a draft", now=now)
        save_and_approve("size", body="All sizes: https://harbor.example/sizes",
                         message_type="conversational", now=now)  # fmt: skip
        simple = {**FLOW, "steps": [{"key": "a", "type": "message", "template": "cart-a"}]}
        create_flow("Ours", slug="cart", definition=simple, now=now)
        held = {
            **dict(TemplateVersion.objects.values_list("id", "body")),
            **dict(FlowVersion.objects.values_list("id", "definition")),
        }
        plan = copy_here(bundle_of_outside(source), now=now)
        assert plan.slug == "cart-2"
        assert [(slug, what) for slug, _, what in plan.texts] == [
            ("cart-a-2", "new"),
            ("cart-b-2", "new"),
            ("size", "same"),
        ]
        after = {
            **dict(TemplateVersion.objects.values_list("id", "body")),
            **dict(FlowVersion.objects.values_list("id", "definition")),
        }
        assert {key: after[key] for key in held} == held
        definition = FlowVersion.objects.get(flow__slug="cart-2").definition
        assert names_in(definition, "template") == {"cart-a-2", "cart-b-2"}
        assert definition["steps"][0]["else"][0]["replies"] == {"SIZE": "size"}
        # A second time there is room for it again.
        assert copy_here(bundle_of_outside(source), now=now).slug == "cart-3"


def test_the_very_same_flow_is_said_to_be_there_already(
    source: Tenant, target: Tenant, now: datetime
) -> None:
    bundle = bundle_of_outside(source)
    with tenant_scope(target.id):
        for _, text, _ in plan_copy(bundle).texts:
            save_and_approve(
                text.slug,
                name=text.name,
                body=text.body.replace("juniper.example", "harbor.example"),
                message_type=text.message_type,
                fields=dict(text.fields),
                now=now,
            )
        assert not plan_copy(bundle).twin
        create_flow(bundle.name, slug="cart", definition=FLOW, now=now)
        plan = plan_copy(bundle)
        assert (plan.twin, plan.slug) == (True, "cart-2")
        # Two that look alike in a list are told apart.
        copy_here(bundle, now=now)
        assert Flow.objects.get(slug="cart-2").name.startswith(f"{bundle.name} (from Juniper")


_packed: dict[Any, Bundle] = {}


def bundle_of_outside(source: Tenant) -> Bundle:
    """The bundle read before the target's scope was opened: scopes never cross."""
    return _packed[source.id]


@pytest.fixture(autouse=True)
def _pack(request: pytest.FixtureRequest) -> None:
    if "source" in request.fixturenames:
        source = request.getfixturevalue("source")
        _packed[source.id] = bundle_of(source)


def test_where_the_shop_is_unknown_nothing_arrives(
    client: Client, world: World, source: Tenant, target: Tenant, now: datetime
) -> None:
    bare = create_workspace(world.shop.organization, name="Bare", slug="bare", now=now)
    plan = plan_in(bare, bundle_of(source))
    assert plan.stops
    assert ("shop", "Shop address") in lacks(plan)
    client.force_login(world.shop.owner)
    data = {"organization": "agency-juniper", "from": "juniper", "what": "flow:cart"}
    answer = client.post(PAGE, {**data, "to": ["bare", "harbor"]})
    assert b"Not copied" in answer.content
    with tenant_scope(bare.id):
        assert not Flow.objects.exists()
        assert not Template.objects.exists()
    with tenant_scope(target.id):
        assert Flow.objects.count() == 1  # one that cannot does not stop the others


def test_what_is_known_there_is_not_missing(
    world: World, source: Tenant, target: Tenant, now: datetime
) -> None:
    tell_story(world.other, now=now)  # another organization's: only its facts matter here
    plan = plan_in(world.other.tenant, bundle_of(source))
    assert ("event", "Checkout Started") not in lacks(plan)
    assert ("field", "FirstName") not in lacks(plan)
    assert ("sender", "Sender") not in lacks(plan)
    assert ("event", "Order Completed") in lacks(plan)


def test_a_template_alone(source: Tenant, target: Tenant, now: datetime) -> None:
    bundle = bundle_of(source, "template", "cart-a")
    with tenant_scope(target.id):
        copy_here(bundle, now=now)
        assert Template.objects.get().approved_version_id is None
        assert not Flow.objects.exists()


def test_by_hand(client: Client, world: World, source: Tenant, target: Tenant) -> None:
    client.force_login(world.shop.owner)
    client.get("/w/juniper/")
    assert b"Check" in client.get(PAGE).content  # it begins with the client one comes from
    dry = client.get(PAGE, {"from": "juniper", "what": "flow:cart", "to": ["harbor"]})
    assert b"Copy to 1 client" in dry.content
    assert b"This shop has never sent it" in dry.content
    with tenant_scope(target.id):
        assert not Flow.objects.exists()
    data = {"organization": "agency-juniper", "from": "juniper", "what": "flow:cart"}
    done = client.post(PAGE, {**data, "to": ["harbor"]})
    assert b'href="/w/harbor/flows/cart/"' in done.content
    assert client.get("/w/harbor/flows/cart/").status_code == 200


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"to": ["juniper-two"]}, 404),
        ({"from": "juniper-two"}, 404),
        ({"to": []}, 422),
        ({"to": ["juniper"]}, 422),
        ({"what": "flow:nothing"}, 404),
        ({"what": "contact:maya"}, 404),
        ({"what": ""}, 404),
        ({"organization": "agency-juniper-two"}, 409),
    ],
)
def test_bad_input_copies_nothing(
    client: Client,
    world: World,
    source: Tenant,
    target: Tenant,
    change: dict[str, Any],
    status: int,
) -> None:
    client.force_login(world.shop.owner)
    data = {
        "organization": "agency-juniper",
        "from": "juniper",
        "what": "flow:cart",
        "to": ["harbor"],
    }
    assert client.post(PAGE, {**data, **change}).status_code == status
    for tenant in (target, world.other.tenant):
        with tenant_scope(tenant.id):
            assert not Flow.objects.exists()


def test_only_ones_own_clients(
    client: Client, world: World, source: Tenant, target: Tenant, now: datetime
) -> None:
    user = User.objects.create_user("a@agency.example", None, name="A")
    add_member(world.shop.organization, user=user, role="admin", workspaces=[target], now=now)
    client.force_login(user)
    assert b"Juniper" not in client.get(PAGE).content.replace(b"Agency of juniper", b"")
    data = {"organization": "agency-juniper", "what": "flow:cart", "to": ["harbor"]}
    assert client.post(PAGE, {**data, "from": "juniper"}).status_code == 404


def test_names_change_wherever_they_stand() -> None:
    changed = with_templates(FLOW, {"cart-a": "x", "size": "y"})
    assert names_in(changed, "template") == {"x", "cart-b"}
    assert changed["steps"][0]["else"][0]["replies"] == {"SIZE": "y"}
    assert changed["trigger"] == FLOW["trigger"]
    assert names_in(FLOW, "template") == {"cart-a", "cart-b"}
