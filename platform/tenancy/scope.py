"""The tenant scope: whose rows the current transaction may see.

The scope lives in the transaction, so it is safe behind PgBouncer: entering opens a transaction
and switches role and tenant for it. COMMIT takes both back; inside a longer transaction leaving
does it explicitly, because settings made with `is_local` outlive the release of a savepoint. Postgres row security is the wall; the Python check
is the clear error message in front of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from uuid import UUID

from django.db import connection, transaction

APP_ROLE = "kairos_app"
ROUTER_ROLE = "kairos_router"
ORGANIZATION_ROLE = "kairos_organization"

_tenant_id: ContextVar[UUID | None] = ContextVar("kairos_tenant_id", default=None)
_organization_id: ContextVar[UUID | None] = ContextVar("kairos_organization_id", default=None)


class OutsideTenant(RuntimeError):
    """A tenant's table was used while no tenant was in scope, or inside another tenant's scope."""


def current_tenant_id() -> UUID:
    """The tenant in scope. Raises `OutsideTenant`."""
    tenant_id = _tenant_id.get()
    if tenant_id is None:
        raise OutsideTenant("This needs a tenant: open tenant_scope(tenant_id) first.")
    return tenant_id


def current_tenant_id_or_none() -> UUID | None:
    return _tenant_id.get()


def current_organization_id() -> UUID:
    """The organization in scope. Raises `OutsideTenant`."""
    organization_id = _organization_id.get()
    if organization_id is None:
        raise OutsideTenant("This needs an organization: open organization_scope(id) first.")
    return organization_id


@contextmanager
def tenant_scope(tenant_id: UUID | str) -> Iterator[UUID]:
    """Opens a transaction in which only this tenant's rows exist.

    Nesting the same tenant opens a savepoint; another tenant raises `OutsideTenant`.
    """
    wanted = tenant_id if isinstance(tenant_id, UUID) else UUID(str(tenant_id))
    held = _tenant_id.get()
    if held is not None:
        if held != wanted:
            raise OutsideTenant("A scope for another tenant is open; scopes never cross.")
        with transaction.atomic():
            yield wanted
        return
    _refuse_inside_organization()
    nested = connection.in_atomic_block
    with transaction.atomic():
        _switch(APP_ROLE, str(wanted))
        token = _tenant_id.set(wanted)
        try:
            yield wanted
        except BaseException:
            _tenant_id.reset(token)
            # The rollback of the outermost transaction restores role and tenant by itself;
            # inside a longer transaction the rollback to the savepoint does.
            raise
        _tenant_id.reset(token)
        if nested:
            _restore()


@contextmanager
def router_scope() -> Iterator[None]:
    """Finding the tenant: may read routing columns of all tenants, nothing else.

    Raises `OutsideTenant` inside a tenant's scope.
    """
    if _tenant_id.get() is not None:
        raise OutsideTenant("Routing starts outside of every tenant.")
    _refuse_inside_organization()
    nested = connection.in_atomic_block
    with transaction.atomic():
        _switch(ROUTER_ROLE, "")
        yield
        if nested:
            _restore()


@contextmanager
def organization_scope(organization_id: UUID) -> Iterator[UUID]:
    """Reading the roll-ups of one organization's workspaces; no table of a tenant exists here.

    The only scope that spans tenants: its role may SELECT from `RollupModel` tables and from
    nothing else. Raises `OutsideTenant` inside any other scope.
    """
    if _tenant_id.get() is not None:
        raise OutsideTenant("An organization's roll-up is read outside of every tenant.")
    _refuse_inside_organization()
    nested = connection.in_atomic_block
    with transaction.atomic():
        _switch(ORGANIZATION_ROLE, "")
        _set_organization(str(organization_id))
        token = _organization_id.set(organization_id)
        try:
            yield organization_id
        finally:
            _organization_id.reset(token)
        if nested:
            _restore()
            _set_organization("")


def _refuse_inside_organization() -> None:
    if _organization_id.get() is not None:
        raise OutsideTenant("An organization's scope is open; scopes never cross.")


def _set_organization(organization: str) -> None:
    if connection.needs_rollback:
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('app.organization_id', %s, true)", [organization])


def _switch(role: str, tenant: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT set_config('role', %s, true), set_config('app.tenant_id', %s, true)",
            [role, tenant],
        )


def _restore() -> None:
    if connection.needs_rollback:
        return
    _switch("none", "")
