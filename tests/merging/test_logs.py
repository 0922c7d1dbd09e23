"""Append-only tables: two functions may change them, in the workspace in scope alone."""

from __future__ import annotations

import pytest
from django.db import Error, connection, transaction

from events.domain.merging import move_log
from events.models import Event
from tenancy.logs import erase_log
from tenancy.scope import tenant_scope
from tests.merging.conftest import Pair

LOGS = ("events_event", "triggers_entrydecision", "delivery_statuscallback")


@pytest.mark.parametrize("table", LOGS)
def test_nobody_changes_a_log_by_hand(pair: Pair, table: str) -> None:
    with tenant_scope(pair.brand.tenant.id), connection.cursor() as cursor:
        for statement in (f"UPDATE {table} SET id = id", f"DELETE FROM {table}"):
            with pytest.raises(Error, match="permission denied"), transaction.atomic():
                cursor.execute(statement)


def test_the_functions_reach_no_other_workspace(both: tuple[Pair, Pair]) -> None:
    pair, other = both
    other.track("mimi", "Tea Poured", leaves=2)
    with tenant_scope(pair.brand.tenant.id):
        move_log("events_event", [(other.mimi, pair.maya)])
        assert erase_log("events_event", [other.mimi]) == 0
    with tenant_scope(other.brand.tenant.id):
        tea = Event.objects.get(name="Tea Poured")
        assert (tea.contact_id, tea.properties) == (other.mimi, {"leaves": 2})
        assert erase_log("events_event", [other.mimi]) > 0
        assert Event.objects.get(name="Tea Poured").properties == {}


def test_other_tables_are_none_of_their_business(pair: Pair) -> None:
    with tenant_scope(pair.brand.tenant.id):
        with pytest.raises(Error, match="nothing in consent_consentrecord"), transaction.atomic():
            erase_log("consent_consentrecord", [pair.mimi])
        with pytest.raises(Error, match="belong to no contact"), transaction.atomic():
            move_log("delivery_statuscallback", [(pair.mimi, pair.maya)])
