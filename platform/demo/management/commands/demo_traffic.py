from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from demo.domain.traffic import keep_shops_busy
from tenancy.clock import MOVABLE_MODES


class Command(BaseCommand):
    help = "Keeps live events coming in the demo, until it is stopped."

    def handle(self, *args: Any, **options: Any) -> None:
        if settings.KAIROS_MODE not in MOVABLE_MODES:
            raise CommandError("Demo traffic runs in demo mode only.")
        keep_shops_busy()
