from __future__ import annotations

from datetime import timedelta

import pytest

from tenancy.clock import ClockRefused, advance_clock, business_now, wall_now


@pytest.mark.django_db
def test_the_business_clock_moves_forward_only() -> None:
    assert abs(business_now() - wall_now()) < timedelta(seconds=1)
    advance_clock(wall_now() + timedelta(hours=6))
    assert (
        timedelta(hours=5, minutes=59) < business_now() - wall_now() < timedelta(hours=6, minutes=1)
    )
    with pytest.raises(ClockRefused):
        advance_clock(wall_now() + timedelta(hours=1))


@pytest.mark.django_db
def test_the_business_clock_stands_still_in_production(settings: pytest.FixtureRequest) -> None:
    settings.KAIROS_MODE = "prod"  # type: ignore[attr-defined]
    with pytest.raises(ClockRefused):
        advance_clock(wall_now() + timedelta(hours=6))
    assert abs(business_now() - wall_now()) < timedelta(seconds=1)
