"""A workspace that moves in beside a large one finds its people by the index that names them."""

from __future__ import annotations

from typing import Any

import pytest
from django.conf import settings
from django.db import connection

from people.core.identifiers import IdentityRef
from people.domain.resolving import resolve_contacts
from tenancy.models import Tenant
from tenancy.scope import tenant_scope
from tests.support import database
from tests.support.world import World

MANY = 1_500


def move_in(tenant: Tenant, world: World) -> list[Any]:
    refs = [
        IdentityRef(external_id=f"u-{number}", email=f"u{number}@example.com")
        for number in range(MANY)
    ]
    with tenant_scope(tenant.id):
        return resolve_contacts(refs, now=world.now)


def rows_thrown_away(plan: dict[str, Any]) -> int:
    own = int(plan.get("Rows Removed by Filter", 0)) * int(plan.get("Actual Loops", 1))
    return own + sum(rows_thrown_away(each) for each in plan.get("Plans", ()))


@pytest.mark.django_db(transaction=True)
def test_nobody_in_the_statistics_is_found_by_the_right_index(committed_world: World) -> None:
    move_in(committed_world.other.tenant, committed_world)
    # Only the neighbour is known to the planner.
    with database._connect(str(settings.DATABASES["default"]["NAME"])) as owner:
        owner.execute("ANALYZE people_identifier, people_contact")
    first = move_in(committed_world.shop.tenant, committed_world)
    thrown: list[int] = []

    def explain(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if "AS wanted(kind, value)" in sql:
            with connection.connection.cursor() as cursor:
                cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {sql}", params)
                thrown.append(rows_thrown_away(cursor.fetchone()[0][0]["Plan"]))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(explain):
        again = move_in(committed_world.shop.tenant, committed_world)
    assert again == first
    assert thrown
    assert max(thrown) < MANY
