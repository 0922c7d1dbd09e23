"""The webhook settings in Chromium: add one, see the secret once, test it, read what came back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from events.domain.webhook_sending import send_round
from tests.support.receiver import WebhookReceiver
from tests.support.world import World
from tests.web.conftest import LogIn
from tests.web.test_pages import VIEWS
from tests.web.test_replies import leave, look

pytestmark = pytest.mark.browser


@pytest.fixture
def receiver(settings: Any) -> Iterator[WebhookReceiver]:
    settings.KAIROS_WEBHOOK_LOOPBACK = True
    made = WebhookReceiver()
    made.status = 500
    yield made
    made.close()


@pytest.mark.parametrize("view", VIEWS)
def test_adding_testing_and_reading_a_webhook(
    committed_world: World,
    live_server: Any,
    log_in: LogIn,
    free_page: Callable[..., Page],
    receiver: WebhookReceiver,
    now: datetime,
    view: str,
) -> None:
    shop = committed_world.shop
    page = free_page(**VIEWS[view])
    log_in(page.context, shop)
    page.goto(f"{live_server.url}/w/{shop.tenant.slug}/settings/webhooks/")
    look(page, f"webhooks-none-{view}")
    page.get_by_role("button", name="New webhook").click()
    page.get_by_label("Address").fill("https://10.0.0.1/hooks")
    page.get_by_role("button", name="Add webhook").click()
    expect(page.locator("#new-webhook .error")).to_contain_text("Only public addresses")
    look(page, f"webhooks-new-{view}")
    page.get_by_label("Address").fill(f"{receiver.base_url}/hooks")
    page.get_by_role("button", name="Add webhook").click()
    expect(page.locator("copy-text code")).to_contain_text("whsec_")
    page.get_by_role("button", name="Send test event").click()
    expect(page.locator("#delivery-rows")).to_contain_text("Webhook Test")
    assert page.locator("copy-text").count() == 0  # shown once
    send_round(shop.tenant.id)
    page.reload()
    expect(page.locator("#delivery-rows .pill")).to_have_text("Waiting")
    look(page, f"webhook-{view}")
    receiver.status = 204
    page.get_by_role("button", name="Send Webhook Test again").click()
    send_round(shop.tenant.id)
    expect(page.locator("#delivery-rows .pill.good")).to_have_text("Taken", timeout=60_000)
    assert len(receiver.hooks) == 2
    leave(page)
