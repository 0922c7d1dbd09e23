"""The API key that the demo's history comes in by: it lives as long as the loading does."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from tenancy.clock import business_now
from tenancy.domain.keys import create_api_key, revoke_key
from tenancy.models import ApiKey, Tenant
from tenancy.scope import tenant_scope

NAME = "Demo loader"
SCOPES = ["events:write", "products:write"]


@contextmanager
def lend_key(tenant: Tenant) -> Iterator[str]:
    """A key of this workspace that opens nothing any more when the block ends."""
    with tenant_scope(tenant.id):
        key, secret = create_api_key(name=NAME, scopes=SCOPES, now=business_now())
    try:
        yield secret
    finally:
        with tenant_scope(tenant.id):
            revoke_key(key, now=business_now())


def end_loader_keys(*, now: datetime) -> None:
    """Revokes what a load left behind that was killed, in the workspace whose scope is open."""
    for key in ApiKey.objects.filter(name=NAME, created_by=None, revoked_at=None):
        revoke_key(key, now=now)
