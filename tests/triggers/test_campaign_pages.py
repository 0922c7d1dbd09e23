"""The campaign's pages without a browser: written, checked, confirmed, sent, steered."""

from __future__ import annotations

import html
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from consent.domain.facts import facts_for
from delivery.domain.inbound import InboundSms, receive_inbound
from delivery.domain.test_texts import own_number
from delivery.models import Gateway, Message
from people.domain.queries import contacts_by_id
from tenancy.clock import advance_clock, business_now, wall_now
from tenancy.ids import new_id, show_id
from tenancy.models import AuditEntry
from tenancy.scope import tenant_scope
from tests.support.carrier import NUMBER, CarrierProcess
from tests.support.pages import flat
from tests.triggers.campaigning import TEXT, campaign_of, change, go, move, people, segment
from tests.triggers.scene import Scene
from tests.triggers.test_api import call
from triggers.core.local_times import instant_of
from triggers.domain.prices import read_price
from triggers.models import Campaign
from triggers.views import campaigns as pages

BASE = "/w/juniper/campaigns/"


@pytest.fixture(autouse=True)
def _clock(scene: Scene) -> None:
    advance_clock(scene.now)


@pytest.fixture
def shop(client: Client, scene: Scene) -> Client:
    client.force_login(scene.brand.owner)
    return client


def post(client: Client, path: str, **data: Any) -> Any:
    return client.post(f"{BASE}{path}", {**data, "workspace": "juniper"}, follow=True)


def write(client: Client, scene: Scene, **changes: Any) -> str:
    """A new campaign with everything filled in; its address below the list's."""
    answer = post(client, "new/", name="Early access")
    assert answer.status_code == 200
    ref = show_id("cmp", campaign_of(scene).id)
    form = {"name": "Early access", "who": "everybody", "body": TEXT, "timing": "now", **changes}
    answer = post(client, f"{ref}/save/", **form)
    assert answer.status_code == 200, flat(answer)[:3000]
    return ref


def test_from_the_list_to_the_last_text(
    scene: Scene, shop: Client, carrier: CarrierProcess
) -> None:
    assert "No campaign yet" in flat(shop.get(BASE))
    people(scene, 2)
    ref = write(shop, scene, then="review")
    page = flat(shop.get(f"{BASE}{ref}/?review=1"))
    assert "Send Early access" in page
    assert "Hi there, early access is open." in page
    assert "Type Juniper &amp; Oak to confirm" not in page
    answer = post(shop, f"{ref}/launch/")
    assert "Waiting for its time" in flat(answer)
    go(scene)
    assert len(carrier.messages()) == 3
    page = flat(shop.get(f"{BASE}{ref}/"))
    assert "3 of 3" in page
    assert "every 2s" not in page  # it is over: nothing to poll for
    assert f"{BASE}{ref}/" in flat(shop.get("/w/juniper/find/?q=early"))
    listed = flat(shop.get(BASE))
    assert "Early access" in listed
    assert "Everybody subscribed" in listed


def test_above_a_thousand_the_workspaces_name_is_typed(
    scene: Scene, shop: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages, "TYPE_NAME_ABOVE", 2)
    people(scene, 2)
    ref = write(shop, scene)
    assert "Type Juniper &amp; Oak to confirm" in flat(shop.get(f"{BASE}{ref}/?review=1"))
    for said in ("", "juniper", "Juniper"):
        answer = post(shop, f"{ref}/launch/", confirm=said)
        assert answer.status_code == 422
        assert campaign_of(scene).status == "draft"
    assert post(shop, f"{ref}/launch/", confirm="Juniper & Oak").status_code == 200
    assert campaign_of(scene).status == "scheduled"


def test_what_is_wrong_is_said_and_what_was_typed_stays(scene: Scene, shop: Client) -> None:
    ref = write(shop, scene)
    form = {"name": "Early access", "who": "everybody", "timing": "now"}
    answer = post(shop, f"{ref}/save/", **form, body="Hello [FirstName], typed in vain")
    assert answer.status_code == 422
    assert "typed in vain" in flat(answer)
    answer = post(shop, f"{ref}/save/", **{**form, "timing": "at"}, body=TEXT, when="soon")
    assert "Choose a day and a time." in flat(answer)
    answer = post(shop, f"{ref}/save/", **{**form, "who": "segment:nobody"}, body=TEXT)
    assert "No segment is called nobody." in flat(answer)
    with tenant_scope(scene.id):
        assert Campaign.objects.get().template_version.body == TEXT


