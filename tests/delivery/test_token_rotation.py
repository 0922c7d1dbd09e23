"""Two auth tokens are valid while one is exchanged, and the page says which one was heard."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import pytest

from delivery.api.webhooks import forget_doors
from delivery.domain.gateway_checks import note_heard
from tenancy.models import AuditEntry
from tenancy.scope import tenant_scope
from tests.delivery.hooks import post
from tests.delivery.making import LA
from tests.delivery.sending_desk import NUMBER, SECRET, TOKEN, Desk, register
from tests.support.carrier import CarrierProcess

pytestmark = pytest.mark.django_db


def test_a_rotation_keeps_two_tokens_valid_and_retires_the_old_one(
    desk: Desk, twilio: CarrierProcess
) -> None:
    gateway = desk.set_up()
    new = "auth-token-brand-new-1357"

    def told(token: str, sid: str) -> int:
        form = {"MessageSid": sid, "From": LA, "To": NUMBER, "Body": "hello there"}
        path = f"/webhooks/twilio/{gateway.id}/inbound"
        return int(post(path, form, token=token).status_code)

    assert told(TOKEN, "SM1") == 204
    assert "signed the last callback" in desk.page()
    assert desk.post(f"gateway/{gateway.id}/token/", token=new).status_code == 302
    page = desk.page()
    assert "since the token changed" in page
    assert new not in page
    forget_doors()  # what this process kept knows one token only
    assert (told(TOKEN, "SM2"), told(new, "SM3")) == (204, 204)
    third = desk.post(f"gateway/{gateway.id}/token/", token="a-third-token-here")
    assert (third.status_code, "Retire the older" in third.content.decode()) == (422, True)
    # Twilio knows only one of them: the check says which.
    found = {f["code"] for f in _checked(desk)}
    assert "wrong_token" in found
    register(twilio, auth_tokens=[new])
    assert {f["code"] for f in _checked(desk)} >= {"token_works", "old_token_dead"}
    assert desk.post(f"gateway/{gateway.id}/token/retire/").status_code == 302
    forget_doors()
    assert (told(TOKEN, "SM4"), told(new, "SM5")) == (403, 204)
    assert desk.post(f"gateway/{gateway.id}/token/retire/").status_code == 409
    with tenant_scope(desk.brand.tenant.id):
        actions = list(AuditEntry.objects.order_by("id").values_list("action", flat=True))
        logged = str(list(AuditEntry.objects.values_list("data", "target", "actor")))
    assert [a for a in actions if "token" in a] == ["gateway.token_added", "gateway.token_retired"]
    assert not any(secret in logged for secret in (SECRET, TOKEN, new))


def _checked(desk: Desk) -> list[dict[str, str]]:
    desk.check()
    found: list[dict[str, str]] = desk.twilio().check_findings
    return found


def test_without_an_api_key_the_rotation_moves_the_submitting_too(
    desk: Desk, twilio: CarrierProcess
) -> None:
    gateway = desk.set_up(api_key_sid="", secret="")
    assert gateway.secret == TOKEN
    desk.post(f"gateway/{gateway.id}/token/", token="auth-token-brand-new-1357")
    desk.post(f"gateway/{gateway.id}/token/retire/")
    assert desk.twilio().secret == "auth-token-brand-new-1357"


def test_a_signed_callback_is_noted_once_a_minute(
    desk: Desk, twilio: CarrierProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    gateway = desk.set_up()
    writes: list[UUID] = []

    def note(gateway_id: UUID, *, token: str, wall: datetime) -> None:
        writes.append(gateway_id)
        note_heard(gateway_id, token=token, wall=wall)

    monkeypatch.setattr("delivery.api.webhooks.note_heard", note)
    path = f"/webhooks/twilio/{gateway.id}/status"
    form = {"MessageSid": "SM" + "0" * 32, "MessageStatus": "sent"}
    assert post(path, form, token="forged").status_code == 403
    assert desk.twilio().last_heard_at is None
    for _ in range(5):
        assert post(path, form, token=TOKEN).status_code == 204
    assert writes == [gateway.id]
    assert "A signed callback arrived just now" in desk.page()
    # Another process may write too, but not the same minute again.
    first = desk.twilio().last_heard_at
    forget_doors()
    assert post(path, form, token=TOKEN).status_code == 204
    assert desk.twilio().last_heard_at == first
