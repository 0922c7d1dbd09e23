"""Database and broker of a stack: named by the environment, or embedded."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from stack.part import Part
from stack.place import StackError
from stack.postgres import LOGIN, OWNER, EmbeddedPostgres
from stack.valkey import EmbeddedValkey


class Parts:
    """Starts what DATABASE_URL, REDIS_URL and CELERY_BROKER_URL do not name.

    `environment` is valid after `start()`. It has DATABASE_OWNER_URL apart, in `owner_url`, because
    only migrations may have it.
    """

    def __init__(
        self,
        folder: Path,
        logs: Path,
        *,
        given: Mapping[str, str] = os.environ,
        durable: bool = True,
    ) -> None:
        self.given = given
        self.postgres: EmbeddedPostgres | None = None
        self.valkey: EmbeddedValkey | None = None
        if not given.get("DATABASE_URL"):
            self.postgres = EmbeddedPostgres(
                folder / "postgres", log=logs / "postgres.log", durable=durable
            )
        elif not given.get("DATABASE_OWNER_URL"):
            raise StackError(
                "DATABASE_URL is set, DATABASE_OWNER_URL is not. Migrations run as the owner of the "
                "database, everything else as kairos_login: name both (see .env.example)."
            )
        if not given.get("REDIS_URL"):
            self.valkey = EmbeddedValkey(folder / "valkey", log=logs / "valkey.log")

    @property
    def embedded(self) -> list[Part]:
        """In starting order."""
        return [part for part in (self.postgres, self.valkey) if part is not None]

    @property
    def title(self) -> str:
        database = "PostgreSQL 18" if self.postgres else "your database"
        return f"{database}, {'Valkey 9' if self.valkey else 'your broker'}"

    @property
    def where(self) -> str:
        """Hosts of the servers that are not embedded. Never a password."""
        own = [] if self.postgres else [host(self.database_url)]
        own += [] if self.valkey else [host(self.environment["CELERY_BROKER_URL"])]
        return ", ".join(dict.fromkeys(own))

    @property
    def notes(self) -> list[str]:
        """What happened on the way, each said once."""
        return list(dict.fromkeys(note for part in self.embedded for note in part.notes))

    def start(self) -> None:
        for part in self.embedded:
            part.start()

    def stop(self) -> None:
        """The broker first: it keeps nothing, PostgreSQL writes its last checkpoint."""
        for part in reversed(self.embedded):
            part.stop()

    @property
    def database_url(self) -> str:
        return self.postgres.url(LOGIN) if self.postgres else self.given["DATABASE_URL"]

    @property
    def owner_url(self) -> str:
        return self.postgres.url(OWNER) if self.postgres else self.given["DATABASE_OWNER_URL"]

    @property
    def environment(self) -> dict[str, str]:
        redis = self.valkey.url() if self.valkey else self.given["REDIS_URL"]
        broker = self.valkey.broker_url() if self.valkey else redis
        return {
            "DATABASE_URL": self.database_url,
            "REDIS_URL": redis,
            "CELERY_BROKER_URL": self.given.get("CELERY_BROKER_URL") or broker,
        }


def host(url: str) -> str:
    """The part of a URL that may be printed: never the password."""
    return urlsplit(url).hostname or "a socket"
