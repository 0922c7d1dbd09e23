"""Is the process alive, and can it do its work?"""

from __future__ import annotations

import redis
from django.conf import settings
from django.core.checks import run_checks
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse

from api.responses import json_response


def health(request: HttpRequest) -> HttpResponse:
    """200 as long as the process answers."""
    return json_response({"status": "ok"})


def ready(request: HttpRequest) -> HttpResponse:
    """200 when the database answers as the right role with all migrations; else 503 and why.

    A silent broker is reported and still ready: waking is a speed-up, the work is in PostgreSQL.
    """
    parts = {"database": _database(), "broker": _broker()}
    good = parts["database"] == "ok"
    return json_response(
        {"status": "ready" if good else "not_ready", "parts": parts}, status=200 if good else 503
    )


def _database() -> str:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        if run_checks(tags=["database"], databases=["default"]):
            return "wrong_role"
        executor = MigrationExecutor(connection)
        if executor.migration_plan(executor.loader.graph.leaf_nodes()):
            return "migrations_missing"
    except Exception as error:
        return type(error).__name__
    return "ok"


def _broker() -> str:
    if not settings.CELERY_BROKER_URL.startswith(("redis", "valkey", "unix")):
        return "not_checked"
    # Celery spells a socket in its own way, and its query means nothing to the client.
    url = settings.CELERY_BROKER_URL.replace("redis+socket://", "unix://").partition("?")[0]
    try:
        redis.Redis.from_url(url, socket_timeout=0.2).ping()
    except Exception as error:
        return type(error).__name__
    return "ok"
