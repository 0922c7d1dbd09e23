"""Sign-up, YES, opt-out page and the way back, with a carrier that keeps its own memory of STOP."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

import pytest
from django.test import Client

from consent.domain.queries import consent_history
from consent.domain.sign_up import save_page
from consent.domain.verifying import verify_chain
from consent.models import Consent
from delivery.domain.callbacks import apply_callbacks
from delivery.domain.opting_out import opt_out_url
from delivery.domain.submitting import submit_queued
from delivery.models import Message
from tenancy.clock import wall_now
from tenancy.scope import tenant_scope
from tests.delivery.making import LA, Shop
from tests.delivery.test_round_trip import open_line
from tests.delivery.test_sign_up import WORDS
from tests.support.carrier import NUMBER, CarrierProcess

__all__ = ["open_line"]
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]


def test_from_the_page_to_the_list_and_off_it_and_back(
    committed_shop: Shop, open_line: CarrierProcess, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = committed_shop
    clock = {"now": now}
    for where in ("delivery.api.webhooks", "delivery.views.sign_up", "delivery.views.opt_out"):
        monkeypatch.setattr(f"{where}.business_now", lambda: clock["now"])
    monkeypatch.setattr("delivery.views.sign_up.FASTEST_SECONDS", 0)
    with tenant_scope(shop.tenant_id):
        save_page(WORDS, asks_name=True, live=True, now=now)

    def status() -> set[str]:
        with tenant_scope(shop.tenant_id):
            return set(Consent.objects.values_list("status", flat=True))

    def on_the_phone() -> list[str]:
        """Submits what is queued; the bodies that arrived, oldest first."""
        submit_queued(shop.tenant_id, now=now, wall=wall_now())
        open_line.wait_idle()
        apply_callbacks(shop.tenant_id, now=now)
        return [row["body"] for row in open_line.messages(to=LA)]

    client = Client()
    seen = re.search(r'name="seen" value="([^"]+)"', client.get("/join/juniper").content.decode())
    assert seen is not None
    form = {"phone": LA, "first_name": "Maya", "agree": "yes", "seen": seen[1]}
    assert client.post("/join/juniper", form).status_code == 302
    [question] = on_the_phone()
    assert "Reply YES" in question
    assert "Up to 6 msgs a month" in question
    assert status() == {"pending"}

    assert open_line.inject(LA, NUMBER, "YES")["webhook"]["status"] == 204
    assert status() == {"subscribed"}
    assert "You are subscribed" in on_the_phone()[-1]

    # Off by the link: one last text, and the carrier knows nothing of it.
    with tenant_scope(shop.tenant_id):
        path = "/stop/" + opt_out_url(LA).rpartition("/")[2]
    assert Client().post(path).status_code == 303
    assert status() == {"unsubscribed"}
    arrived = on_the_phone()
    assert (len(arrived), "You are unsubscribed" in arrived[-1]) == (3, True)

    # Back by JOIN from the phone.
    open_line.inject(LA, NUMBER, "JOIN")
    assert status() == {"subscribed"}
    assert len(on_the_phone()) == 4

    # A typed STOP is also kept by the carrier, and JOIN does not lift its block: the refused
    # welcome is told as the opt-out it is. START lifts both.
    open_line.inject(LA, NUMBER, "STOP")
    open_line.inject(LA, NUMBER, "JOIN")
    assert status() == {"subscribed"}
    on_the_phone()
    assert status() == {"unsubscribed"}
    clock["now"] += timedelta(minutes=1)
    open_line.inject(LA, NUMBER, "START")
    assert status() == {"subscribed"}
    with tenant_scope(shop.tenant_id):
        kinds = [(row.kind, row.source) for row in consent_history(LA)]
        assert kinds == [
            ("opt_in_requested", "web_form"),
            ("double_opt_in", "confirmation"),
            ("opt_out", "preference_center"),
            ("re_opt_in", "keyword"),
            ("opt_out", "keyword"),
            ("re_opt_in", "keyword"),
            ("opt_out", "provider"),
            ("re_opt_in", "start"),
        ]
        assert verify_chain().ok
        assert not Message.objects.filter(status="queued").exists()
