"""The flow's pages without a browser: who may, what is refused, what stands there; and the API."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

import pytest
from django.test import Client

from delivery.models import Message
from templates_engine.models import TemplateVersion
from tenancy.clock import advance_clock
from tenancy.domain.workspaces import add_member
from tenancy.models import AuditEntry, Tenant, User
from tenancy.scope import tenant_scope
from tests.support.pages import flat
from tests.support.world import World
from tests.triggers.conftest import hours, install
from tests.triggers.scene import Scene
from triggers.domain.editing import change_filter, change_text
from triggers.domain.flows import publish_flow
from triggers.models import Flow, FlowRun, FlowVersion

CART = "/w/juniper/flows/cart-recovery/"
NEW = "Hi [FirstName or 'there'], your cart is safe: [CartLink]"


@pytest.fixture
def cart(scene: Scene) -> Flow:
    return install(scene, "cart-recovery")


@pytest.fixture
def shop(client: Client, world: World) -> Client:
    client.force_login(world.shop.owner)
    return client


def as_role(client: Client, world: World, role: str) -> Client:
    person = User(email=f"new-{role}@juniper.example", name=role.capitalize())
    person.set_unusable_password()
    person.save()
    add_member(world.shop.organization, user=person, role=role, now=world.now)
    client.force_login(person)
    return client


def post(client: Client, path: str, **given: Any) -> Any:
    return client.post(path, {"workspace": "juniper", **given})


def versions(scene: Scene) -> int:
    with tenant_scope(scene.id):
        return int(FlowVersion.objects.filter(flow__slug="cart-recovery").count())


def test_a_saved_text_leads_back_to_its_panel(scene: Scene, cart: Flow, shop: Client) -> None:
    answer = post(shop, f"{CART}step/text_1/edit/", base="1", body=NEW.replace("Hi", "Hi\r\n"))
    assert answer.status_code == 302
    assert answer["Location"] == f"{CART}?step=text_1#panel"
    page = flat(shop.get(f"{CART}?step=text_1"))
    assert "Version 2 is a draft: 1 change not live yet" in page
    assert "Text of step 2" in page
    with tenant_scope(scene.id):
        [entry] = AuditEntry.objects.filter(action="flow.saved")
        assert entry.actor == "user:owner@juniper.example"
        assert entry.data == {"number": 2, "changed": "text", "step": "text_1"}
        saved = TemplateVersion.objects.get(template__slug="cart-1", number=2)
        assert saved.body.startswith("Hi\n [FirstName")


def test_a_refusal_keeps_the_words_and_names_the_field(
    scene: Scene, cart: Flow, shop: Client
) -> None:
    words = "Hi [FirstName] </textarea><script>alert(1)</script>"
    answer = post(shop, f"{CART}step/text_1/edit/", base="1", body=words)
    page = flat(answer)
    assert answer.status_code == 422
    assert 'data-field="FirstName"' in page
    assert "FirstName has no fallback" in page
    assert "&lt;/textarea&gt;&lt;script&gt;" in page
    assert "<script>alert" not in page
    assert versions(scene) == 1


def test_somebody_else_was_faster(scene: Scene, cart: Flow, shop: Client) -> None:
    assert post(shop, f"{CART}step/wait_1h/edit/", base="1", hours="2").status_code == 302
    answer = post(shop, f"{CART}step/text_1/edit/", base="1", body=NEW)
    page = flat(answer)
    assert answer.status_code == 409
    assert "your cart is safe" in page
    assert 'name="base" value="2"' in page
    assert versions(scene) == 2
    assert post(shop, f"{CART}publish/", number="1").status_code == 409
    assert post(shop, f"{CART}step/text_1/edit/", base="2", body=NEW).status_code == 302


@pytest.mark.parametrize(
    ("given", "status", "words"),
    [
        ({"days": "1", "hours": "2"}, 302, ""),
        ({"hours": "0"}, 422, "Say how long"),
        ({"hours": "soon"}, 422, "is no duration"),
        ({"hours": "-1"}, 422, "is no duration"),
        ({"days": "999"}, 422, "At most 366 days"),
    ],
)
def test_a_delay_as_typed(
    scene: Scene, cart: Flow, shop: Client, given: dict[str, str], status: int, words: str
) -> None:
    answer = post(shop, f"{CART}step/wait_1h/edit/", base="1", **given)
    assert answer.status_code == status
    assert words in flat(answer)
    if status == 302:
        with tenant_scope(scene.id):
            newest = FlowVersion.objects.get(flow__slug="cart-recovery", number=2)
            assert newest.definition["steps"][0]["for"] == "P1DT2H"


def test_a_filter_as_typed(scene: Scene, cart: Flow, shop: Client) -> None:
    scene.track("Checkout Started", cart_id="c1", value=60, gift=True)
    edit = f"{CART}step/trigger/edit/"
    rows = {
        "match": "any",
        "property": ["value", "", "cart_id", "gift", "note"],
        "op": ["gte", "is", "in", "is", "is_set"],
        "value": ["50", "x", "a, b", "true", "ignored"],
    }
    assert post(shop, edit, base="1", **rows).status_code == 302
    with tenant_scope(scene.id):
        saved = FlowVersion.objects.get(flow__slug="cart-recovery", number=2)
        assert saved.definition["trigger"]["filter"] == {
            "any": [
                {"property": "value", "op": "gte", "value": 50},
                {"property": "cart_id", "op": "in", "value": ["a", "b"]},
                {"property": "gift", "op": "is", "value": True},
                {"property": "note", "op": "is_set"},
            ]
        }
    page = flat(shop.get(f"{CART}?step=trigger&edit=1"))
    assert page.count('name="property"') == 4 + 1 + 1  # a blank row, and the one to copy
    assert 'value="a, b"' in page
    assert "Of the newest 1 person this happened to, 1 passes" in page
    refused = post(shop, edit, base="2", property=["value"], op=["near"], value=["1"])
    assert refused.status_code == 422
    assert 'aria-invalid="true"' in flat(refused)
    assert post(shop, edit, base=str(versions(scene)), property=[""]).status_code == 302
    with tenant_scope(scene.id):
        newest = FlowVersion.objects.filter(flow__slug="cart-recovery").order_by("-number")[0]
        assert newest.definition["trigger"]["filter"] is None


def test_a_filter_with_groups_in_groups_is_left_alone(
    scene: Scene, cart: Flow, shop: Client
) -> None:
    deep = {"all": [{"not": {"property": "value", "op": "is", "value": 1}}]}
    with tenant_scope(scene.id):
        change_filter(cart, condition=deep, now=scene.now)
    page = flat(shop.get(f"{CART}?step=trigger&edit=1"))
    assert "groups inside groups" in page
    assert "Save draft" not in page


def test_the_review_shows_what_forbids_it(scene: Scene, cart: Flow, shop: Client) -> None:
    body = "Questions? Reply RETURNS. [CartLink]"
    post(shop, f"{CART}step/text_2/edit/", base="1", body=body)
    page = flat(shop.get(f"{CART}review/"))
    assert "asks for the reply RETURNS, and nothing answers it" in page
    assert "disabled" in page
    answer = post(shop, f"{CART}publish/", number="2")
    assert answer.status_code == 422
    assert "cannot go live yet" in flat(answer)
    # Dropping the changes leaves nothing to publish.
    assert post(shop, f"{CART}versions/1/rollback/").status_code == 302
    page = flat(shop.get(f"{CART}review/"))
    assert "what is saved is what is live" in page
    assert "Publish version" not in page


def test_pause_and_resume_say_what_happens_to_the_waiting(
    scene: Scene, cart: Flow, shop: Client
) -> None:
    for number in range(3):
        scene.track("Checkout Started", cart_id=f"c{number}", value=60)
    scene.add_person("late", "+12125550109")
    scene.track("Checkout Started", "late", cart_id="l", value=60)
    scene.go()
    page = flat(shop.get(CART))
    assert "2 people are on the way." in page
    assert post(shop, f"{CART}pause/").status_code == 302
    assert post(shop, f"{CART}pause/").status_code == 409
    assert post(shop, f"{CART}resume/", overdue="sometimes").status_code == 422
    assert post(shop, f"{CART}resume/", overdue="exit").status_code == 302
    with tenant_scope(scene.id):
        flow = Flow.objects.get(slug="cart-recovery")
        assert flow.status == "live"
        actors = AuditEntry.objects.filter(action__in=["flow.paused", "flow.resumed"])
        assert {one.actor for one in actors} == {"user:owner@juniper.example"}


def test_texts_that_wait_go_out_in_the_new_words(scene: Scene, cart: Flow) -> None:
    scene.go(hours(scene.now, 8.5))  # half past nine in the evening in New York
    scene.track("Checkout Started", cart_id="c1", value=60, currency="USD")
    scene.walk(hours(scene.now, 2))
    with tenant_scope(scene.id):
        waiting = Message.objects.get(status="scheduled")
        before = waiting.template_version_id
        change_text(cart, key="text_1", body=NEW, now=scene.now)
        waiting.refresh_from_db()
        assert waiting.template_version_id == before
        publish_flow(cart, now=scene.now)
        waiting.refresh_from_db()
        assert waiting.template_version.body == NEW


@pytest.mark.parametrize(
    ("role", "edits", "publishes"),
    [
        ("marketer", True, True),
        ("approver", True, True),
        ("analyst", False, False),
        ("support", False, False),
        ("developer", False, False),
    ],
)
def test_who_may(
    scene: Scene,
    cart: Flow,
    client: Client,
    world: World,
    role: str,
    edits: bool,
    publishes: bool,
) -> None:
    shop = as_role(client, world, role)
    page = flat(shop.get(CART))
    assert ("Edit filter" in page) is edits
    assert ('data-opens="pause"' in page) is publishes
    saved = post(shop, f"{CART}step/wait_1h/edit/", base="1", hours="2").status_code
    assert saved == (302 if edits else 403)
    assert post(shop, f"{CART}versions/1/rollback/").status_code == (302 if edits else 403)
    assert post(shop, "/w/juniper/recipes/cart-recovery/start/").status_code == (
        302 if edits else 403
    )
    assert post(shop, f"{CART}pause/").status_code == (302 if publishes else 403)
    assert post(shop, f"{CART}resume/").status_code == (302 if publishes else 403)
    published = post(shop, f"{CART}publish/", number=str(versions(scene))).status_code
    assert published == (302 if publishes else 403)


def test_a_recipe_in_a_workspace_without_an_address(
    scene: Scene, client: Client, world: World
) -> None:
    start = "/w/juniper/recipes/cart-recovery/start/"
    Tenant.objects.filter(id=scene.id).update(shop_url="")
    marketer = as_role(client, world, "marketer")
    assert "An owner or admin has to start" in flat(marketer.get("/w/juniper/flows/"))
    assert post(marketer, start).status_code == 422
    assert post(marketer, start, shop_url="https://evil.example").status_code == 422
    client.force_login(world.shop.owner)
    assert "The shop&#x27;s address" in flat(client.get("/w/juniper/flows/")) or (
        "The shop's address" in flat(client.get("/w/juniper/flows/"))
    )
    for wrong in ("shop", "ftp://x.example", "javascript:alert(1)", "https://a b.example"):
        assert post(client, start, shop_url=wrong).status_code == 422, wrong
    assert post(client, start, shop_url="https://juniper.example/").status_code == 302
    assert Tenant.objects.get(id=scene.id).shop_url == "https://juniper.example"
    assert Tenant.objects.get(id=world.other.tenant.id).shop_url == "https://juniper.example"
    with tenant_scope(scene.id):
        assert Flow.objects.get().status == "draft"
        assert FlowRun.objects.count() == 0
    assert post(client, "/w/juniper/recipes/nope/start/").status_code == 404


def test_bad_addresses_are_no_500(scene: Scene, cart: Flow, shop: Client) -> None:
    assert shop.get(f"{CART}?step=nope&edit=1").status_code == 200
    assert shop.get(f"{CART}?step=text_1&edit=1&keyword=NOPE").status_code == 404
    assert shop.get(f"{CART}step/nope/edit/").status_code == 404
    assert shop.get(f"{CART}versions/?before=x").status_code == 200
    assert post(shop, f"{CART}step/nope/edit/").status_code == 404
    assert post(shop, f"{CART}versions/99/rollback/").status_code == 404
    assert post(shop, f"{CART}publish/", number="\u0663").status_code == 409
    assert post(shop, f"{CART}step/text_1/edit/", base="x", body="Hi").status_code == 409
    assert post(shop, f"{CART}step/text_1/edit/", base="1", body="a\x00b").status_code == 422
    assert post(shop, f"{CART}step/trigger/edit/", base="1", property="a\x00", value="\x00") \
        .status_code in {302, 422}  # fmt: skip
    assert versions(scene) <= 2


def test_versions_and_rollback_over_the_api(
    scene: Scene, cart: Flow, shop: Client, world: World
) -> None:
    for base, span in (("1", "2"), ("2", "3")):
        post(shop, f"{CART}step/wait_1h/edit/", base=base, hours=span)
    headers = {"Authorization": f"Bearer {world.shop.api_key}"}
    path = "/api/v1/flows/cart-recovery/versions"
    first = shop.get(f"{path}?limit=2", headers=headers).json()
    assert [one["number"] for one in first["versions"]] == [3, 2]
    assert first["versions"][0]["changes"] == [
        {"what": "Delay of step 1", "before": "2 hours", "after": "3 hours", "step": "wait_1h"}
    ]
    assert first["versions"][1]["changes"][0]["before"] == "1 hour"
    assert first["versions"][0]["created_by"] == "owner@juniper.example"
    second = shop.get(f"{path}?cursor={first['next_cursor']}", headers=headers).json()
    assert [(one["number"], one["live"], one["changes"]) for one in second["versions"]] == [
        (1, True, [])
    ]
    assert second["next_cursor"] is None
    made = shop.post(f"{path}/1/rollback", headers=headers)
    assert (made.status_code, made.json()["number"]) == (201, 4)
    assert shop.post(f"{path}/77/rollback", headers=headers).status_code == 404
    with tenant_scope(scene.id):
        [entry] = AuditEntry.objects.filter(action="flow.rolled_back")
        assert entry.actor.startswith("key:")
        assert entry.data == {"number": 4, "to": 1}


def test_a_version_says_when_it_was_saved_and_when_it_went_live(
    scene: Scene, cart: Flow, client: Client, world: World
) -> None:
    advance_clock(scene.now)
    shop = as_role(client, world, "marketer")
    post(shop, f"{CART}step/wait_1h/edit/", base="1", hours="2")
    post(shop, f"{CART}step/wait_1h/edit/", base="2", hours="3")
    client.force_login(world.shop.owner)
    advance_clock(hours(scene.now, 5))
    post(client, f"{CART}publish/", number="3")
    page = flat(client.get(f"{CART}versions/"))
    newest, second, first = page.split('class="card version"')[1:]
    saved = re.search(r"Saved <time [^>]*>Nov 17, 10:0\d</time> by ([^ ]+) ", newest)
    assert saved is not None
    assert saved[1] == "new-marketer@juniper.example"
    live = re.search(r"Went live <time [^>]*>Nov 17, 15:0\d</time> by ([^ ]+) ", newest)
    assert live is not None
    assert live[1] == "owner@juniper.example"
    assert "Never live" in second
    assert "Went live" in first
    headers = {"Authorization": f"Bearer {world.shop.api_key}"}
    told = shop.get("/api/v1/flows/cart-recovery/versions", headers=headers).json()["versions"]
    assert [one["published_by"] for one in told] == ["owner@juniper.example", "", ""]
    assert [one["published_at"] is None for one in told] == [False, True, False]
    # What a key publishes was the key's doing.
    post(client, f"{CART}step/wait_1h/edit/", base="3", hours="4")
    path = "/api/v1/flows/cart-recovery/publication"
    assert client.post(path, headers=headers).status_code == 200
    page = flat(client.get(f"{CART}versions/"))
    assert "by the API key " in page.split('class="card version"')[1]


def test_the_fallbacks_follow_the_text(scene: Scene, cart: Flow, shop: Client) -> None:
    def section() -> str:
        page = flat(shop.get(f"{CART}?step=text_1"))
        _, _, rest = page.partition("Read instead of a missing value")
        return rest.partition("</dl>")[0].replace("> <", "><")

    assert "<dt>Cart link</dt><dd>https://juniper.example</dd>" in section()
    post(shop, f"{CART}step/text_1/edit/", base="1", body=NEW + " [City or skip]")
    assert "<dt>First name</dt><dd>there</dd>" in section()
    assert "<dt>Cart link</dt><dd>The shop&#x27;s address</dd>" in section()
    assert "<dt>City</dt><dd>Nothing: the text is not sent</dd>" in section()
    post(shop, f"{CART}step/text_1/edit/", base="2", body="No fields at all.")
    assert section() == ""


def test_saving_leads_to_where_somebody_was_going_but_never_elsewhere(
    scene: Scene, cart: Flow, shop: Client
) -> None:
    edit = f"{CART}step/wait_1h/edit/"
    for number, (given, wanted) in enumerate(
        [
            (f"{CART}?step=text_1#panel", f"{CART}?step=text_1#panel"),
            ("/w/juniper/messages/", "/w/juniper/messages/"),
            ("", f"{CART}?step=wait_1h#panel"),
            ("//evil.example/", f"{CART}?step=wait_1h#panel"),
            ("https://evil.example/", f"{CART}?step=wait_1h#panel"),
            ("/\\evil.example", f"{CART}?step=wait_1h#panel"),
        ],
        1,
    ):
        answer = post(shop, edit, base=str(number), hours=str(number + 1), next=given)
        assert (answer.status_code, answer["Location"]) == (302, wanted)


def test_long_histories_come_in_pages(
    scene: Scene, cart: Flow, shop: Client, now: datetime
) -> None:
    for number in range(1, 23):
        hours_ = str(2 + number % 2)
        assert (
            post(shop, f"{CART}step/wait_1h/edit/", base=str(number), hours=hours_).status_code
            == 302
        )
    page = flat(shop.get(f"{CART}versions/"))
    assert "Version 23" in page
    assert "Version 3<" not in page
    older = flat(shop.get(f"{CART}versions/?before=4"))
    assert "The first version, from the recipe cart-recovery." in older
