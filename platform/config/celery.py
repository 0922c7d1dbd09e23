"""The Celery application. Tasks only wake; PostgreSQL holds the work."""

from __future__ import annotations

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.dev")

app = Celery("kairos")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
