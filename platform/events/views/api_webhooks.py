"""Webhooks over the API: where they go, what they tell, what became of each, sending again."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from api.paging import Keyset
from api.problems import FieldError, Invalid
from api.schema import PAGE, list_of, such_as
from api.serializers import Choice, Strict, read_body, read_query
from events.domain.webhook_deliveries import (
    find_delivery,
    replay_delivery,
    replay_since,
    send_test,
)
from events.domain.webhooks import (
    change_endpoint,
    create_endpoint,
    delete_endpoint,
    disable_endpoint,
    enable_endpoint,
    find_endpoint,
    rotate_secret,
)
from events.models import WebhookDelivery, WebhookEndpoint
from tenancy.api_base import TenantAPIView, path_id
from tenancy.audit import record_audit
from tenancy.clock import wall_now
from tenancy.ids import show_id
from tenancy.models import ApiKey
from tenancy.shapes import IdField

by_id = Keyset(UUID)
_OFF = "`webhook_disabled`: switch it on first."
BY_API = "Switched off over the API"
URL_HELP = "https, and open to the internet. A demo may also name http://127.0.0.1."


class WebhookChange(Strict):
    url = serializers.CharField(max_length=2000, required=False, help_text=URL_HELP)
    events = serializers.ListField(
        child=serializers.CharField(max_length=200),
        max_length=100,
        required=False,
        help_text='Names such as `SMS Delivered`; ["*"] means every event.',
    )
    description = serializers.CharField(max_length=120, required=False, allow_blank=True)


class WebhookWrite(WebhookChange):
    url = serializers.CharField(max_length=2000, help_text=URL_HELP)
    events = serializers.ListField(child=serializers.CharField(max_length=200), max_length=100)


class WebhookShown(serializers.Serializer[Any]):
    """An address that hears of events. `disabled_reason` is empty while it is enabled."""

    id = IdField("whk")
    url = serializers.CharField()
    events = serializers.ListField(child=serializers.CharField())
    description = serializers.CharField(allow_blank=True)
    state = serializers.ChoiceField(WebhookEndpoint.State.choices)
    disabled_reason = serializers.CharField(allow_blank=True)
    disabled_at = serializers.DateTimeField(allow_null=True)
    failing_since = serializers.DateTimeField(allow_null=True)
    last_success_at = serializers.DateTimeField(allow_null=True)
    created_at = serializers.DateTimeField()


class WebhookMade(WebhookShown):
    """`secret` is shown in this answer and never again."""

    secret = serializers.CharField()


class SecretMade(serializers.Serializer[Any]):
    """`secret` is shown once. The one before it signs beside it until `old_secret_until`."""

    secret = serializers.CharField()
    old_secret_until = serializers.DateTimeField()


class DeliveryQuery(serializers.Serializer[Any]):
    state = Choice(WebhookDelivery.State.choices, required=False, help_text="Only in this state.")


class DeliveryShown(serializers.Serializer[Any]):
    """One event for one webhook. `error` is a stable code, empty when it was taken."""

    id = IdField("whd")
    event = IdField("evt")
    type = serializers.CharField()
    is_test = serializers.BooleanField()
    state = serializers.ChoiceField(WebhookDelivery.State.choices)
    attempts = serializers.IntegerField()
    created_at = serializers.DateTimeField()
    due_at = serializers.DateTimeField(allow_null=True)
    last_attempt_at = serializers.DateTimeField(allow_null=True)
    response_status = serializers.IntegerField(allow_null=True)
    response_body = serializers.CharField(allow_blank=True)
    error = serializers.CharField(allow_blank=True)
    duration_ms = serializers.IntegerField(allow_null=True)


class ReplayWrite(Strict):
    """One of the two: everything since a moment, or one delivery."""

    since = serializers.DateTimeField(required=False)
    delivery = IdField("whd", required=False)


class ReplayShown(serializers.Serializer[Any]):
    deliveries = serializers.IntegerField(help_text="How many are sent again.")


class _WebhookView(TenantAPIView):
    required_scope = "webhooks:manage"

    def found(self, hook: str, *, lock: bool = False) -> WebhookEndpoint:
        return find_endpoint(path_id("whk", hook, "This webhook"), lock=lock)

    def note(self, request: Any, verb: str, endpoint: WebhookEndpoint) -> None:
        key = ApiKey.objects.get(id=request.key.id)
        record_audit(
            f"webhook.{verb}",
            target=show_id("whk", endpoint.id),
            data={"url": endpoint.url},
            actor=key,
            now=request.now,
        )


class WebhookList(_WebhookView):
    @extend_schema(
        operation_id="listWebhooks", parameters=PAGE, responses=list_of("webhooks", WebhookShown)
    )
    def get(self, request: Request) -> Response:
        """The webhooks, newest first."""
        page = by_id.read(request.query_params)
        rows = list(by_id.cut(WebhookEndpoint.objects.all(), page, "id"))
        return Response(
            by_id.answer("webhooks", rows, page, key=lambda row: (row.id,), show=show_webhook)
        )

    @extend_schema(
        operation_id="createWebhook",
        request=WebhookWrite,
        responses={201: WebhookMade},
        examples=such_as(
            {"url": "https://shop.example/hooks", "events": ["SMS Delivered", "SMS Replied"]}
        ),
    )
    def post(self, request: Request) -> Response:
        """Makes a webhook; it hears of events from now on. The answer holds its secret."""
        asked = read_body(WebhookWrite, request)
        endpoint, secret = create_endpoint(
            url=asked["url"],
            event_names=asked["events"],
            description=asked.get("description", ""),
            now=wall_now(),
        )
        self.note(request, "created", endpoint)
        return Response({**show_webhook(endpoint), "secret": secret}, status=201)


class WebhookDetail(_WebhookView):
    @extend_schema(operation_id="readWebhook", responses=WebhookShown)
    def get(self, request: Request, hook: str) -> Response:
        """One webhook: where it goes, what it tells, and whether it is well."""
        return Response(show_webhook(self.found(hook)))

    @extend_schema(
        operation_id="changeWebhook",
        request=WebhookChange,
        responses=WebhookShown,
        examples=such_as({"events": ["SMS Delivered", "SMS Replied", "SMS Unsubscribed"]}),
    )
    def patch(self, request: Request, hook: str) -> Response:
        """Changes what is given. What waits goes to the new address."""
        endpoint = self.found(hook, lock=True)
        asked = read_body(WebhookChange, request)
        change_endpoint(
            endpoint,
            url=asked.get("url"),
            event_names=asked.get("events"),
            description=asked.get("description"),
        )
        self.note(request, "changed", endpoint)
        return Response(show_webhook(endpoint))

    @extend_schema(operation_id="deleteWebhook", responses={204: None})
    def delete(self, request: Request, hook: str) -> Response:
        """Removes it with all of its deliveries."""
        endpoint = self.found(hook)
        self.note(request, "deleted", endpoint)
        delete_endpoint(endpoint)
        return Response(status=204)


class WebhookActivation(_WebhookView):
    @extend_schema(operation_id="enableWebhook", request=None, responses=WebhookShown)
    def post(self, request: Request, hook: str) -> Response:
        """Switches it on; what waited goes out at once. What passed by comes with a replay."""
        endpoint = self.found(hook, lock=True)
        enable_endpoint(endpoint)
        self.note(request, "enabled", endpoint)
        return Response(show_webhook(endpoint))

    @extend_schema(operation_id="disableWebhook", responses={200: WebhookShown})
    def delete(self, request: Request, hook: str) -> Response:
        """Switches it off: events pass it by until it is on again."""
        endpoint = self.found(hook, lock=True)
        disable_endpoint(endpoint, reason=BY_API, now=wall_now())
        self.note(request, "disabled", endpoint)
        return Response(show_webhook(endpoint))


class WebhookSecret(_WebhookView):
    @extend_schema(operation_id="rotateWebhookSecret", request=None, responses={201: SecretMade})
    def post(self, request: Request, hook: str) -> Response:
        """Makes a new secret. For 24 hours every webhook is signed with both."""
        endpoint = self.found(hook, lock=True)
        secret = rotate_secret(endpoint, now=wall_now())
        self.note(request, "secret_rotated", endpoint)
        made = {"secret": secret, "old_secret_until": endpoint.old_secret_until}
        return Response(made, status=201)


class WebhookTest(_WebhookView):
    refusals = {"POST": {"409": _OFF}}

    @extend_schema(operation_id="sendWebhookTest", request=None, responses={202: DeliveryShown})
    def post(self, request: Request, hook: str) -> Response:
        """Sends an event of the type `Webhook Test` to this webhook alone."""
        made = send_test(self.found(hook), now=wall_now())
        return Response(show_delivery(made), status=202)


class WebhookReplays(_WebhookView):
    refusals = {"POST": {"409": _OFF}}

    @extend_schema(
        operation_id="replayWebhook",
        request=ReplayWrite,
        responses={202: ReplayShown},
        examples=such_as({"since": "2026-11-17T00:00:00Z"}),
    )
    def post(self, request: Request, hook: str) -> Response:
        """Sends again, taken or not, each under the id it had: everything since a moment of the
        last 30 days that its names cover, or one delivery."""
        endpoint = self.found(hook)
        asked = read_body(ReplayWrite, request)
        if len(asked) != 1:
            raise Invalid([FieldError("since", "one_of", "Give either since or delivery.")])
        if "delivery" in asked:
            delivery = find_delivery(asked["delivery"], endpoint_id=endpoint.id)
            replay_delivery(delivery, now=wall_now())
            return Response({"deliveries": 1}, status=202)
        context: Any = request
        count = replay_since(endpoint, asked["since"], business=context.now, now=wall_now())
        return Response({"deliveries": count}, status=202)


class WebhookDeliveries(_WebhookView):
    @extend_schema(
        operation_id="listWebhookDeliveries",
        parameters=[DeliveryQuery, *PAGE],
        responses=list_of("deliveries", DeliveryShown),
    )
    def get(self, request: Request, hook: str) -> Response:
        """What became of each event, newest first; kept for 30 days."""
        endpoint = self.found(hook)
        page = by_id.read(request.query_params)
        query = read_query(DeliveryQuery, request)
        held = WebhookDelivery.objects.filter(endpoint_id=endpoint.id, **query)
        rows = list(by_id.cut(held, page, "id"))
        return Response(
            by_id.answer("deliveries", rows, page, key=lambda row: (row.id,), show=show_delivery)
        )


def show_webhook(endpoint: WebhookEndpoint) -> dict[str, Any]:
    return {
        "id": show_id("whk", endpoint.id),
        "url": endpoint.url,
        "events": endpoint.event_names,
        "description": endpoint.description,
        "state": endpoint.state,
        "disabled_reason": endpoint.disabled_reason,
        "disabled_at": endpoint.disabled_at,
        "failing_since": endpoint.failing_since,
        "last_success_at": endpoint.last_success_at,
        "created_at": endpoint.created_at,
    }


def show_delivery(delivery: WebhookDelivery) -> dict[str, Any]:
    return {
        "id": show_id("whd", delivery.id),
        "event": show_id("evt", delivery.event_id),
        "type": delivery.event_name,
        "is_test": delivery.is_test,
        "state": delivery.state,
        "attempts": delivery.attempts,
        "created_at": delivery.created_at,
        "due_at": delivery.due_at,
        "last_attempt_at": delivery.last_attempt_at,
        "response_status": delivery.response_status,
        "response_body": delivery.response_body,
        "error": delivery.error,
        "duration_ms": delivery.duration_ms,
    }
