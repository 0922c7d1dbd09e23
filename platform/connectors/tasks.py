"""Celery edges: bodies that wait, and those that are old."""

from __future__ import annotations

from celery import shared_task


@shared_task(name="connectors.sweep", ignore_result=True)
def sweep() -> int:
    from connectors.domain.sweeping import sweep_bodies

    return sweep_bodies()


@shared_task(name="connectors.forget_old", ignore_result=True)
def forget_old_bodies() -> int:
    from connectors.domain.sweeping import forget_old

    return forget_old()
