"""An HTTP view, a Celery task and a bare SDK call: the least that puts an event on its way.

Served like the platform (gunicorn) and worked like it (a Celery worker with threads), by the same
broker; it stores nothing, decides nothing and promises nothing.
"""

from __future__ import annotations

import os
from functools import lru_cache
from typing import Any

import django
import orjson
from celery import Celery
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt

from tests.benchmarks.bare_sdk import make_client

THREADS = 8

if not settings.configured:
    settings.configure(
        ROOT_URLCONF=__name__, ALLOWED_HOSTS=["*"], SECRET_KEY="bench", LOGGING_CONFIG=None
    )
    django.setup()

app = Celery("bare", broker=os.environ.get("CELERY_BROKER_URL", "memory://"))
app.conf.update(
    task_ignore_result=True,
    task_default_queue="bare",
    worker_prefetch_multiplier=1,
    worker_hijack_root_logger=False,
    broker_connection_retry_on_startup=True,
)


@lru_cache(maxsize=1)
def client() -> Any:
    return make_client(os.environ["KAIROS_TWILIO_BASE_URL"], os.environ["BENCH_ACCOUNT"], THREADS)


@app.task(name="bare.send")
def send(to: str, name: str) -> None:
    client().messages.create(
        to=to,
        from_=os.environ["BENCH_NUMBER"],
        body=f"Juniper & Oak: Hi {name}, early access is open for you.",
        smart_encoded=False,
    )


@csrf_exempt
def receive(request: HttpRequest) -> HttpResponse:
    event = orjson.loads(request.body)
    send.delay(event["phone"], event["userId"])
    return HttpResponse(b'{"success":true}', content_type="application/json")


def health(request: HttpRequest) -> HttpResponse:
    return HttpResponse(b"ok")


urlpatterns = [path("event", receive), path("health", health)]
application = get_wsgi_application()
