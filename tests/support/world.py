"""Two workspaces that look alike: whatever leaks, leaks into `other`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from tenancy.domain.keys import SCOPES, create_api_key, create_write_key
from tenancy.domain.workspaces import add_member, create_organization, create_workspace
from tenancy.models import Organization, Tenant, User
from tenancy.scope import tenant_scope


@dataclass(frozen=True)
class Brand:
    """One workspace with its keys and the people who may enter it."""

    organization: Organization
    tenant: Tenant
    owner: User
    analyst: User
    api_key: str
    write_key: str
    public_key: str


@dataclass(frozen=True)
class World:
    """`shop` is under test; `other` has the same names, numbers and ids where it can."""

    shop: Brand
    other: Brand
    now: datetime


def make_world(now: datetime) -> World:
    return World(
        make_brand("juniper", name="Juniper & Oak", now=now),
        make_brand("juniper-two", name="Juniper & Oak", now=now),
        now,
    )


def make_brand(slug: str, *, name: str, now: datetime) -> Brand:
    organization = create_organization(f"Agency of {slug}", slug=f"agency-{slug}", now=now)
    tenant = create_workspace(
        organization,
        name=name,
        slug=slug,
        timezone="America/Los_Angeles",
        shop_url="https://juniper.example",
        now=now,
    )
    owner = _user(f"owner@{slug}.example", "Olga Owner")
    analyst = _user(f"analyst@{slug}.example", "Ana Analyst")
    add_member(organization, user=owner, role="owner", now=now)
    add_member(organization, user=analyst, role="analyst", now=now)
    with tenant_scope(tenant.id):
        _, api_key = create_api_key(name="All", scopes=list(SCOPES), now=now)
        _, write_key = create_write_key(name="Server", kind="server", now=now)
        _, public_key = create_write_key(
            name="Public", kind="public", allowed_origins=["https://juniper.example"], now=now
        )
    return Brand(organization, tenant, owner, analyst, api_key, write_key, public_key)


def _user(email: str, name: str) -> User:
    user = User(email=email, name=name)
    user.set_unusable_password()
    user.save()
    return user
