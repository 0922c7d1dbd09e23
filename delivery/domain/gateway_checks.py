"""Checking a gateway account: a read-only look, judged in words and stored with its time; and
noting that signed webhooks arrive."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import connection

from api.problems import NotFound, Problem
from delivery.core.account import Finding, SenderName, Setup
from delivery.core.account_words import judge
from delivery.gateways.registry import GatewayMisconfigured, inspector_for
from delivery.models import Gateway, Sender
from tenancy.scope import current_tenant_id

HEARD_EVERY = timedelta(minutes=1)


def inbound_url(gateway_id: UUID) -> str:
    """Where the gateway passes incoming texts on to."""
    return f"{settings.KAIROS_PUBLIC_BASE_URL}/webhooks/twilio/{gateway_id}/inbound"


def status_url(gateway_id: UUID) -> str:
    """Where the gateway tells what became of texts that carry no address of their own."""
    return f"{settings.KAIROS_PUBLIC_BASE_URL}/webhooks/twilio/{gateway_id}/status"


def check_gateway(gateway_id: UUID, *, wall: datetime) -> Gateway:
    """Looks at the account with the credentials we hold and stores what that means.

    Asks the network for up to 10 seconds and holds no lock meanwhile. Raises `NotFound`, `Problem`
    no_simulator (409).
    """
    gateway: Gateway | None = Gateway.objects.filter(id=gateway_id).first()
    if gateway is None:
        raise NotFound("This gateway")
    senders = Sender.objects.filter(gateway=gateway).order_by("id")
    names = [SenderName(sender.phone, sender.messaging_service_sid) for sender in senders]
    try:
        look = inspector_for(gateway).look(names)
    except GatewayMisconfigured as error:
        raise Problem("no_simulator", str(error), status=409) from error
    setup = Setup(
        account_sid=gateway.account_sid,
        has_key=bool(gateway.api_key_sid),
        hints=tuple(hint_of(token) for token in gateway.auth_tokens),
        inbound_url=inbound_url(gateway.id),
    )
    simulated = gateway.kind == Gateway.Kind.SIMULATOR
    gateway.checked_at = wall
    gateway.check_findings = [
        (_simulated(finding) if simulated else finding).as_dict() for finding in judge(look, setup)
    ]
    # What was changed meanwhile was not checked.
    Gateway.objects.filter(
        id=gateway.id,
        secret_encrypted=gateway.secret_encrypted,
        auth_tokens_encrypted=gateway.auth_tokens_encrypted,
        account_sid=gateway.account_sid,
    ).update(checked_at=gateway.checked_at, check_findings=gateway.check_findings)
    return gateway


def hint_of(secret: str) -> str:
    """The last four characters: enough to tell which one it is."""
    return secret[-4:] if len(secret) >= 12 else ""


def note_heard(gateway_id: UUID, *, token: str, wall: datetime) -> None:
    """A signed webhook arrived. Writes at most once a minute, or when another token signed.

    Waits for nobody: while somebody else holds the row, the next webhook will tell.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE delivery_gateway SET first_heard_at = coalesce(first_heard_at, %(wall)s),
                last_heard_at = %(wall)s, last_heard_token = %(token)s
            WHERE id IN (
                SELECT id FROM delivery_gateway WHERE tenant_id = %(tenant)s AND id = %(id)s
                  AND (last_heard_at IS NULL OR last_heard_at < %(stale)s
                       OR last_heard_token <> %(token)s)
                FOR NO KEY UPDATE SKIP LOCKED)
            """,
            {
                "wall": wall,
                "stale": wall - HEARD_EVERY,
                "token": token,
                "tenant": current_tenant_id(),
                "id": gateway_id,
            },
        )


def _simulated(finding: Finding) -> Finding:
    """The simulator speaks Twilio's language, but it is not Twilio."""

    def plain(text: str) -> str:
        said = text.replace("Twilio", "the carrier simulator")
        return said[:1].upper() + said[1:]

    return Finding(
        finding.code, finding.tone, plain(finding.text), plain(finding.todo), finding.about
    )
