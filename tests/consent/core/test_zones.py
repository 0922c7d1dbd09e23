"""Where a contact may be: every source joins, nothing is preferred."""

from __future__ import annotations

import pytest

from consent.core.tables import table
from consent.core.zones import ZoneInput, candidates, is_zone

NY, CHI, DEN, LA = (
    "America/New_York",
    "America/Chicago",
    "America/Denver",
    "America/Los_Angeles",
)


@pytest.mark.parametrize(
    ("contact", "zones", "states"),
    [
        (ZoneInput(phone="+12125550100"), {NY}, {"NY"}),
        # Area codes that lie in two zones, the overlays put in by hand, and those only one of
        # the two sources knows.
        (ZoneInput(phone="+18505550100"), {CHI, NY}, {"FL"}),
        (ZoneInput(phone="+14485550100"), {CHI, NY}, {"FL"}),
        (ZoneInput(phone="+13645550100"), {CHI, NY}, {"KY"}),
        (ZoneInput(phone="+19305550100"), {CHI, NY}, {"IN"}),
        (ZoneInput(phone="+14585550100"), {DEN, LA}, {"OR"}),
        (ZoneInput(phone="+16065550100"), {CHI, NY}, {"KY"}),
        (ZoneInput(phone="+16205550100"), {CHI, DEN}, {"KS"}),
        # The area code's state joins even when the address says otherwise.
        (
            ZoneInput(phone="+14055550100", postal_code="10001", country="US"),
            {CHI, NY},
            {"OK", "NY"},
        ),
        (ZoneInput(phone="+13055550100", region="Texas", country="US"), {NY}, {"FL", "TX"}),
        (ZoneInput(phone="+13105550100", timezone=NY), {LA, NY}, {"CA"}),
        (ZoneInput(phone="+13105550100", device_timezone=NY), {LA, NY}, {"CA"}),
        # Nobody knows where: the outer zones of the country, never all forty of the plan.
        (ZoneInput(phone="+18005550100"), {LA, NY}, set()),
        (ZoneInput(phone="+15005550006"), {LA, NY}, set()),
        (ZoneInput(phone="+18005550100", postal_code="60601"), {CHI}, {"IL"}),
        (ZoneInput(phone="+17875550100"), {"America/Puerto_Rico"}, set()),
        (ZoneInput(phone="+447911123456"), {"Europe/London"}, set()),
        (ZoneInput(phone="+61412345678"), {"Australia/Perth", "Australia/Sydney"}, set()),
        (ZoneInput(phone="+61412345678", timezone="Australia/Hobart"), {"Australia/Hobart"}, set()),
        (ZoneInput(phone="+77012345678"), {"Asia/Almaty"}, set()),
        (ZoneInput(phone="+12125550100", country="GB"), {NY, "Europe/London"}, {"NY"}),
        # Values that say nothing.
        (ZoneInput(phone="+12125550100", timezone="Mars/Olympus", postal_code="xx"), {NY}, {"NY"}),
        (ZoneInput(phone="+12125550100", timezone="../../etc/passwd"), {NY}, {"NY"}),
        (ZoneInput(phone="nonsense"), set(), set()),
        (ZoneInput(), set(), set()),
    ],
)
def test_candidates(contact: ZoneInput, zones: set[str], states: set[str]) -> None:
    found = candidates(contact)
    assert (set(found.zones), set(found.states)) == (zones, states)


def test_a_source_never_takes_a_candidate_away() -> None:
    alone = candidates(ZoneInput(phone="+18505550100"))
    more = candidates(
        ZoneInput(phone="+18505550100", timezone=LA, postal_code="99501", region="AK", country="US")
    )
    assert set(alone.zones) < set(more.zones)
    assert set(alone.states) < set(more.states)


def test_sources_are_named() -> None:
    found = candidates(ZoneInput(phone="+18505550100", postal_code="32501", country="US"))
    assert found.sources == ("area code 850", "postal code 32501")
    assert found.known
    assert not candidates(ZoneInput(phone="+18335550100")).known


@pytest.mark.parametrize(
    ("postal_code", "zone", "state"),
    [
        ("42633", "America/Kentucky/Monticello", "KY"),
        ("32401", CHI, "FL"),
        ("99501-1234", "America/Anchorage", "AK"),
        ("85901", "America/Phoenix", "AZ"),
        ("00601", "America/Puerto_Rico", None),
    ],
)
def test_postal_codes(postal_code: str, zone: str, state: str | None) -> None:
    found = candidates(ZoneInput(phone="+18005550100", postal_code=postal_code))
    assert zone in found.zones
    assert found.states == ((state,) if state else ())


def test_every_us_area_code_has_one_state_and_real_zones() -> None:
    codes = table("area_codes.json.gz")["area_codes"]
    american = {code: entry for code, entry in codes.items() if entry[0] == "US"}
    assert len(american) == 359
    assert all(len(states) == 1 for _, states, _ in american.values())
    assert all(is_zone(zone) for _, _, zones in codes.values() for zone in zones)
    assert max(len(zones) for _, _, zones in codes.values()) <= 5


def test_every_country_and_zip_zone_is_real() -> None:
    countries = table("countries.json")
    assert all(is_zone(zone) for zones in countries["zones"].values() for zone in zones)
    assert set(countries["calling_codes"].values()) <= set(countries["zones"])
    zips = table("zip_zones.json.gz")
    assert all(is_zone(zone) for zones in zips["zones"] for zone in zones)
