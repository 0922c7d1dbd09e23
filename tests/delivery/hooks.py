"""Webhooks as Twilio sends them: signed with the account's token over address and form."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.conf import settings
from django.test import Client
from twilio.request_validator import RequestValidator

from tests.delivery.making import LA, Shop
from tests.support.carrier import NUMBER, TOKEN

SID = "SM" + "0" * 31


def post(path: str, form: dict[str, Any], *, token: str = TOKEN, signature: str = "") -> Any:
    """POSTs a signed form; `signature` overrides the right one."""
    url = f"{settings.KAIROS_PUBLIC_BASE_URL}{path}"
    right = RequestValidator(token).compute_signature(url, form)
    return Client().post(path, form, headers={"X-Twilio-Signature": signature or right})


def tell_status(
    shop: Shop, attempt_id: UUID, status: str, *, sid: str = SID + "1", code: int = 0, **more: Any
) -> Any:
    form = {"MessageSid": sid, "MessageStatus": status, "AccountSid": "AC1", "To": LA}
    if code:
        form["ErrorCode"] = str(code)
    return post(f"/webhooks/twilio/{shop.gateway.id}/status/{attempt_id}", form, **more)


def text_in(shop: Shop, body: str, *, sid: str, phone: str = LA, **more: Any) -> Any:
    form = {"MessageSid": sid, "From": phone, "To": NUMBER, "Body": body, "NumMedia": "0"}
    form.update(more.pop("form", {}))
    return post(f"/webhooks/twilio/{shop.gateway.id}/inbound", form, **more)
