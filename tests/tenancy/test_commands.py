from __future__ import annotations

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from tenancy.domain.keys import find_key
from tenancy.models import User


@pytest.mark.django_db
def test_create_workspace_prints_keys_that_work() -> None:
    out = StringIO()
    call_command(
        "create_workspace",
        "Juniper & Oak",
        organization="Northside",
        owner="ines@northside.example",
        password="a long enough password",
        stdout=out,
    )
    made = json.loads(out.getvalue())
    assert made["organization"]["slug"] == "northside"
    assert made["workspace"]["slug"] == "juniper-oak"
    kinds = [find_key(made[name]) for name in ("api_key", "write_key", "public_write_key")]
    assert [key.kind for key in kinds if key] == ["api", "server", "public"]
    assert User.objects.get(email="ines@northside.example").check_password("a long enough password")


@pytest.mark.django_db
def test_create_workspace_refuses_a_taken_name() -> None:
    call_command("create_workspace", "Juniper", stdout=StringIO())
    with pytest.raises(CommandError, match="already exists"):
        call_command("create_workspace", "Juniper", organization="Another", stdout=StringIO())
