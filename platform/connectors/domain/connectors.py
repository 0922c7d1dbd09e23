"""Connectors: making, changing, rotating and removing them. Times are wall time."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connection

from api.problems import FieldError, Invalid, NotFound
from connectors.core.kinds import KINDS
from connectors.core.mapping import DEFAULT, check_mapping
from connectors.models import Connector, ReceivedBody, ShopVariant
from tenancy.ids import new_id, show_id
from tenancy.scope import current_tenant_id

MAX_CONNECTORS = 10
MAX_SECRET = 200
# Both secrets count this long, so that the other side can be changed without a gap.
OLD_SECRET_LIVES = timedelta(hours=24)


def create_connector(
    *,
    kind: str,
    name: str = "",
    secret: str = "",
    mapping: Mapping[str, Any] | None = None,
    created_by: UUID | None = None,
    now: datetime,
) -> tuple[Connector, str]:
    """A connector, and the secret we made for it ("" where the shop makes it). Raises `Invalid`.

    The first shop's ids are taken as they are; those of a second one get a prefix, because customer 25
    of two shops is two people.
    """
    errors: list[FieldError] = []
    if kind not in KINDS:
        known = ", ".join(KINDS)
        raise Invalid([FieldError("kind", "invalid_choice", f"Use one of: {known}.")])
    errors += [*_name_errors(name), *_secret_errors(secret)]
    clean: dict[str, Any] = {}
    if kind == Connector.Kind.WEBHOOK:
        clean, wrong = check_mapping(mapping or DEFAULT)
        errors += [FieldError(f"mapping.{e.field}", e.code, e.detail) for e in wrong]
    elif mapping is not None:
        errors.append(FieldError("mapping", "not_taken", "Only a signed webhook has a mapping."))
    held = list(Connector.objects.values_list("kind", flat=True))
    if len(held) >= MAX_CONNECTORS:
        detail = f"A workspace has at most {MAX_CONNECTORS} connectors. Remove one first."
        errors.append(FieldError("kind", "too_many", detail))
    if errors:
        raise Invalid(errors)
    made = ""
    if not secret and KINDS[kind].makes_secret:
        made = _new_secret()
    connector = Connector(
        id=new_id(),
        kind=kind,
        name=_line(name) or KINDS[kind].label,
        public_id=secrets.token_urlsafe(24),
        mapping=clean,
        created_by=created_by,
        created_at=now,
    )
    if kind != Connector.Kind.WEBHOOK and any(each != Connector.Kind.WEBHOOK for each in held):
        connector.id_prefix = f"{connector.id.hex[-6:]}:"
    if secret or made:
        connector.set_secrets(secret.strip() or made)
    connector.save(force_insert=True)
    return connector, made


def change_connector(
    connector: Connector, *, name: str | None = None, mapping: Mapping[str, Any] | None = None
) -> None:
    """Changes what is given. A new mapping reads bodies from now on, and those replayed. Raises
    `Invalid`."""
    errors: list[FieldError] = []
    if name is not None:
        errors += _name_errors(name)
        if not _line(name):
            errors.append(FieldError("name", "required", "Give it a name."))
    clean: dict[str, Any] = {}
    if mapping is not None and connector.kind != Connector.Kind.WEBHOOK:
        errors.append(FieldError("mapping", "not_taken", "Only a signed webhook has a mapping."))
    elif mapping is not None:
        clean, wrong = check_mapping(mapping)
        errors += [FieldError(f"mapping.{e.field}", e.code, e.detail) for e in wrong]
    if errors:
        raise Invalid(errors)
    if name is not None:
        connector.name = _line(name)
    if mapping is not None:
        connector.mapping = clean
    connector.save(update_fields=["name", "mapping"])


def rotate_secret(connector: Connector, *, secret: str = "", now: datetime) -> str:
    """Another secret; the one before it counts beside it for 24 hours. Raises `Invalid`.

    `secret`: the one the shop shows. Left out, one is made and returned, once.
    """
    errors = _secret_errors(secret)
    if not secret.strip() and not KINDS[connector.kind].makes_secret:
        detail = "Copy the secret that the shop shows."
        errors.append(FieldError("secret", "required", detail))
    if errors:
        raise Invalid(errors)
    made = "" if secret.strip() else _new_secret()
    held = connector.secrets
    connector.set_secrets(secret.strip() or made, *held[:1])
    connector.old_secret_until = now + OLD_SECRET_LIVES if held else None
    connector.save(update_fields=["secrets_encrypted", "old_secret_until"])
    return made


def delete_connector(connector: Connector) -> None:
    """Removes it with its stored bodies; what they became stays."""
    values = [current_tenant_id(), connector.id]
    with connection.cursor() as cursor:
        # Its lock first: whoever is about to store a body of it sees it gone.
        cursor.execute(
            "SELECT 1 FROM connectors_connector WHERE tenant_id = %s AND id = %s FOR UPDATE", values
        )
        for model in (ReceivedBody, ShopVariant):
            cursor.execute(
                f"DELETE FROM {model._meta.db_table} WHERE tenant_id = %s AND connector_id = %s",
                values,
            )
        cursor.execute("DELETE FROM connectors_connector WHERE tenant_id = %s AND id = %s", values)


def find_connector(connector_id: UUID, *, lock: bool = False) -> Connector:
    """Raises `NotFound`. `lock`: until the end of the transaction nobody else changes it."""
    rows = Connector.objects.select_for_update() if lock else Connector.objects
    found = rows.filter(id=connector_id).first()
    if found is None:
        raise NotFound("This connector")
    return found  # type: ignore[no-any-return]


def find_body(body_id: UUID, *, connector_id: UUID) -> ReceivedBody:
    """Raises `NotFound`."""
    found = ReceivedBody.objects.filter(id=body_id, connector_id=connector_id).first()
    if found is None:
        raise NotFound("This body")
    return found  # type: ignore[no-any-return]


def secrets_in_force(connector: Connector, *, now: datetime) -> tuple[str, ...]:
    held = connector.secrets
    is_both = connector.old_secret_until is not None and now < connector.old_secret_until
    return held if is_both else held[:1]


def address_of(connector: Connector) -> str:
    """Where the other side posts to."""
    return f"{settings.KAIROS_PUBLIC_BASE_URL}/webhooks/in/{connector.public_id}"


def state_of(connector: Connector) -> str:
    """waiting_secret, waiting (for a first genuine body), failing (the last request was not
    genuine) or connected. Connected is said after a signed body came, never before."""
    if not connector.secrets_encrypted:
        return "waiting_secret"
    failed, signed = connector.last_failure_at, connector.last_signed_at
    if failed is not None and (signed is None or failed > signed):
        return "failing"
    return "connected" if connector.first_signed_at is not None else "waiting"


def audit_target(connector: Connector) -> str:
    return show_id("cnr", connector.id)


def _name_errors(name: str) -> list[FieldError]:
    if len(name) > 80 or "\x00" in name:
        return [FieldError("name", "invalid_name", "A name has at most 80 letters.")]
    return []


def _secret_errors(secret: str) -> list[FieldError]:
    text = secret.strip()
    if not text and not secret:
        return []
    if not 16 <= len(text) <= MAX_SECRET or not text.isascii() or not text.isprintable():
        detail = f"A secret has 16 to {MAX_SECRET} visible letters; copy it whole."
        return [FieldError("secret", "invalid_secret", detail)]
    return []


def _line(text: str) -> str:
    return " ".join(text.split())


def _new_secret() -> str:
    return f"whsec_{secrets.token_urlsafe(32)}"
