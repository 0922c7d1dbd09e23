from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction
from django.utils.text import slugify

from api.problems import Problem
from tenancy.clock import business_now, wall_now
from tenancy.domain.invites import create_invite
from tenancy.domain.keys import SCOPES, create_api_key, create_write_key
from tenancy.domain.workspaces import add_member, create_organization, create_workspace
from tenancy.models import Organization, User
from tenancy.scope import tenant_scope


class Command(BaseCommand):
    help = (
        "Creates an organization (or uses the one with that slug), a workspace, an API key and a "
        "write key, and prints them as JSON. The secrets are shown this once."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", help="The workspace's name, as people read it")
        parser.add_argument("--organization", default="", help="Defaults to the workspace's name")
        parser.add_argument("--slug", default="")
        parser.add_argument("--timezone", default="America/New_York")
        parser.add_argument("--country", default="US")
        parser.add_argument("--currency", default="USD")
        parser.add_argument("--shop-url", default="")
        parser.add_argument(
            "--owner",
            default="",
            help="E-mail of the first owner. Without a password, `owner_link` in the answer is a "
            "one-time link where they set their own",
        )
        parser.add_argument("--password", default="", help="The owner's password, if new")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            made = self._create(options)
        except Problem as problem:
            raise CommandError(problem.detail) from problem
        self.stdout.write(json.dumps(made, indent=2))

    @transaction.atomic
    def _create(self, options: dict[str, Any]) -> dict[str, Any]:
        now = business_now()
        title = options["organization"] or options["name"]
        organization = Organization.objects.filter(slug=slugify(title)).first()
        if organization is None:
            organization = create_organization(title, slug=slugify(title), now=now)
        workspace = create_workspace(
            organization,
            name=options["name"],
            slug=options["slug"] or slugify(options["name"]),
            timezone=options["timezone"],
            country=options["country"],
            currency=options["currency"],
            shop_url=options["shop_url"],
            now=now,
        )
        owner_link = self._add_owner(organization, options, now) if options["owner"] else ""
        with tenant_scope(workspace.id):
            _, api_key = create_api_key(name="First API key", scopes=list(SCOPES), now=now)
            _, write_key = create_write_key(name="Shop server", kind="server", now=now)
            _, public_key = create_write_key(name="Shop pages", kind="public", now=now)
        return {
            "organization": {"slug": organization.slug, "name": organization.name},
            "workspace": {"slug": workspace.slug, "name": workspace.name},
            "api_key": api_key,
            "write_key": write_key,
            "public_write_key": public_key,
            **({"owner_link": owner_link} if owner_link else {}),
        }

    def _add_owner(self, organization: Organization, options: dict[str, Any], now: datetime) -> str:
        """The one-time link for a new person; "" where they can log in already."""
        email = options["owner"].lower()
        user = User.objects.filter(email=email).first()
        if user is None and not options["password"]:
            _, link = create_invite(
                organization, email=email, role="owner", wall=wall_now(), now=now
            )
            return link
        if user is None:
            if len(options["password"]) < 12:
                raise CommandError("A password has 12 letters or more.")
            name = email.split("@")[0]
            user = User.objects.create_user(email, options["password"], name=name)
        if not organization.memberships.filter(user=user).exists():
            add_member(organization, user=user, role="owner", now=now)
        return ""