def test_a_time_is_the_workspaces_wall_clock(scene: Scene, shop: Client) -> None:
    wall = (scene.now + timedelta(days=1)).strftime("%Y-%m-%dT09:30")
    ref = write(shop, scene, timing="at", when=wall)
    found = campaign_of(scene)
    assert found.send_at is not None
    assert (found.send_at.hour, found.send_at.minute) == (17, 30)  # Los Angeles in November
    assert f'value="{wall}"' in flat(shop.get(f"{BASE}{ref}/"))


def test_a_campaign_by_local_time_says_whose_clock_and_no_earlier_day(
    scene: Scene, shop: Client
) -> None:
    people(scene, 2)
    day = scene.now + timedelta(days=2)
    ref = write(shop, scene, timing="local", when=f"{day:%Y-%m-%d}T10:00")
    page = flat(post(shop, f"{ref}/launch/"))
    head = page.split('id="progress-title"', 1)[1].split("</header>", 1)[0]
    assert f"{day:%b} {day.day}, 10:00 on each contact" in head
    assert "next" not in head


def said(answer: Any) -> str:
    """The page in one line, its entities read."""
    return html.unescape(flat(answer))


def planned(page: str) -> int:
    return int(page.split("lanned</dt> <dd>", 1)[1].split("<", 1)[0])


def told_over_the_api(scene: Scene, ref: str) -> int:
    scene.meet_clock()
    status, found = call(Client(), scene.brand, "get", f"campaigns/{ref}")
    assert status == 200
    return int(found["numbers"]["planned"])


def test_whose_time_has_not_come_is_planned(
    scene: Scene, shop: Client, carrier: CarrierProcess
) -> None:
    people(scene, 2, area="212")  # New York: 10:00 comes three hours before Los Angeles'
    people(scene, 3, area="213")
    day = scene.now + timedelta(days=1)
    ref = write(shop, scene, timing="local", when=f"{day:%Y-%m-%d}T10:00")
    assert told_over_the_api(scene, ref) == 0  # a draft plans nothing
    page = said(post(shop, f"{ref}/launch/"))
    everybody = planned(page)
    assert everybody == campaign_of(scene).selected_count == 6
    assert told_over_the_api(scene, ref) == everybody
    assert "<dt>Queued or waiting</dt> <dd>0</dd>" in page
    assert f"0 of {everybody}" in page
    stop = said(shop.get(f"{BASE}{ref}/?stop=1"))
    assert f"{everybody} planned contacts will get nothing" in stop
    go(scene, instant_of(day.replace(hour=10, minute=0, second=0), "America/New_York"))
    page = said(shop.get(f"{BASE}{ref}/"))
    sent = len(carrier.messages())
    assert 0 < sent < everybody
    assert planned(page) == told_over_the_api(scene, ref) == everybody - sent
    page = said(post(shop, f"{ref}/stop/"))
    assert f"{everybody - sent} more people were planned when it was stopped" in page
    assert "stopped before it began" not in page


def test_stopped_before_it_began_says_what_would_have_gone(
    scene: Scene, shop: Client, carrier: CarrierProcess
) -> None:
    people(scene, 4)
    later = (scene.now + timedelta(days=1)).strftime("%Y-%m-%dT09:30")
    ref = write(shop, scene, timing="at", when=later)
    assert planned(said(post(shop, f"{ref}/launch/"))) == 5
    page = said(post(shop, f"{ref}/stop/"))
    assert "It was stopped before it began. 5 people were planned, and nobody got a text." in page
    assert "0 of 0" not in page
    go(scene)
    page = said(shop.get(f"{BASE}{ref}/"))
    assert "It was stopped before it began. 5 people were planned" in page
    assert carrier.messages() == []


def test_a_sent_campaign_plans_nobody(scene: Scene, shop: Client, carrier: CarrierProcess) -> None:
    people(scene, 2)
    ref = write(shop, scene)
    post(shop, f"{ref}/launch/")
    go(scene)
    assert planned(said(shop.get(f"{BASE}{ref}/"))) == told_over_the_api(scene, ref) == 0


