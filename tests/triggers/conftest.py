from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from tenancy.scope import tenant_scope
from tests.support.carrier import CarrierProcess, carrier, carrier_process  # noqa: F401
from tests.support.world import World
from tests.triggers.scene import Scene
from triggers.domain.flows import create_flow, publish_flow
from triggers.domain.recipes import install_recipe
from triggers.models import Flow


@pytest.fixture
def scene(world: World, carrier: CarrierProcess, settings: Any) -> Scene:  # noqa: F811
    """The shop with a sender and Maya, who opted in."""
    settings.KAIROS_TWILIO_BASE_URL = carrier.base_url
    return make_scene(world)


@pytest.fixture
def other_scene(world: World) -> Scene:
    """The look-alike with the same people and flows."""
    found = Scene(world.other, world.now)
    found.add_sender()
    found.add_person()
    return found


@pytest.fixture
def committed_scene(
    committed_world: World,
    carrier: CarrierProcess,  # noqa: F811
    settings: Any,
) -> Scene:
    settings.KAIROS_TWILIO_BASE_URL = carrier.base_url
    return make_scene(committed_world)


def make_scene(world: World) -> Scene:
    found = Scene(world.shop, world.now)
    found.add_sender()
    found.add_person()
    return found


def install(scene: Scene, slug: str) -> Flow:
    """A recipe, installed and live an hour ago."""
    with tenant_scope(scene.id):
        flow = install_recipe(slug, now=scene.now)
        return publish_flow(flow, now=scene.now).flow


def make_flow(scene: Scene, definition: dict[str, Any], name: str = "Test") -> Flow:
    with tenant_scope(scene.id):
        return publish_flow(
            create_flow(name, definition=definition, now=scene.now), now=scene.now
        ).flow


def hours(start: datetime, count: float) -> datetime:
    from datetime import timedelta

    return start + timedelta(hours=count)
