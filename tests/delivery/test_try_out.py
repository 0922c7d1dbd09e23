"""The simulator's account to try a check on: each of its numbers shows what its README says."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from delivery.carrier_simulator import try_out
from delivery.domain import simulating
from tests.delivery.sending_desk import Desk
from tests.support.carrier import ROOT, CarrierProcess

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def playing() -> Iterator[CarrierProcess]:
    found = CarrierProcess("--try-out").start()
    yield found
    found.stop()


@pytest.mark.parametrize(
    ("number", "code", "state"),
    [
        (try_out.READY, "campaign", "Replies go elsewhere"),
        (try_out.NO_SMS, "no_sms", "Cannot send SMS"),
        (try_out.NO_CAMPAIGN, "no_campaign", "No 10DLC campaign"),
        (try_out.WAITING, "campaign_waits", "Campaign in review"),
        (try_out.REFUSED, "campaign_failed", "Campaign refused"),
        (try_out.UNVERIFIED, "not_verified", "Not verified"),
    ],
)
def test_each_number_shows_one_thing(
    playing: CarrierProcess, desk: Desk, settings: Any, number: str, code: str, state: str
) -> None:
    settings.KAIROS_TWILIO_BASE_URL = playing.base_url
    desk.connect(account_sid=try_out.SID, api_key_sid="", secret="", auth_token=try_out.TOKEN)
    desk.post(f"gateway/{desk.twilio().id}/sender/", sender=number)
    assert code in desk.check()
    page = desk.page()
    assert f">{state}</span>" in page
    assert any(f["code"] == code and f["about"] == number for f in desk.twilio().check_findings)


def test_the_page_names_the_account_only_where_it_is_played(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = simulating.TryOut(try_out.SID, try_out.TOKEN, try_out.NUMBERS)
    monkeypatch.setattr(simulating, "_try_out", told)
    monkeypatch.setattr(simulating, "_give_number", lambda _: "+12065550100")
    monkeypatch.setattr(simulating, "_is_running", lambda: False)
    assert try_out.SID not in desk.page()
    monkeypatch.setattr(simulating, "_is_running", lambda: True)
    assert try_out.SID in desk.page()
    assert try_out.NO_SMS not in desk.page()
    desk.connect(account_sid=try_out.SID, api_key_sid="", secret="", auth_token=try_out.TOKEN)
    assert try_out.NO_SMS in desk.page()


def test_the_readme_lists_them() -> None:
    text = (ROOT / "delivery/carrier_simulator/README.md").read_text()
    assert {try_out.SID, try_out.TOKEN, *dict(try_out.NUMBERS)} <= set(
        text.replace("`", " ").replace(",", " ").split()
    )