def test_the_send_dialog_says_to_whom_what_and_at_what_price(scene: Scene, shop: Client) -> None:
    members = people(scene, 3)
    for one in members:
        change(scene, one, cohort="spring")
    change(scene, members[0], vip="yes")
    segment(scene, "spring", "cohort", "spring")
    segment(scene, "vip", "vip", "yes")
    ref = write(shop, scene, who="segment:spring", exclude=["vip"])
    dialog = said(shop.get(f"{BASE}{ref}/?review=1")).split('<dialog class="sheet" id="review"')[1]
    for words in (
        "<dt>Texts</dt> <dd>2</dd>",
        "<dt>Parts</dt> <dd>2</dd>",
        "<b>Spring</b>, 2 contacts",
        "Contacts whose cohort is spring.",
        "<b>Vip</b>, 1 member",
        "Contacts whose vip is yes.",
        "Without the carriers' fees, about 0.0025 to 0.0062 USD a part",
        "Hi there, early access is open. Reply STOP to opt out</span></div>",
        "“Reply STOP to opt out” is put behind a contact's first text",
    ):
        assert words in dialog, words
    price = {"price": "0.01", "currency": "USD", "workspace": "juniper"}
    shop.post("/w/juniper/settings/costs/save/", price)
    dialog = said(shop.get(f"{BASE}{ref}/?review=1"))
    assert "The carriers' fees are in it only if you put them there." in dialog
    assert "Without the carriers' fees" not in dialog


def test_the_dialogs_text_has_the_way_out_only_where_it_is_due(
    scene: Scene, shop: Client, carrier: CarrierProcess
) -> None:
    ref = write(shop, scene)
    post(shop, f"{ref}/launch/")
    go(scene)
    move(scene, scene.now + timedelta(days=3))
    post(shop, "new/", name="Second")
    with tenant_scope(scene.id):
        second = show_id("cmp", Campaign.objects.get(name="Second").id)
    form = {"name": "Second", "who": "everybody", "timing": "now"}
    post(shop, f"{second}/save/", **form, body=TEXT)
    page = said(shop.get(f"{BASE}{second}/?review=1"))
    assert "early access is open.</span>" in page
    assert "This contact read “Reply STOP to opt out” less than 30 days ago." in page
    post(shop, f"{second}/save/", **form, body="Early access. Text STOP to end this.")
    page = said(shop.get(f"{BASE}{second}/?review=1"))
    assert "The text itself says how to opt out, so nothing is put behind it." in page


def test_the_composer_tells_what_is_saved(scene: Scene, shop: Client) -> None:
    segment(scene, "spring", "cohort", "spring")
    ref = write(shop, scene, who="segment:spring", exclude=["spring"])
    page = said(shop.get(f"{BASE}{ref}/"))
    words = page.split('id="who-words"', 1)[1].split("</div>", 1)[0]
    assert "Contacts whose cohort is spring." in words
    assert "<b>Without Spring:</b>" in words
    assert "after those who are left out" in words
    assert 'href="/w/juniper/segments/spring/"' in words


def test_the_checks_come_by_themselves(scene: Scene, shop: Client) -> None:
    people(scene, 4)
    scene.add_person("never", "+12125550199", subscribed=False)
    segment(scene, "all", "city", "Nowhere")
    ref = write(shop, scene)
    page = flat(shop.get(f"{BASE}{ref}/"))
    assert f"{ref}/funnel/" in page
    checks = flat(shop.get(f"{BASE}{ref}/funnel/"))
    for words in ("Selected", "Not capped", "0.0083 USD", "about <b>$0.05</b>", "Counted over"):
        assert words in checks, words
    post(shop, f"{ref}/save/", name="x", who="segment:all", body=TEXT, timing="now")
    assert "0 of 0" in flat(shop.get(f"{BASE}{ref}/funnel/"))


