"""Logging in, slowed down for guessers."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.contrib.auth import authenticate
from django.http import HttpRequest

from api.problems import Problem
from tenancy.crypto import keyed_digest
from tenancy.models import LoginAttempt, User

WINDOW = timedelta(minutes=15)
PER_EMAIL = 5
PER_ADDRESS = 30


def check_log_in(request: HttpRequest, *, email: str, password: str, wall: datetime) -> User:
    """The user with this password. Raises `Problem` wrong_log_in (401) or rate_limited (429).

    Failures are counted per e-mail and per address over 15 minutes of wall time; unknown e-mails
    count the same, so the answer does not tell who exists.
    """
    check_pace(request, email=email, wall=wall)
    user = authenticate(request, username=email.strip().lower(), password=password)
    if not isinstance(user, User):
        count_failure(request, email=email, wall=wall)
        raise Problem(
            "wrong_log_in", "This e-mail and password do not belong together.", status=401
        )
    LoginAttempt.objects.filter(at__lt=wall - WINDOW).delete()
    return user


def check_pace(request: HttpRequest, *, email: str, wall: datetime) -> None:
    """Raises `Problem` rate_limited (429) after too many failures."""
    recent = LoginAttempt.objects.filter(at__gt=wall - WINDOW)
    for key, limit in _keys(request, email).items():
        if recent.filter(key=key).count() >= limit:
            raise Problem(
                "rate_limited",
                "Too many attempts. Wait a quarter of an hour.",
                status=429,
                headers={"Retry-After": str(int(WINDOW.total_seconds()))},
            )


def count_failure(request: HttpRequest, *, email: str, wall: datetime) -> None:
    LoginAttempt.objects.bulk_create(
        [LoginAttempt(key=key, at=wall) for key in _keys(request, email)]
    )


def _keys(request: HttpRequest, email: str) -> dict[str, int]:
    return {
        keyed_digest("log-in e-mail", email.strip().lower()): PER_EMAIL,
        keyed_digest("log-in address", request.META.get("REMOTE_ADDR", "")): PER_ADDRESS,
    }
