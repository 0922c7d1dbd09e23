from __future__ import annotations

from uuid import UUID

from celery import shared_task

from tenancy.clock import business_now
from tenancy.tasks import TenantTask


@shared_task(base=TenantTask, name="segments.bulk_build")
def bulk_build(*, tenant_id: str, segment_id: str) -> int:
    from segments.domain.segments import build_segment

    return build_segment(UUID(segment_id), now=business_now())
