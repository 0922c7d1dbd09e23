"""A segment whose wake was lost is filled by the sweep, once its builder had time to begin."""

from __future__ import annotations

from datetime import timedelta

import pytest

from people.domain.resolving import IdentityRef, resolve_contacts
from segments.domain.segments import FORGOTTEN_AFTER, create_segment
from segments.models import Segment, SegmentMembership
from tenancy.clock import advance_clock, business_now
from tenancy.scope import tenant_scope
from tests.support.world import World
from triggers.domain.pipeline import sweep

pytestmark = pytest.mark.django_db(transaction=True)
DEFINITION = {"attribute": "external_id", "op": "is", "value": "maya"}


def test_the_sweep_fills_what_nobody_fills(committed_world: World) -> None:
    for brand in (committed_world.shop, committed_world.other):
        with tenant_scope(brand.tenant.id):
            resolve_contacts([IdentityRef(external_id="maya")], now=business_now())
    shop = committed_world.shop.tenant.id
    with tenant_scope(shop):
        created = create_segment("Mayas", definition=DEFINITION, now=business_now())
    sweep()
    with tenant_scope(shop):
        assert Segment.objects.get(id=created.id).state == "building"

    advance_clock(business_now() + FORGOTTEN_AFTER + timedelta(seconds=1))
    assert sweep()["fill"] == 1
    assert "fill" not in sweep()
    with tenant_scope(shop):
        found = Segment.objects.get(id=created.id)
        assert (found.state, found.size) == ("live", 1)
        assert SegmentMembership.objects.filter(segment=found, left_at=None).count() == 1
    with tenant_scope(committed_world.other.tenant.id):
        assert not SegmentMembership.objects.exists()
