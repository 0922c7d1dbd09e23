from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from commerce.domain.rebuilding import rebuild_commerce
from tenancy.clock import business_now
from tenancy.models import Tenant
from tenancy.scope import tenant_scope


class Command(BaseCommand):
    help = (
        "Builds a workspace's carts, orders, balances, objects and summaries anew from its events."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--workspace", required=True, help="The workspace's slug")

    def handle(self, *args: Any, **options: Any) -> None:
        tenant = Tenant.objects.filter(slug=options["workspace"]).first()
        if tenant is None:
            raise CommandError(f"There is no workspace {options['workspace']!r}.")
        with tenant_scope(tenant.id):
            done = rebuild_commerce(now=business_now())
        self.stdout.write(f"Read {done.events:,} events of {done.contacts:,} contacts.")
