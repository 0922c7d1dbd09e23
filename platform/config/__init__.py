"""Settings, URLs, Celery and the schedule: knows everybody, nobody imports it."""

from config.celery import app as celery_app

__all__ = ["celery_app"]
