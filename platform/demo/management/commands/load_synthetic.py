from __future__ import annotations

import time
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from demo.core.synthetic import MAX_CONTACTS
from demo.domain.synthetic import Loaded, load_synthetic
from tenancy.clock import business_now
from tenancy.models import Tenant

EVERY_SECONDS = 10.0


class Command(BaseCommand):
    help = (
        "Fills a workspace with invented people and their events, to see how it does when it is "
        "large. Nobody among them agreed to texts. Repeating it adds nothing."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--workspace", required=True, help="The workspace's slug")
        parser.add_argument("--contacts", type=int, default=10_000)
        parser.add_argument("--events", type=int, default=100_000)

    def handle(self, *args: Any, **options: Any) -> None:
        contacts, events = options["contacts"], options["events"]
        if not 1 <= contacts <= MAX_CONTACTS:
            raise CommandError(f"--contacts: a number from 1 to {MAX_CONTACTS:,}.")
        if events < 0:
            raise CommandError("--events: a number from 0.")
        tenant = Tenant.objects.filter(slug=options["workspace"]).first()
        if tenant is None:
            raise CommandError(f"There is no workspace {options['workspace']!r}.")
        began = told = time.monotonic()

        def tell(so_far: Loaded) -> None:
            nonlocal told
            if time.monotonic() - told >= EVERY_SECONDS:
                told = time.monotonic()
                self.stdout.write(f"  {so_far.contacts:,} contacts, {so_far.events:,} events")

        done = load_synthetic(
            tenant.id, contacts=contacts, events=events, now=business_now(), tell=tell
        )
        self.stdout.write(
            f"{done.contacts:,} contacts, {done.events:,} events added in "
            f"{time.monotonic() - began:,.0f} s."
        )
