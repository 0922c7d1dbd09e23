"""Texts that people send: keyword handling as on Twilio's long codes, then the signed webhook."""

from __future__ import annotations

import time

from delivery.carrier_simulator.carrier import Carrier
from delivery.carrier_simulator.store import Account, Service
from delivery.carrier_simulator.texts import API_VERSION, Text
from delivery.carrier_simulator.webhooks import Webhook
from templates_engine.core.segments import measure

STOP = frozenset({"STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "REVOKE", "OPTOUT"})
START = frozenset({"START", "YES", "UNSTOP"})
HELP = frozenset({"HELP", "INFO"})

STOP_REPLY = (
    "You have successfully been unsubscribed. You will not receive any more messages from this "
    "number. Reply START to resubscribe."
)
START_REPLY = (
    "You have successfully been re-subscribed to messages from this number. Reply HELP for help. "
    "Reply STOP to unsubscribe. Msg&Data Rates May Apply."
)
HELP_REPLY = "Reply STOP to unsubscribe. Msg&Data Rates May Apply."


def receive(
    carrier: Carrier, account: Account, *, from_number: str, to: str, body: str, media: list[str]
) -> tuple[Text, Text | None, Webhook | None]:
    """A text comes in. Returns it, the carrier's own reply, and the webhook still to be sent.

    Keywords count only as the whole message. The webhook is for every text, STOP included:
    Twilio blocks and replies, and passes the text on.
    """
    keyword = body.strip().upper()
    store = carrier.store
    text = _make(carrier, account, from_number, to, body, "inbound", "received", media)
    keys = account.sender_keys(to)
    was_out = any(store.is_opted_out(account.sid, key, from_number) for key in keys)
    reply_body, kind = "", ""
    if keyword in STOP:
        kind, reply_body = "STOP", "" if was_out else STOP_REPLY
    elif keyword in START:
        kind, reply_body = "START", START_REPLY if was_out else ""
    elif keyword in HELP:
        kind, reply_body = "HELP", HELP_REPLY
    if kind in {"STOP", "START"}:
        for key in keys:
            store.set_opt_out(account.sid, key, from_number, out=kind == "STOP")
    store.add_text(text)
    reply = None
    if reply_body:
        reply = _make(
            carrier, account, to, from_number, reply_body, "outbound-reply", "delivered", []
        )
        store.add_text(reply)
    service = next((s for s in account.services.values() if to in s.numbers), None)
    return text, reply, _webhook(account, service, text, kind)


def _make(
    carrier: Carrier,
    account: Account,
    from_number: str,
    to: str,
    body: str,
    direction: str,
    status: str,
    media: list[str],
) -> Text:
    now = time.time()
    return Text(
        sid=carrier.new_sid("MM" if media else "SM"),
        account_sid=account.sid,
        to=to,
        from_number=from_number,
        body=body,
        direction=direction,
        status=status,
        created_at=now,
        updated_at=now,
        sent_at=now,
        final_at=now,
        num_segments=measure(body).num_segments,
        media=media,
    )


def _webhook(account: Account, service: Service | None, text: Text, kind: str) -> Webhook | None:
    number = account.numbers.get(text.to)
    url = (service.inbound_url if service else "") or (number.inbound_url if number else "")
    if not url:
        return None  # as at Twilio: without a URL inbound texts are lost
    form = {
        "AccountSid": account.sid,
        "ApiVersion": API_VERSION,
        "Body": text.body,
        "From": text.from_number or "",
        "MessageSid": text.sid,
        "NumMedia": str(len(text.media)),
        "NumSegments": str(text.num_segments),
        "SmsMessageSid": text.sid,
        "SmsSid": text.sid,
        "SmsStatus": "received",
        "To": text.to,
        **{f"MediaUrl{index}": url for index, url in enumerate(text.media)},
        **{f"MediaContentType{index}": "image/jpeg" for index in range(len(text.media))},
    }
    if service:
        form["MessagingServiceSid"] = service.sid
        if service.advanced_opt_out and kind:
            form["OptOutType"] = kind
    return Webhook(text.sid, url, form, account.auth_tokens[0])
