"""Gateways and senders: secrets at rest, clear refusals, reads for pages."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from django.db import connection

from api.problems import Invalid, NotFound
from delivery.domain import queries
from delivery.domain.deciding import decide
from delivery.domain.gateways import (
    add_sender,
    connect_gateway,
    pause_sender,
    resume_gateway,
    resume_sender,
    set_sender_rate,
)
from delivery.domain.inbound import InboundSms, receive_inbound
from delivery.models import Gateway
from tenancy.models import AuditEntry
from tenancy.scope import tenant_scope
from tests.delivery.making import LA, Shop, intent, make_contact, make_shop
from tests.support.carrier import ACCOUNT, NUMBER
from tests.support.world import World

pytestmark = pytest.mark.django_db


def test_secrets_are_not_readable_in_the_database(shop: Shop, now: datetime) -> None:
    with tenant_scope(shop.tenant_id):
        gateway = connect_gateway(
            kind="twilio",
            account_sid="AC" + "b" * 32,
            api_key_sid="SK" + "c" * 32,
            secret="very-secret",
            auth_tokens=["token-one", "token-two"],
            now=now,
        )
        assert Gateway.objects.get(id=gateway.id).secret == "very-secret"
        assert Gateway.objects.get(id=gateway.id).auth_tokens == ("token-one", "token-two")
        with connection.cursor() as cursor:
            cursor.execute("SELECT g::text FROM delivery_gateway g WHERE id = %s", [gateway.id])
            stored = cursor.fetchone()[0]
        audit = str(list(AuditEntry.objects.values_list("data", "target")))
    for secret in ("very-secret", "token-one"):
        assert secret not in stored
        assert secret.encode().hex() not in stored
        assert secret not in audit


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"kind": "pigeon"}, "kind"),
        ({"account_sid": "AC1"}, "account_sid"),
        ({"account_sid": ACCOUNT}, "account_sid"),
        ({"account_sid": "AC" + "x" * 32}, "account_sid"),
        ({"api_key_sid": "SK1"}, "api_key_sid"),
        ({"secret": ""}, "secret"),
        ({"secret": "two words"}, "secret"),
        ({"secret": "\x00"}, "secret"),
        ({"auth_tokens": ["n\u00f6"]}, "auth_tokens"),
        ({"auth_tokens": []}, "auth_tokens"),
        ({"auth_tokens": ["a", "b", "c"]}, "auth_tokens"),
    ],
)
def test_what_is_wrong_with_a_gateway_is_named(
    shop: Shop, now: datetime, change: dict[str, Any], field: str
) -> None:
    given: dict[str, Any] = {
        "kind": "twilio",
        "account_sid": "AC" + "b" * 32,
        "secret": "s",
        "auth_tokens": ["t"],
        **change,
    }
    with tenant_scope(shop.tenant_id), pytest.raises(Invalid) as refused:
        connect_gateway(now=now, **given)
    assert [error.field for error in refused.value.errors] == [field]


def test_what_is_wrong_with_a_sender_is_named(shop: Shop, now: datetime) -> None:
    with tenant_scope(shop.tenant_id):
        wrongs: list[dict[str, Any]] = [
            {},
            {"phone": NUMBER},  # here already
            {"phone": "310 555"},
            {"phone": "+1310\u0663"},
            {"messaging_service_sid": "MG1"},
            {"phone": "+12025550101", "messaging_service_sid": "MG" + "1" * 32},
        ]
        for wrong in wrongs:
            with pytest.raises(Invalid):
                add_sender(shop.gateway, now=now, **wrong)
        for rate in (0, -1, 1e9, float("nan")):
            with pytest.raises(Invalid):
                add_sender(shop.gateway, phone="+12025550101", segments_per_second=rate, now=now)
            with pytest.raises(Invalid):
                set_sender_rate(shop.sender.id, segments_per_second=rate, now=now)
        assert [sender.label for sender in queries.list_senders()] == [NUMBER]


def test_nobody_pauses_another_workspaces_sender(world: World, now: datetime) -> None:
    shop, other = make_shop(world.shop, now=now), make_shop(world.other, now=now)
    with tenant_scope(other.tenant_id):
        for verb in (pause_sender, resume_sender):
            with pytest.raises(NotFound):
                verb(shop.sender.id, now=now)
        with pytest.raises(NotFound):
            resume_gateway(shop.gateway.id, now=now)
    with tenant_scope(shop.tenant_id):
        assert queries.list_senders()[0].state == "active"


def test_pages_read_what_happened_and_only_their_own(world: World, now: datetime) -> None:
    shop, other = make_shop(world.shop, now=now), make_shop(world.other, now=now)
    with tenant_scope(shop.tenant_id):
        contact = make_contact(LA, now=now)
        key = decide([intent(contact, shop.version_id)], now=now)[0].message_id
        receive_inbound(shop.gateway, InboundSms("SM1", LA, NUMBER, "What sizes?"), now=now)
        pause_sender(shop.sender.id, reason="sender_compliance", now=now)
        assert [link.label for link in queries.links_of([key])[key]]
        assert [row.body for row in queries.inbound_of(contact)] == ["What sizes?"]
        assert [row.kind for row in queries.newest_inbound(kinds=["none"])] == ["none"]
        assert queries.newest_inbound(kinds=["help"]) == []
        (sender,) = queries.list_senders()
        assert (sender.state, sender.paused_reason, sender.queued_segments) == (
            "paused",
            "sender_compliance",
            1,
        )
        assert queries.clicks_of([key]) == {}
        assert queries.attempts_of([key]) == {}
    with tenant_scope(other.tenant_id):
        assert queries.links_of([key]) == {}
        assert queries.inbound_of(contact) == []
        assert queries.newest_inbound() == []
        assert queries.list_senders()[0].state == "active"
