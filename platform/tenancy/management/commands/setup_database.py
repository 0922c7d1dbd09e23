from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import connections

from tenancy.partitions import AHEAD, BEHIND
from tenancy.security import LOGIN_ROLE, apply_security, make_roles

LOCK = 7_204_461  # any number of our own; two starts at once take turns


class Command(BaseCommand):
    help = "Makes roles, tables, row security and partitions. Needs DATABASE_OWNER_URL."

    def handle(self, *args: Any, **options: Any) -> None:
        if settings.KAIROS_OWNER_DATABASE is None:
            raise CommandError(
                "Set DATABASE_OWNER_URL to a role that owns the database and may create roles."
            )
        connections.databases["owner"] = {
            **connections.databases["default"],
            **settings.KAIROS_OWNER_DATABASE,
        }
        owner = connections["owner"]
        password = str(connections.databases["default"].get("PASSWORD") or "")
        login = connections.databases["default"]["USER"]
        if login != LOGIN_ROLE:
            raise CommandError(f"DATABASE_URL logs in as {login}; the role must be {LOGIN_ROLE}.")
        with owner.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(%s)", [LOCK])
            make_roles(cursor, login_password=password)
        call_command("migrate", database="owner", verbosity=options["verbosity"])
        apply_security(owner)
        now = datetime.now(UTC)
        with owner.cursor() as cursor:
            cursor.execute("SELECT ensure_partitions(%s, %s)", [now - BEHIND, now + AHEAD])
            cursor.execute("SELECT pg_advisory_unlock(%s)", [LOCK])
        owner.close()
        self.stdout.write("Database ready")
