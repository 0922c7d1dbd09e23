from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from web.assets import build


class Command(BaseCommand):
    help = "Builds the web assets if their sources changed."
    requires_system_checks: list[str] = []  # runs before there is a manifest

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--force", action="store_true")
        parser.add_argument("--dev", action="store_true", help="with the test tools")

    def handle(self, *args: Any, force: bool, dev: bool, **options: Any) -> None:
        built = build(force, self.stdout.write, dev)
        self.stdout.write("Built." if built else "Up to date.")
