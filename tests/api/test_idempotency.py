"""The same POST with the same key is done once: over and over, at the same time, and for a day."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.test import Client

from tenancy.clock import wall_now
from tenancy.domain.answers import KEPT, claim_answer, keep_answer
from tenancy.models import ApiKey, IdempotentAnswer
from tenancy.scope import tenant_scope
from tenancy.tasks import forget_answers_task
from tests.api.calling import Api
from tests.support.world import World

BODY = {"name": "CI", "scopes": ["events:write"]}


@pytest.fixture
def door(world: World) -> Api:
    return Api(world.shop, world.other, {})


def test_the_second_time_is_answered_as_the_first_and_does_nothing(door: Api) -> None:
    first = door.raw("POST", "keys", BODY, Idempotency_Key="k-1")
    again = door.raw("POST", "keys", BODY, Idempotency_Key="k-1")
    assert first.status_code == again.status_code == 201
    assert first.json() == again.json()
    assert "Idempotent-Replayed" not in first
    assert again["Idempotent-Replayed"] == "true"
    with tenant_scope(door.brand.tenant.id):
        assert ApiKey.objects.filter(name="CI").count() == 1


def test_without_a_key_it_is_done_again(door: Api) -> None:
    door.call("POST", "keys", BODY)
    door.call("POST", "keys", BODY)
    with tenant_scope(door.brand.tenant.id):
        assert ApiKey.objects.filter(name="CI").count() == 2


def test_the_key_with_another_body_is_a_conflict(door: Api) -> None:
    door.call("POST", "keys", BODY, Idempotency_Key="k-1")
    other = {**BODY, "scopes": ["flows:read"]}
    status, problem = door.call("POST", "keys", other, Idempotency_Key="k-1")
    assert (status, problem["code"]) == (409, "idempotency_conflict")
    with tenant_scope(door.brand.tenant.id):
        assert ApiKey.objects.filter(name="CI").count() == 1


def test_a_refusal_is_not_kept(door: Api) -> None:
    status, _ = door.call("POST", "keys", {"name": "CI"}, Idempotency_Key="k-1")
    assert status == 422
    status, _ = door.call("POST", "keys", BODY, Idempotency_Key="k-1")
    assert status == 201


def test_keys_of_routes_and_workspaces_are_their_own(door: Api) -> None:
    made = door.call("POST", "keys", BODY, Idempotency_Key="k-1")[1]
    template = {"slug": "hello", "body": "Good news today."}
    assert door.call("POST", "templates", template, Idempotency_Key="k-1")[0] == 201
    status, theirs = door.call("POST", "keys", BODY, key=door.other.api_key, Idempotency_Key="k-1")
    assert status == 201
    assert theirs["id"] != made["id"]


@pytest.mark.parametrize("key", ["", "a b", "é", "x" * 201])
def test_a_strange_key_is_refused(door: Api, key: str) -> None:
    status, problem = door.call("POST", "keys", BODY, Idempotency_Key=key)
    assert (status, problem["errors"][0]["field"]) == (422, "Idempotency-Key")


def test_after_a_day_it_is_done_again(door: Api) -> None:
    door.call("POST", "keys", BODY, Idempotency_Key="k-1")
    with tenant_scope(door.brand.tenant.id):
        held = IdempotentAnswer.objects.get()
        held.created_at = wall_now() - KEPT - timedelta(seconds=1)
        held.save(update_fields=["created_at"])
    door.call("POST", "keys", BODY, Idempotency_Key="k-1")
    with tenant_scope(door.brand.tenant.id):
        assert ApiKey.objects.filter(name="CI").count() == 2


def test_old_answers_are_forgotten(door: Api) -> None:
    door.call("POST", "keys", BODY, Idempotency_Key="old")
    door.call("POST", "keys", BODY, Idempotency_Key="new")
    assert forget_answers_task() == 0
    with tenant_scope(door.brand.tenant.id):
        held = IdempotentAnswer.objects.get(key="old")
        held.created_at = wall_now() - KEPT - timedelta(seconds=1)
        held.save(update_fields=["created_at"])
    assert forget_answers_task() == 1
    with tenant_scope(door.brand.tenant.id):
        assert [held.key for held in IdempotentAnswer.objects.all()] == ["new"]


def test_what_is_kept_is_not_readable(door: Api) -> None:
    status, made = door.call("POST", "keys", BODY, Idempotency_Key="k-1")
    assert status == 201
    with tenant_scope(door.brand.tenant.id), connection.cursor() as cursor:
        cursor.execute("SELECT convert_from(body, 'UTF8') FROM tenancy_idempotentanswer")
        assert made["secret"] not in cursor.fetchone()[0]
    again = door.call("POST", "keys", BODY, Idempotency_Key="k-1")[1]
    assert again["secret"] == made["secret"]


@pytest.mark.django_db(transaction=True)
def test_twins_at_the_same_time_do_it_once(committed_world: World) -> None:
    door = Api(committed_world.shop, committed_world.other, {})
    start = threading.Barrier(4)
    answers: list[Any] = []

    def call() -> None:
        start.wait()
        answers.append(door.call("POST", "keys", BODY, Idempotency_Key="k-1"))
        connection.close()

    threads = [threading.Thread(target=call) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [status for status, _ in answers] == [201] * 4
    assert len({answer["id"] for _, answer in answers}) == 1
    with tenant_scope(door.brand.tenant.id):
        assert ApiKey.objects.filter(name="CI").count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_twin_that_waits_too_long_hears_so(
    committed_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tenancy.domain.answers._WAIT", "100ms")
    tenant_id = committed_world.shop.tenant.id
    begun, done = threading.Event(), threading.Event()

    def first() -> None:
        with transaction.atomic(), tenant_scope(tenant_id):
            claim_answer("POST /api/v1/keys", "k-1", fingerprint="f", wall=wall_now())
            begun.set()
            done.wait(60)
            keep_answer("POST /api/v1/keys", "k-1", status=201, body="{}")
        connection.close()

    thread = threading.Thread(target=first)
    thread.start()
    assert begun.wait(60)
    answer = Client().post(
        "/api/v1/keys",
        BODY,
        content_type="application/json",
        headers={
            "Authorization": f"Bearer {committed_world.shop.api_key}",
            "Idempotency-Key": "k-1",
        },
    )
    done.set()
    thread.join()
    assert (answer.status_code, answer.json()["code"]) == (409, "idempotency_in_progress")
    assert answer["Retry-After"] == "5"
