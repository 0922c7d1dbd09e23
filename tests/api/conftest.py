from __future__ import annotations

from datetime import datetime

import pytest

from tests.api.calling import Api
from tests.api.making import make_api
from tests.support.world import World


@pytest.fixture
def api(world: World, now: datetime) -> Api:
    return make_api(world, now=now)
