"""What updates do with contacts that are there already: tokens and columns are made anew."""

from __future__ import annotations

from datetime import datetime
from importlib import import_module
from types import SimpleNamespace
from typing import Any

import psycopg
import pytest

from people.domain.attributes import TraitChange, change_contacts
from people.domain.resolving import IdentityRef, resolve_contacts
from tenancy.scope import tenant_scope
from tests.isolation.test_walls import owner
from tests.support.world import World

__all__ = ["owner"]

pytestmark = pytest.mark.django_db(transaction=True)
PEOPLE = {"+13105550142": "María José", "+12125550199": "Ruth"}


def fill(world: World, now: datetime) -> None:
    for brand in (world.shop, world.other):
        with tenant_scope(brand.tenant.id):
            refs = [IdentityRef(phone=phone) for phone in PEOPLE]
            keys = resolve_contacts([*refs, IdentityRef(anonymous_id="a1")], now=now)
            change_contacts(
                [
                    TraitChange(key, {"first_name": name, "email": f"{key.hex}@shop.example"})
                    for key, name in zip(keys, PEOPLE.values(), strict=False)
                    if key
                ],
                now=now,
            )


@pytest.mark.parametrize(
    ("migration", "read", "lose"),
    [
        (
            "0004_lean_search_tokens",
            "SELECT tenant_id, token, contact_id FROM people_searchtoken ORDER BY 1, 2, 3",
            "DELETE FROM people_searchtoken",
        ),
        (
            "0006_finding_contacts",
            "SELECT id, phone_token FROM people_contact ORDER BY 1",
            "UPDATE people_contact SET phone_token = NULL",
        ),
    ],
)
def test_an_update_makes_what_is_kept_in_step_anew(
    committed_world: World,
    owner: psycopg.Connection[Any],
    now: datetime,
    migration: str,
    read: str,
    lose: str,
) -> None:
    fill(committed_world, now)
    module = import_module(f"people.migrations.{migration}")
    with owner.cursor() as cursor:
        cursor.execute(read)
        before = cursor.fetchall()
        cursor.execute(lose)
        cursor.execute(read)
        assert cursor.fetchall() != before
        module.fill(None, SimpleNamespace(connection=owner))
        cursor.execute(read)
        assert cursor.fetchall() == before
        cursor.execute("SELECT relforcerowsecurity FROM pg_class WHERE relname = 'people_contact'")
        assert cursor.fetchone() == (True,)
