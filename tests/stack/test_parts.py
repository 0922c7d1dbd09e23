"""Servers named by the environment are used, and only the others are embedded."""

from __future__ import annotations

import pytest

from stack.local import Local
from stack.parts import Parts
from stack.place import StackError

OWN = {
    "DATABASE_URL": "postgresql://kairos_login:hush@db.example/kairos",
    "DATABASE_OWNER_URL": "postgresql://owner:hush@db.example/kairos",
    "REDIS_URL": "redis://cache.example:6379/0",
}


def parts(local: Local, **given: str) -> Parts:
    return Parts(local.folder, local.logs, given=given, durable=False)


def test_with_nothing_named_both_are_embedded(local: Local) -> None:
    both = parts(local)
    assert [part.title for part in both.embedded] == ["PostgreSQL", "Valkey"]
    assert both.title == "PostgreSQL 18, Valkey 9"


def test_with_both_named_nothing_is_started(local: Local) -> None:
    none = parts(local, **OWN)
    none.start()
    assert none.embedded == []
    assert none.environment == {
        "DATABASE_URL": OWN["DATABASE_URL"],
        "REDIS_URL": OWN["REDIS_URL"],
        "CELERY_BROKER_URL": OWN["REDIS_URL"],
    }
    assert none.owner_url == OWN["DATABASE_OWNER_URL"]
    assert not (local.folder / "postgres").exists()
    none.stop()


def test_no_password_is_printed(local: Local) -> None:
    own = parts(local, **OWN)
    assert own.title == "your database, your broker"
    assert own.where == "db.example, cache.example"


def test_a_broker_of_its_own_leaves_the_cache_alone(local: Local) -> None:
    rabbit = "amqp://guest:guest@mq.example//"
    mixed = parts(local, CELERY_BROKER_URL=rabbit, REDIS_URL=OWN["REDIS_URL"])
    assert [part.title for part in mixed.embedded] == ["PostgreSQL"]
    mixed.postgres = None
    mixed.given = {**OWN, "CELERY_BROKER_URL": rabbit}
    assert mixed.environment["CELERY_BROKER_URL"] == rabbit


def test_a_database_without_its_owner_is_asked_for(local: Local) -> None:
    with pytest.raises(StackError, match="DATABASE_OWNER_URL is not"):
        parts(local, DATABASE_URL=OWN["DATABASE_URL"])


def test_embedded_parts_run_and_the_owner_stays_apart(local: Local) -> None:
    both = parts(local)
    both.start()
    try:
        said = both.environment
        assert said["DATABASE_URL"].startswith("postgresql://kairos_login:")
        assert said["REDIS_URL"].startswith("unix://")
        assert "DATABASE_OWNER_URL" not in said
        assert both.owner_url.startswith("postgresql://kairos_owner:")
    finally:
        both.stop()
    assert [part.pid for part in both.embedded] == [None, None]
