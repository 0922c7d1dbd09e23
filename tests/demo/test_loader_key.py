"""The demo's loader has a key while it loads; no start leaves one behind."""

from __future__ import annotations

from datetime import datetime

import pytest

from demo.domain.loader_key import NAME, lend_key
from demo.domain.setting_up import Brand, set_up_agency
from tenancy.domain.keys import create_api_key, find_key
from tenancy.models import ApiKey, User
from tenancy.scope import tenant_scope

pytestmark = pytest.mark.django_db


def living(brand: Brand) -> list[str]:
    with tenant_scope(brand.tenant.id):
        return list(ApiKey.objects.filter(revoked_at=None).values_list("name", flat=True))


def test_the_key_opens_nothing_when_the_loading_is_done(now: datetime) -> None:
    ours, other = set_up_agency(now=now)
    with lend_key(ours.tenant) as secret:
        found = find_key(secret)
        assert found is not None
        assert found.tenant_id == ours.tenant.id
        assert found.scopes == {"events:write", "products:write"}
        assert (living(ours), living(other)) == ([NAME], [])
    assert find_key(secret) is None
    assert living(ours) == []


def test_a_load_that_fails_leaves_no_key(now: datetime) -> None:
    ours, _ = set_up_agency(now=now)
    with pytest.raises(RuntimeError), lend_key(ours.tenant):
        raise RuntimeError
    assert living(ours) == []


def test_every_start_ends_what_a_killed_load_left(now: datetime) -> None:
    ours, other = set_up_agency(now=now)
    somebody = User.objects.get()
    for brand in (ours, other):
        with tenant_scope(brand.tenant.id):
            create_api_key(name=NAME, scopes=["events:write"], now=now)
            create_api_key(name=NAME, scopes=["events:write"], now=now)
            # Somebody's own key of that name is theirs.
            create_api_key(name=NAME, scopes=["events:write"], created_by=somebody.id, now=now)
    for _ in range(2):
        again = set_up_agency(now=now)
        assert [living(brand) for brand in again] == [[NAME], [NAME]]
        with tenant_scope(ours.tenant.id):
            assert ApiKey.objects.get(revoked_at=None).created_by == somebody.id
