"""API keys and write keys: made once, shown once, found by their hash."""

from __future__ import annotations

import hashlib
import secrets
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from threading import Lock
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connection

from api.problems import FieldError, Invalid, NotFound
from tenancy.models import ApiKey, WriteKey
from tenancy.scope import router_scope, tenant_scope

SCOPES: dict[str, str] = {
    "events:write": "Send events",
    "events:read": "See which events come, what they carry and what was refused",
    "events:manage": "Say which events customers expect and which are sensitive",
    "contacts:read": "Read contacts, their numbers, events and timeline",
    "contacts:write": "Create and change contacts",
    "contacts:erase": "Erase contacts for good",
    "consent:read": "Read what numbers agreed to, with the evidence",
    "consent:write": "Record opt-ins and opt-outs, make opt-out links",
    "products:read": "Read products",
    "products:write": "Create and change products",
    "messages:read": "Read messages with their checks, and clicks",
    "messages:write": "Send texts",
    "gateway:read": "See the gateway in use, its senders and its last check",
    "flows:read": "Read flows and their numbers",
    "flows:write": "Change, publish and pause flows",
    "campaigns:read": "Read campaigns, their funnel and their numbers",
    "campaigns:write": "Write, launch, pause and stop campaigns",
    "segments:read": "Read segments and their members",
    "segments:write": "Create and change segments",
    "templates:read": "Read templates",
    "templates:write": "Create and change templates",
    "webhooks:manage": "Make, change and read webhooks, send again",
    "connectors:manage": "Connect shops, read what they sent, replay it",
    "keys:read": "See which API keys there are",
    "keys:write": "Make and revoke API keys, with its own powers at most",
}
CACHE_SECONDS = 5.0
NOTED_SECONDS = 60.0
_noted: dict[UUID, float] = {}


@dataclass(frozen=True, slots=True)
class FoundKey:
    """What a key opens. `kind`: api, server or public."""

    id: UUID
    tenant_id: UUID
    kind: str
    prefix: str
    scopes: frozenset[str]
    allowed_origins: tuple[str, ...]


def create_api_key(
    *, name: str, scopes: list[str], created_by: UUID | None = None, now: datetime
) -> tuple[ApiKey, str]:
    """Returns the row and the secret, which is never to be seen again. Raises `Invalid`."""
    unknown = sorted(set(scopes) - set(SCOPES))
    if unknown or not scopes:
        detail = f"Unknown scope {unknown[0]}." if unknown else "Choose at least one scope."
        raise Invalid([FieldError("scopes", "unknown_scope", detail)])
    secret = f"kairos_{secrets.token_urlsafe(24)}"
    key = ApiKey.objects.create(
        **_stored(name, secret, created_by, now), scopes=sorted(set(scopes))
    )
    return key, secret


def create_write_key(
    *,
    name: str,
    kind: str,
    allowed_origins: list[str] | None = None,
    created_by: UUID | None = None,
    secret: str | None = None,
    now: datetime,
) -> tuple[WriteKey, str]:
    """`secret` may be chosen only outside production (the demo's `demo:`). Raises `Invalid`."""
    if kind not in WriteKey.Kind.values:
        raise Invalid([FieldError("kind", "unknown_kind", "A write key is server or public.")])
    if secret is not None and settings.KAIROS_MODE == "prod":
        raise Invalid([FieldError("secret", "not_chosen", "Secrets are made, not chosen.")])
    if secret is None:
        secret = f"{'wk' if kind == 'server' else 'pk'}_{secrets.token_urlsafe(24)}"
    key = WriteKey.objects.create(
        **_stored(name, secret, created_by, now),
        kind=kind,
        allowed_origins=allowed_origins or [],
        public_text=secret if kind == WriteKey.Kind.PUBLIC else "",
    )
    return key, secret


def site_key() -> WriteKey | None:
    """The public key of the shop's pages that can be shown: the newest living one."""
    keys = WriteKey.objects.filter(kind=WriteKey.Kind.PUBLIC, revoked_at=None)
    return keys.exclude(public_text="").order_by("-created_at", "-id").first()


def set_origins(key: WriteKey, origins: list[str]) -> None:
    """From now on the key may be used on exactly these sites, within `CACHE_SECONDS` everywhere."""
    WriteKey.objects.filter(id=key.id).update(allowed_origins=origins)
    forget_found_keys()


