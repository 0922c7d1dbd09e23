"""What commits late is told late, never skipped: with real transactions on two connections."""

from __future__ import annotations

import threading
from datetime import datetime
from typing import Any
from uuid import UUID

import pytest
from django.db import connection, transaction

from events.domain.recording import NewEvent, append_events
from events.domain.webhook_deliveries import make_deliveries
from events.domain.webhooks import create_endpoint
from events.models import WebhookDelivery
from tenancy.clock import wall_now
from tenancy.scope import tenant_scope
from tests.support.world import World


@pytest.fixture
def shop_id(committed_world: World, settings: Any) -> UUID:
    settings.KAIROS_WEBHOOK_LOOPBACK = True
    tenant_id = committed_world.shop.tenant.id
    with tenant_scope(tenant_id):
        create_endpoint(url="http://127.0.0.1:9/", event_names=["SMS Sent"], now=wall_now())
    return tenant_id


def happen(now: datetime) -> UUID:
    [made] = append_events([NewEvent("SMS Sent", None, {}, now)], now=now)
    return made


def told(tenant_id: UUID) -> list[UUID]:
    with tenant_scope(tenant_id):
        return list(WebhookDelivery.objects.order_by("event_id").values_list("event_id", flat=True))


@pytest.mark.django_db(transaction=True)
def test_an_event_with_an_older_id_that_commits_later_is_not_skipped(
    shop_id: UUID, now: datetime
) -> None:
    written, commit = threading.Event(), threading.Event()
    early: list[UUID] = []

    def slow() -> None:
        try:
            with tenant_scope(shop_id):
                early.append(happen(now))
                written.set()
                commit.wait(60)
        finally:
            connection.close()

    thread = threading.Thread(target=slow)
    thread.start()
    assert written.wait(60)
    with tenant_scope(shop_id):
        late = happen(now)
    assert early[0] < late  # its id and its time are older, its commit is yet to come
    while make_deliveries(shop_id, now=wall_now()):
        pass
    assert told(shop_id) == [late]
    commit.set()
    thread.join(60)
    while make_deliveries(shop_id, now=wall_now()):
        pass
    assert told(shop_id) == [early[0], late]


@pytest.mark.django_db(transaction=True)
def test_two_workers_make_each_delivery_once(shop_id: UUID, now: datetime) -> None:
    events = []
    for _ in range(30):
        with tenant_scope(shop_id):
            events.append(happen(now))
    start = threading.Barrier(3)

    def make() -> None:
        try:
            start.wait(60)
            while make_deliveries(shop_id, now=wall_now()):
                pass
        finally:
            connection.close()

    threads = [threading.Thread(target=make) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    while make_deliveries(shop_id, now=wall_now()):
        pass
    assert told(shop_id) == sorted(events)


@pytest.mark.django_db(transaction=True)
def test_what_is_rolled_back_is_told_to_nobody(shop_id: UUID, now: datetime) -> None:
    with tenant_scope(shop_id):
        happen(now)
        transaction.set_rollback(True)
    assert make_deliveries(shop_id, now=wall_now()) == 0
    assert told(shop_id) == []
