from __future__ import annotations

from typing import Any, ClassVar, TypeVar

from django.db import models

from tenancy.models.base import TenantManager, TenantModel
from tenancy.scope import current_organization_id

M = TypeVar("M", bound=models.Model)


class OrganizationManager(models.Manager[M]):
    """Shows the rows of the organization in scope, of all its workspaces."""

    def get_queryset(self) -> models.QuerySet[M]:
        return super().get_queryset().filter(organization_id=current_organization_id())


class RollupModel(TenantModel):
    """A workspace's numbers, written in its own scope and read across the organization.

    `objects` serves the workspace, `across` the organization inside `organization_scope`, where
    PostgreSQL allows nothing but SELECT on these tables. Rebuildable: never the only copy.
    """

    organization = models.ForeignKey(
        "tenancy.Organization",
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        db_index=False,
        related_name="+",
    )

    objects: ClassVar[TenantManager[Any]] = TenantManager()
    across: ClassVar[OrganizationManager[Any]] = OrganizationManager()

    class Meta:
        abstract = True
