"""What the API says of messages and clicks."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from api.serializers import Choice, Strict
from delivery.domain.asking import TYPES, Asked
from delivery.domain.clicked import ClickLine
from delivery.domain.history import MessageStory
from delivery.models import Click, Message
from tenancy.ids import show_id
from tenancy.shapes import IdField, masked_phone


class ContactRef(Strict):
    """Exactly one of these."""

    id = serializers.CharField(required=False, max_length=40)
    external_id = serializers.CharField(required=False, max_length=256)
    phone = serializers.CharField(required=False, max_length=40)
    email = serializers.CharField(required=False, max_length=254)


class MessageWrite(Strict):
    template = serializers.CharField(max_length=80, help_text="The template's slug.")
    contact = ContactRef()
    data = serializers.DictField(  # type: ignore[assignment]
        required=False,
        help_text="What the template's event fields are filled from, such as"
        ' {"order_id": "A-9"}. At most 32 KB.',
    )
    message_type = Choice(
        TYPES, required=False, help_text="To be sure; the type stands on the template."
    )
    idempotency_key = serializers.RegexField(
        r"^[!-~]{1,180}$", required=False, help_text="One text per key, for ever."
    )
    dry_run = serializers.BooleanField(
        default=False, help_text="Say what would happen; write and send nothing."
    )


class CheckShown(serializers.Serializer[Any]):
    """One of the ordered checks. `ok` is null when an earlier one had already failed."""

    name = serializers.CharField()
    ok = serializers.BooleanField(allow_null=True)
    text = serializers.CharField(allow_blank=True)
    detail = serializers.DictField()


class TrialShown(serializers.Serializer[Any]):
    """What would happen. `status`: queued, scheduled (until `due_at`) or skipped (`reason`)."""

    contact = IdField("con")
    status = serializers.CharField()
    reason = serializers.CharField(allow_blank=True)
    due_at = serializers.DateTimeField(allow_null=True)
    checks = CheckShown(many=True)
    text = serializers.CharField(allow_blank=True)
    encoding = serializers.CharField(allow_blank=True)
    num_segments = serializers.IntegerField()


class AcceptedShown(TrialShown):
    """What became of it so far. `repeated`: its key had made it before."""

    id = IdField("msg")
    repeated = serializers.BooleanField()


class MessageShown(serializers.Serializer[Any]):
    """`to` is whole for a key with contacts:read and masked for others."""

    id = IdField("msg")
    contact = IdField("con", allow_null=True)
    to = serializers.CharField(allow_blank=True)
    status = serializers.ChoiceField(Message.Status.choices)
    reason = serializers.CharField(allow_blank=True)
    waited_for = serializers.CharField(allow_blank=True)
    message_type = serializers.CharField()
    source = serializers.CharField()  # type: ignore[assignment]
    flow = IdField("flow", allow_null=True)
    step = serializers.CharField(allow_blank=True)
    template = serializers.CharField(allow_blank=True)
    text = serializers.CharField(allow_blank=True)
    num_segments = serializers.IntegerField()
    due_at = serializers.DateTimeField(allow_null=True)
    created_at = serializers.DateTimeField()
    sent_at = serializers.DateTimeField(allow_null=True)
    final_at = serializers.DateTimeField(allow_null=True)
    error_code = serializers.IntegerField(allow_null=True)


class MessageDetail(MessageShown):
    """With the evidence: the ordered checks, and where each word came from."""

    checks = CheckShown(many=True)
    fields_ = serializers.ListField(child=serializers.DictField())

    def get_fields(self) -> dict[str, Any]:
        # `fields` is a property of every serializer, so the name is set here.
        found = super().get_fields()
        found["fields"] = found.pop("fields_")
        return found


class ClickShown(serializers.Serializer[Any]):
    """One opening of a short link. `kind` is empty while it is not judged."""

    id = IdField("clk")
    message = IdField("msg")
    contact = IdField("con", allow_null=True)
    label = serializers.CharField(allow_blank=True)  # type: ignore[assignment]
    url = serializers.CharField(allow_blank=True)
    clicked_at = serializers.DateTimeField()
    kind = serializers.ChoiceField(Click.Kind.choices, allow_blank=True)
    kind_reason = serializers.CharField(allow_blank=True)


def show_trial(asked: Asked) -> dict[str, Any]:
    return {
        "contact": show_id("con", asked.contact_id),
        "status": asked.status,
        "reason": asked.reason,
        "due_at": asked.due_at,
        "checks": [check.as_dict() for check in asked.checks],
        "text": asked.text,
        "encoding": asked.encoding,
        "num_segments": asked.num_segments,
    }


def show_message(story: MessageStory, *, sees_numbers: bool) -> dict[str, Any]:
    return {
        "id": show_id("msg", story.id),
        "contact": show_id("con", story.contact_id) if story.contact_id else None,
        "to": story.phone if sees_numbers else masked_phone(story.phone),
        "status": story.status,
        "reason": story.reason,
        "waited_for": story.waited_for,
        "message_type": story.message_type,
        "source": story.source_kind,
        "flow": show_id("flow", story.flow_id) if story.flow_id else None,
        "step": story.step_key,
        "template": story.template,
        "text": story.body,
        "num_segments": story.num_segments,
        "due_at": story.due_at,
        "created_at": story.created_at,
        "sent_at": story.sent_at,
        "final_at": story.final_at,
        "error_code": story.error_code,
    }


def show_click(click: ClickLine) -> dict[str, Any]:
    return {
        "id": show_id("clk", click.id),
        "message": show_id("msg", click.message_id),
        "contact": show_id("con", click.contact_id) if click.contact_id else None,
        "label": click.label,
        "url": click.url,
        "clicked_at": click.clicked_at,
        "kind": click.kind,
        "kind_reason": click.kind_reason,
    }
