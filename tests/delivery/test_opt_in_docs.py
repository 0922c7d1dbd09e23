"""Every curl of docs/opt-in.md, sent as it stands there."""

from __future__ import annotations

import json
import re
import shlex
from datetime import datetime
from pathlib import Path

import pytest
from django.test import Client

from consent.models import Consent
from tenancy.scope import tenant_scope
from tests.delivery.making import Shop

pytestmark = pytest.mark.django_db
PAGE = Path(__file__).parents[2] / "docs" / "opt-in.md"


def commands() -> list[list[str]]:
    blocks = re.findall(r"```sh\n(.*?)```", PAGE.read_text(), re.S)
    return [shlex.split(one) for block in blocks for one in re.split(r"\n(?=curl )", block)]


def test_the_curls_do_what_the_page_says(
    shop: Shop, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tenancy.api_base.business_now", lambda: now)
    headers = {"Authorization": f"Bearer {shop.brand.api_key}"}
    answers = []
    for _, _, user, url, *rest in commands():
        assert user == "$KAIROS_KEY:"
        path = url.removeprefix("$KAIROS")
        if not rest:
            answers.append(Client().get(path, headers=headers))
            continue
        body = json.loads(rest[rest.index("-d") + 1])
        answers.append(Client().post(path, json.dumps(body), "application/json", headers=headers))
    opt_in, opt_out, ledger, link = answers
    assert (opt_in.status_code, opt_in.json()["code"]) == (201, "pending")
    assert (opt_out.status_code, opt_out.json()["code"]) == (201, "unsubscribed")
    assert [row["kind"] for row in ledger.json()["consents"]] == ["opt_out", "opt_in_requested"]
    assert "/stop/" in link.json()["url"]
    with tenant_scope(shop.tenant_id):
        assert set(Consent.objects.values_list("status", flat=True)) == {"unsubscribed"}