def test_pause_resume_and_stop_by_hand(scene: Scene, shop: Client, carrier: CarrierProcess) -> None:
    later = (scene.now + timedelta(days=1)).strftime("%Y-%m-%dT09:30")
    ref = write(shop, scene, timing="at", when=later)
    post(shop, f"{ref}/launch/")
    assert "Resume" in flat(post(shop, f"{ref}/pause/"))
    assert "Pause" in flat(post(shop, f"{ref}/resume/"))
    page = flat(shop.get(f"{BASE}{ref}/?stop=1"))
    assert "cannot be called back" in page
    drawn = shop.get(f"{BASE}{ref}/progress/?status=scheduled")
    assert "HX-Refresh" not in drawn
    assert "Stopped" in flat(post(shop, f"{ref}/stop/"))
    assert shop.get(f"{BASE}{ref}/progress/?status=scheduled")["HX-Refresh"] == "true"
    assert "Only a paused campaign" in flat(post(shop, f"{ref}/resume/"))
    go(scene, scene.now + timedelta(days=2))
    assert carrier.messages() == []
    with tenant_scope(scene.id):
        done = set(AuditEntry.objects.values_list("action", flat=True))
    assert {f"campaign.{verb}" for verb in ("created", "launched", "paused", "stopped")} <= done


def confirm_own_phone(scene: Scene, phone: str) -> None:
    """The owner texts the code from the phone, as Settings asks."""
    from delivery.domain.test_texts import open_code

    with tenant_scope(scene.id):
        say = open_code(scene.brand.owner.id, wall=wall_now()).say
        sms = InboundSms(sid=f"SM{new_id().hex}", from_phone=phone, to_phone=NUMBER, body=say)
        receive_inbound(Gateway.objects.get(), sms, now=business_now())
        assert own_number(scene.brand.owner.id, wall=wall_now()).phone == phone


def test_a_test_text_goes_to_the_members_own_phone_only(
    scene: Scene, shop: Client, carrier: CarrierProcess
) -> None:
    ref = write(shop, scene)
    form = {"name": "Early access", "who": "everybody", "body": TEXT, "timing": "now"}
    assert "Confirm your phone" in flat(shop.get(f"{BASE}{ref}/"))
    answer = post(shop, f"{ref}/save/", **form, then="test")
    assert "Confirm your own phone first" in flat(answer)
    assert [m for m in scene.messages() if m.source_kind == "test_text"] == []
    own = "+12125550177"
    confirm_own_phone(scene, own)
    answer = post(shop, f"{ref}/save/", **form, then="test")
    assert "on its way to your phone" in flat(answer)
    go(scene)
    tests = [text for text in carrier.messages() if "early access is open" in text["body"]]
    assert [text["to"] for text in tests] == [own]
    with tenant_scope(scene.id):
        [told] = Message.objects.filter(source_kind="test_text")
        assert told.message_type == "marketing"
        contact = contacts_by_id([told.contact_id])[told.contact_id]
        # It is the member's agreement to test texts that carries it, not marketing consent.
        facts = facts_for([contact], now=business_now())[contact.id]
        assert facts.statuses["marketing"] == "never_subscribed"
        assert facts.slots == ()
    assert campaign_of(scene).status == "draft"


def test_who_may_what(scene: Scene, client: Client) -> None:
    client.force_login(scene.brand.owner)
    ref = write(client, scene)
    client.force_login(scene.brand.analyst)
    assert client.get(BASE).status_code == 200
    page = flat(client.get(f"{BASE}{ref}/"))
    assert "Review" not in page
    assert "New campaign" not in flat(client.get(BASE))
    for path in ("new/", f"{ref}/save/", f"{ref}/launch/", f"{ref}/pause/", f"{ref}/stop/"):
        assert post(client, path, name="x").status_code == 403, path
    saved = client.post("/w/juniper/settings/costs/save/", {"price": "1", "workspace": "juniper"})
    assert saved.status_code == 403
    assert campaign_of(scene).status == "draft"


def test_the_price_a_part_is_set_to_the_millionth(scene: Scene, shop: Client) -> None:
    path = "/w/juniper/settings/costs/"
    assert "0.0083" in flat(shop.get(path))
    for price, currency in (
        ("", "USD"), ("-1", "USD"), ("NaN", "USD"), ("1e99", "USD"), ("0.00000001", "USD"),
        ("11", "USD"), ("0.01", "Dollars"), ("0.01", "12"),
    ):  # fmt: skip
        answer = shop.post(
            f"{path}save/", {"price": price, "currency": currency, "workspace": "juniper"}
        )
        assert answer.status_code == 422, (price, currency)
    said = {"price": "0.012345", "currency": "eur", "workspace": "juniper"}
    assert shop.post(f"{path}save/", said).status_code == 302
    with tenant_scope(scene.id):
        assert (read_price().micros, read_price().currency) == (12_345, "EUR")