def public_origins() -> set[str]:
    """Every site that a living public key of the workspace may be used on."""
    keys = WriteKey.objects.filter(kind=WriteKey.Kind.PUBLIC, revoked_at=None)
    return {origin for held in keys.values_list("allowed_origins", flat=True) for origin in held}


def revoke_key(key: ApiKey | WriteKey, *, now: datetime) -> None:
    """The key opens nothing any more, within `CACHE_SECONDS` everywhere. Repeating is harmless."""
    type(key).objects.filter(id=key.id, revoked_at=None).update(revoked_at=now)
    forget_found_keys()


def powers_of(scopes: Iterable[str]) -> list[tuple[str, str]] | None:
    """(words, scope) of what a key may do, in the order of `SCOPES`; None when it may everything."""
    held = set(scopes)
    if held >= set(SCOPES):
        return None
    known = [(words, scope) for scope, words in SCOPES.items() if scope in held]
    return known + [(scope, scope) for scope in sorted(held - set(SCOPES))]


def forget_found_keys() -> None:
    """This process asks the database again for every key."""
    _cache.clear()


def access_key(model: type[ApiKey] | type[WriteKey], key_id: UUID) -> ApiKey | WriteKey:
    """Raises `NotFound`, also for another workspace's key."""
    key: ApiKey | WriteKey | None = model.objects.filter(id=key_id).first()
    if key is None:
        raise NotFound("This key")
    return key


def find_key(secret: str) -> FoundKey | None:
    """Which workspace a secret opens; None when no live key has it. Cached a few seconds.

    Opens the router's scope, so call it before a tenant's scope.
    """
    digest = hash_secret(secret)
    held = _cache.get(digest)
    if held is not None:
        return held
    with router_scope(), connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT id, tenant_id, kind, prefix, '{}'::text[], allowed_origins
            FROM tenancy_writekey WHERE key_hash = %(hash)s AND revoked_at IS NULL
            UNION ALL
            SELECT id, tenant_id, 'api', prefix, scopes::text[], '{}'::text[]
            FROM tenancy_apikey WHERE key_hash = %(hash)s AND revoked_at IS NULL
            """,
            {"hash": digest},
        )
        row = cursor.fetchone()
        if row is not None:
            cursor.execute("SELECT is_active FROM tenancy_tenant WHERE id = %s", [row[1]])
            active = cursor.fetchone()
            if active is None or not active[0]:
                row = None
    if row is None:
        return None
    found = FoundKey(row[0], row[1], row[2], row[3], frozenset(row[4]), tuple(row[5]))
    _cache.put(digest, found)
    return found


def note_use(key: FoundKey, *, now: Callable[[], datetime]) -> None:
    """Writes down that an API key was used; at most once a minute from each process.

    In a transaction of its own, outside of every scope: a row locked until a long request ends
    would hold up all others with the same key.
    """
    if _noted.get(key.id, -NOTED_SECONDS) + NOTED_SECONDS > time.monotonic():
        return
    if len(_noted) > 10_000:
        _noted.clear()
    _noted[key.id] = time.monotonic()
    with tenant_scope(key.tenant_id):
        ApiKey.objects.filter(id=key.id).update(last_used_at=now())


def hash_secret(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def _stored(name: str, secret: str, created_by: UUID | None, now: datetime) -> dict[str, Any]:
    if not name.strip() or len(name) > 80:
        raise Invalid([FieldError("name", "invalid", "Give the key a name of up to 80 letters.")])
    return {
        "name": name.strip(),
        "prefix": secret[:10],
        "key_hash": hash_secret(secret),
        "created_by": created_by,
        "created_at": now,
    }


class _Cache:
    """Found keys for a few seconds per process: a look-up per event would double its cost."""

    def __init__(self) -> None:
        self._rows: dict[str, tuple[float, FoundKey]] = {}
        self._lock = Lock()

    def get(self, digest: str) -> FoundKey | None:
        held = self._rows.get(digest)
        return held[1] if held and held[0] > time.monotonic() else None

    def put(self, digest: str, key: FoundKey) -> None:
        with self._lock:
            if len(self._rows) > 10_000:
                self._rows.clear()
            self._rows[digest] = (time.monotonic() + CACHE_SECONDS, key)

    def clear(self) -> None:
        with self._lock:
            self._rows.clear()


_cache = _Cache()
