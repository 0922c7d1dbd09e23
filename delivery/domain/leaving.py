"""Texts of a person who is erased: that there was one stays, what it said and to whom does not."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import connection

from delivery.core.reasons import Reason
from delivery.domain.canceling import cancel_messages
from delivery.models import Click, Conversation, InboundMessage, Message, TestNumber, TrackedLink
from people.domain.leaving import Person, Rows
from tenancy.logs import erase_log
from tenancy.scope import current_tenant_id

_CONTENT = """
    UPDATE delivery_messagecontent c SET body = '', intent = '{}', checks = '[]', fields = '[]'
    FROM delivery_message m
    WHERE m.tenant_id = %(tenant)s AND m.contact_id = ANY(%(ids)s)
      AND c.tenant_id = m.tenant_id AND c.id = m.id AND c.created_at = m.created_at
"""
_ATTEMPTS = """
    UPDATE delivery_sendattempt a SET error_text = ''
    FROM delivery_message m
    WHERE m.tenant_id = %(tenant)s AND m.contact_id = ANY(%(ids)s)
      AND a.tenant_id = m.tenant_id AND a.message_id = m.id
    RETURNING a.id
"""
_MESSAGES = """
    UPDATE delivery_message SET phone = '', dedupe_key = 'erased:' || id
    WHERE tenant_id = %(tenant)s AND contact_id = ANY(%(ids)s)
"""
_LINKS = """
    UPDATE delivery_trackedlink SET url = split_part(split_part(url, '?', 1), '#', 1)
    WHERE tenant_id = %(tenant)s AND contact_id = ANY(%(ids)s)
"""
# A text may have come from the number before anybody knew whose it is.
_REPLIES = """
    UPDATE delivery_inboundmessage SET from_phone = '', body = '', media = '[]', keyword = '',
        rule = ''
    WHERE tenant_id = %(tenant)s AND (contact_id = ANY(%(ids)s) OR from_phone = ANY(%(phones)s))
"""


def erase(person: Person, now: datetime) -> None:
    cancel_messages(
        contact_ids=person.ids, phones=person.phones, except_types=(), reason=Reason.ERASED, now=now
    )
    values: dict[str, Any] = {
        "tenant": current_tenant_id(),
        "ids": list(person.ids),
        "phones": list(person.phones),
    }
    with connection.cursor() as cursor:
        cursor.execute(_CONTENT, values)
        cursor.execute(_ATTEMPTS, values)
        attempts = [row[0] for row in cursor.fetchall()]
        for statement in (_MESSAGES, _LINKS, _REPLIES):
            cursor.execute(statement, values)
    erase_log("delivery_statuscallback", attempts, key="attempt_id")
    Click.objects.filter(contact_id__in=person.ids).update(user_agent="", address="", purpose="")
    Conversation.objects.filter(contact_id__in=person.ids).delete()
    TestNumber.objects.filter(contact_id__in=person.ids).delete()


def export(person: Person) -> dict[str, Rows]:
    mine = {"contact_id__in": person.ids}
    texts = list(
        Message.objects.filter(**mine)
        .order_by("created_at", "id")
        .values("id", "created_at", "phone", "message_type", "status", "reason", "sent_at")
    )
    words = _words(person)
    replies = InboundMessage.objects.filter(**mine).order_by("received_at")
    links = TrackedLink.objects.filter(**mine).order_by("created_at")
    clicks = Click.objects.filter(**mine).order_by("clicked_at")
    return {
        "texts": [{**{k: v for k, v in t.items() if k != "id"}, "body": words.get(t["id"], "")}
                  for t in texts],
        "replies": list(replies.values("received_at", "from_phone", "body", "kind")),
        "links": list(links.values("created_at", "label", "url", "first_clicked_at")),
        "clicks": list(clicks.values("clicked_at", "kind", "user_agent")),
    }  # fmt: skip


def _words(person: Person) -> dict[object, str]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.id, c.body FROM delivery_message m JOIN delivery_messagecontent c"
            " ON c.tenant_id = m.tenant_id AND c.id = m.id AND c.created_at = m.created_at"
            " WHERE m.tenant_id = %s AND m.contact_id = ANY(%s)",
            [current_tenant_id(), list(person.ids)],
        )
        return dict(cursor.fetchall())
