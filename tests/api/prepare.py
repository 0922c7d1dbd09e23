"""Run inside an installation: the workspaces of the tests. Prints {"api_key", "ids", "tenant_id"}."""

from __future__ import annotations

import json
import os
import sys

import django
import requests

ACCOUNT, TOKEN, NUMBER = "AC" + "0" * 32, "x", "+13105550199"


def main() -> None:
    django.setup()
    from django.conf import settings

    from delivery.models import Gateway
    from tenancy.clock import wall_now
    from tenancy.scope import tenant_scope
    from tests.api.making import make_api
    from tests.faults.prepare import next_tuesday_at_ten
    from tests.support.world import make_world

    now = next_tuesday_at_ten(wall_now())
    carrier = settings.KAIROS_TWILIO_BASE_URL
    api = make_api(make_world(now), now=now, hook_url=f"{carrier}/hook")
    with tenant_scope(api.brand.tenant.id):
        gateway = Gateway.objects.get()
        gateway.set_secrets(secret=TOKEN, auth_tokens=[TOKEN])
        gateway.save()
    account = {"sid": ACCOUNT, "auth_token": TOKEN, "numbers": [NUMBER]}
    requests.post(f"{carrier}/_sim/accounts", json=account, timeout=30).raise_for_status()
    said = {"api_key": api.brand.api_key, "ids": api.ids, "tenant_id": str(api.brand.tenant.id)}
    sys.stdout.write(json.dumps(said))


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.dev")
    main()
