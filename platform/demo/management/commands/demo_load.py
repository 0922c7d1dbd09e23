from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from demo.domain.loading import load_demo
from tenancy.clock import MOVABLE_MODES


class Command(BaseCommand):
    help = "Loads the demo's brands, history and two lived weeks over the public HTTP API."

    def handle(self, *args: Any, **options: Any) -> None:
        if settings.KAIROS_MODE not in MOVABLE_MODES:
            raise CommandError("The demo is loaded in demo mode only.")
        load_demo()
        self.stdout.write("Shop history is in")
