"""How texts leave, over the API: the gateway in use, without a secret."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from delivery.core.account_words import worst
from delivery.domain.queries import SenderRow, list_senders
from delivery.models import Gateway
from tenancy.api_base import TenantAPIView


class FindingShown(serializers.Serializer[Any]):
    code = serializers.CharField()
    tone = serializers.CharField(
        allow_blank=True, help_text="good, wait (look at it), stop (texts fail), or not known."
    )
    text = serializers.CharField()
    todo = serializers.CharField(allow_blank=True)
    about = serializers.CharField(allow_blank=True, help_text="The sender it is about.")


class SenderShown(serializers.Serializer[Any]):
    name = serializers.CharField(help_text="A number, a short code or a messaging service.")
    kind = serializers.CharField()
    state = serializers.CharField()
    paused_reason = serializers.CharField(allow_blank=True)
    paused_until = serializers.DateTimeField(allow_null=True)
    segments_per_second = serializers.FloatField()
    queued_segments = serializers.IntegerField()


class GatewayShown(serializers.Serializer[Any]):
    kind = serializers.CharField()
    account_sid = serializers.CharField()
    stopped_reason = serializers.CharField(allow_blank=True)
    stopped_until = serializers.DateTimeField(allow_null=True)
    last_signed_webhook_at = serializers.DateTimeField(allow_null=True)
    checked_at = serializers.DateTimeField(allow_null=True)
    check = serializers.CharField(allow_blank=True, help_text="The worst tone of the last check.")
    findings = FindingShown(many=True)
    senders = SenderShown(many=True)


class GatewayState(serializers.Serializer[Any]):
    gateway = GatewayShown(allow_null=True, help_text="Null while none is in use.")


class GatewayRead(TenantAPIView):
    required_scope = "gateway:read"

    @extend_schema(operation_id="readGateway", responses=GatewayState)
    def get(self, request: Request) -> Response:
        """The gateway in use: its numbers, whether it is stopped, what the last check found."""
        gateway: Gateway | None = Gateway.objects.filter(is_live=True).first()
        return Response({"gateway": _show(gateway, list_senders()) if gateway else None})


def _show(gateway: Gateway, senders: list[SenderRow]) -> dict[str, Any]:
    return {
        "kind": gateway.kind,
        "account_sid": gateway.account_sid,
        "stopped_reason": gateway.stopped_reason,
        "stopped_until": gateway.stopped_until,
        "last_signed_webhook_at": gateway.last_heard_at,
        "checked_at": gateway.checked_at,
        "check": worst(gateway.check_findings),
        "findings": gateway.check_findings,
        "senders": [
            {
                "name": sender.label,
                "kind": sender.kind,
                "state": sender.state,
                "paused_reason": sender.paused_reason,
                "paused_until": sender.paused_until,
                "segments_per_second": sender.segments_per_second,
                "queued_segments": sender.queued_segments,
            }
            for sender in senders
        ],
    }
