from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from delivery.api.webhooks import forget_doors
from delivery.domain.links import forget_targets
from templates_engine.domain.queries import forget_compiled
from tests.delivery.making import Shop, make_shop
from tests.delivery.sending_desk import Desk, register
from tests.support.carrier import CarrierProcess, carrier, carrier_process
from tests.support.world import World

__all__ = ["carrier", "carrier_process"]


@pytest.fixture(autouse=True)
def _nothing_kept() -> None:
    forget_doors()
    forget_targets()
    forget_compiled()


@pytest.fixture
def shop(world: World, now: datetime) -> Shop:
    return make_shop(world.shop, now=now)


@pytest.fixture
def committed_shop(committed_world: World, now: datetime) -> Shop:
    return make_shop(committed_world.shop, now=now)


@pytest.fixture
def line(carrier: CarrierProcess, settings: Any) -> CarrierProcess:
    """The carrier simulator, reached by the real SDK; it calls nobody back."""
    carrier.settings(callbacks=False)
    settings.KAIROS_TWILIO_BASE_URL = carrier.base_url
    return carrier


@pytest.fixture
def desk(shop: Shop) -> Desk:
    return Desk(shop.brand)


@pytest.fixture
def twilio(line: CarrierProcess, shop: Shop) -> CarrierProcess:
    """The simulator with an account as a brand has it at Twilio: registered and pointed at us."""
    register(line)
    return line
