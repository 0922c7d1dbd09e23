"""Celery edges."""

from __future__ import annotations

from celery import shared_task


@shared_task(name="commerce.learn", ignore_result=True)
def learn() -> int:
    """What orders say about products: when they are bought again, and how much is sold."""
    from commerce.domain.learning import learn_everywhere
    from tenancy.clock import business_now

    return learn_everywhere(now=business_now())
