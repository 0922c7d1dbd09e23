"""What every tenant-owned table has in common.

Row security, grants, `UNIQUE (tenant_id, id)` and the composite foreign keys are made from these
models by `tenancy.security` after each migration, so that no app can forget them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, TypeVar

from django.db import models

from tenancy.ids import new_id
from tenancy.scope import current_tenant_id

M = TypeVar("M", bound=models.Model)


class TenantManager(models.Manager[M]):
    """Shows the rows of the tenant in scope. Raises `OutsideTenant` when there is none."""

    def get_queryset(self) -> models.QuerySet[M]:
        return super().get_queryset().filter(tenant_id=current_tenant_id())


class TenantForeignKey(models.ForeignKey):  # type: ignore[type-arg]
    """A foreign key inside one tenant.

    The database constraint is composite, (tenant_id, x_id) -> (tenant_id, id): under forced row
    security a plain one lets tenant 1 point at tenant 2's row. `tenancy.security` makes it.
    """

    def __init__(self, to: Any, on_delete: Any = models.DO_NOTHING, **kwargs: Any) -> None:
        kwargs.setdefault("db_constraint", False)
        kwargs.setdefault("db_index", False)
        kwargs.setdefault("related_name", "+")
        super().__init__(to, on_delete, **kwargs)


class TenantField(models.ForeignKey):  # type: ignore[type-arg]
    """Whose row it is. The default, the tenant in scope, is no part of the schema: a migration
    that adds the column runs outside of every scope.
    """

    def __init__(self, to: Any = "tenancy.Tenant", **kwargs: Any) -> None:
        kwargs |= {"db_index": False, "db_constraint": False, "related_name": "+"}
        kwargs |= {"on_delete": models.DO_NOTHING, "editable": False}
        super().__init__(to, default=current_tenant_id, **kwargs)

    def deconstruct(self) -> Any:
        name, _, args, kwargs = super().deconstruct()
        kwargs.pop("default")
        return name, "django.db.models.ForeignKey", args, kwargs


class TenantModel(models.Model):
    """A row of one tenant. `tenant` defaults to the scope.

    Class switches read by `tenancy.security`:
    `kairos_no_fk` (no composite foreign keys), `kairos_append_only` (no UPDATE, no DELETE),
    `kairos_erased` (columns of an append-only table that erasing a contact empties, and the SQL
    value they get).
    """

    kairos_no_fk: ClassVar[bool] = False
    kairos_append_only: ClassVar[bool] = False
    kairos_erased: ClassVar[Mapping[str, str]] = {}

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    tenant = TenantField()

    objects: ClassVar[TenantManager[Any]] = TenantManager()

    class Meta:
        abstract = True
