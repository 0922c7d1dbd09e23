"""The application must not log in as somebody whom row security does not bind."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.core.checks import CheckMessage, Error, Tags, register
from django.db import connection


@register(Tags.database)
def check_log_in_role(databases: Sequence[str] | None = None, **kwargs: Any) -> list[CheckMessage]:
    if not databases or "default" not in databases:
        return []
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT rolname, rolsuper, rolbypassrls, rolinherit,
                   EXISTS (SELECT 1 FROM pg_tables
                           WHERE schemaname = 'public' AND tableowner = session_user)
            FROM pg_roles WHERE rolname = session_user
            """
        )
        name, superuser, bypasses, inherits, owns = cursor.fetchone()
    wrong = [
        word
        for word, found in {
            "is a superuser": superuser,
            "bypasses row security": bypasses,
            "inherits its roles": inherits,
            "owns tables": owns,
        }.items()
        if found
    ]
    if not wrong:
        return []
    return [
        Error(
            f"The application logs in as {name}, which {' and '.join(wrong)}.",
            hint="Use DATABASE_URL with kairos_login; only setup_database uses DATABASE_OWNER_URL.",
            id="tenancy.E001",
        )
    ]
