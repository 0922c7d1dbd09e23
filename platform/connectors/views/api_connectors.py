"""Connectors over the API: make, read, change, rotate, and what was posted to them."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from api.paging import Keyset
from api.schema import PAGE, list_of, such_as
from api.serializers import Choice, Strict, read_body
from connectors.core.kinds import KINDS
from connectors.domain.connectors import (
    address_of,
    change_connector,
    create_connector,
    delete_connector,
    find_body,
    find_connector,
    rotate_secret,
    state_of,
)
from connectors.domain.processing import replay_body
from connectors.models import Connector, ReceivedBody
from connectors.views.showing import STATES, failures_of, shown_body
from tenancy.api_base import TenantAPIView, path_id
from tenancy.audit import record_audit
from tenancy.clock import wall_now
from tenancy.ids import show_id
from tenancy.models import ApiKey
from tenancy.shapes import IdField
from tenancy.waking import wake

by_id = Keyset(UUID)
_OF_SECRETS = "16 to 200 letters. Shopify's own; of the others left out, one is made."


class MappingField(serializers.DictField):
    """Field -> path; `properties` holds a name -> path object of its own. Checked by the verb."""

    child = serializers.JSONField()


class ConnectorChange(Strict):
    name = serializers.CharField(max_length=80, required=False)
    mapping = MappingField(
        required=False,
        help_text="Of a signed webhook: `event`, `external_id`, `phone`, `email`, `anonymous_id`,"
        " `occurred_at`, `message_id` and `properties`, each a path such as `$.order.id`.",
    )


class ConnectorWrite(ConnectorChange):
    kind = Choice(list(KINDS))
    secret = serializers.CharField(max_length=200, required=False, help_text=_OF_SECRETS)


class FailureShown(serializers.Serializer[Any]):
    """A request that was refused. `reason` is a stable code."""

    at = serializers.DateTimeField()
    reason = serializers.CharField()
    topic = serializers.CharField(allow_blank=True)


class ConnectorShown(serializers.Serializer[Any]):
    """A door for another system. `state` is `connected` only after a signed body arrived."""

    id = IdField("cnr")
    kind = serializers.ChoiceField(list(KINDS))
    name = serializers.CharField()
    url = serializers.CharField()
    state = serializers.ChoiceField(list(STATES))
    mapping = serializers.JSONField(allow_null=True)
    first_signed_at = serializers.DateTimeField(allow_null=True)
    last_signed_at = serializers.DateTimeField(allow_null=True)
    last_event = serializers.CharField(allow_blank=True)
    last_event_at = serializers.DateTimeField(allow_null=True)
    failure_count = serializers.IntegerField()
    failures = FailureShown(many=True)
    old_secret_until = serializers.DateTimeField(allow_null=True)
    created_at = serializers.DateTimeField()


class ConnectorMade(ConnectorShown):
    """`secret` is shown in this answer and never again; null where the shop makes it."""

    secret = serializers.CharField(allow_null=True)


class SecretWrite(Strict):
    secret = serializers.CharField(max_length=200, required=False, help_text=_OF_SECRETS)


class ConnectorSecret(serializers.Serializer[Any]):
    """`secret`: null when it was given. The one before counts until `old_secret_until`."""

    secret = serializers.CharField(allow_null=True)
    old_secret_until = serializers.DateTimeField(allow_null=True)


class BodyResult(serializers.Serializer[Any]):
    """What became of one item. `field` names what is wrong with a rejected one."""

    event = serializers.CharField(allow_blank=True)
    status = serializers.ChoiceField(["accepted", "duplicate", "ignored", "rejected"])
    code = serializers.CharField(allow_blank=True)
    detail = serializers.CharField(allow_blank=True)
    field = serializers.CharField(allow_blank=True)
    id = serializers.CharField(allow_blank=True, help_text="The event, where there is one.")
    notes = serializers.ListField(child=serializers.CharField())


class BodyShown(serializers.Serializer[Any]):
    """A genuine body as it came. `times`: how often it was posted."""

    id = IdField("bdy")
    topic = serializers.CharField(allow_blank=True)
    received_at = serializers.DateTimeField()
    state = serializers.ChoiceField(ReceivedBody.State.choices)
    times = serializers.IntegerField()
    replays = serializers.IntegerField()
    results = BodyResult(many=True)
    body = serializers.JSONField()


class _ConnectorView(TenantAPIView):
    required_scope = "connectors:manage"

    def found(self, connector: str, *, lock: bool = False) -> Connector:
        return find_connector(path_id("cnr", connector, "This connector"), lock=lock)

    def note(self, request: Any, verb: str, connector: Connector) -> None:
        record_audit(
            f"connector.{verb}",
            target=show_id("cnr", connector.id),
            data={"kind": connector.kind, "name": connector.name},
            actor=ApiKey.objects.get(id=request.key.id),
            now=request.now,
        )


class ConnectorList(_ConnectorView):
    @extend_schema(
        operation_id="listConnectors",
        parameters=PAGE,
        responses=list_of("connectors", ConnectorShown),
    )
    def get(self, request: Request) -> Response:
        """The connectors with their state, newest first."""
        page = by_id.read(request.query_params)
        rows = list(by_id.cut(Connector.objects.all(), page, "id"))
        return Response(
            by_id.answer("connectors", rows, page, key=lambda row: (row.id,), show=show_connector)
        )

    @extend_schema(
        operation_id="createConnector",
        request=ConnectorWrite,
        responses={201: ConnectorMade},
        examples=such_as({"kind": "webhook", "name": "Help desk"}),
    )
    def post(self, request: Request) -> Response:
        """Makes a door for another system. The answer holds its address and its secret."""
        asked = read_body(ConnectorWrite, request)
        connector, secret = create_connector(
            kind=asked["kind"],
            name=asked.get("name", ""),
            secret=asked.get("secret", ""),
            mapping=asked.get("mapping"),
            now=wall_now(),
        )
        self.note(request, "created", connector)
        return Response({**show_connector(connector), "secret": secret or None}, status=201)


class ConnectorDetail(_ConnectorView):
    @extend_schema(operation_id="readConnector", responses=ConnectorShown)
    def get(self, request: Request, connector: str) -> Response:
        """One connector: whether it is connected, what came last, what was refused."""
        return Response(show_connector(self.found(connector)))

    @extend_schema(
        operation_id="changeConnector",
        request=ConnectorChange,
        responses=ConnectorShown,
        examples=such_as({"name": "Our help desk"}),
    )
    def patch(self, request: Request, connector: str) -> Response:
        """Changes what is given. A new mapping reads bodies from now on, and those replayed."""
        found = self.found(connector, lock=True)
        asked = read_body(ConnectorChange, request)
        change_connector(found, name=asked.get("name"), mapping=asked.get("mapping"))
        self.note(request, "changed", found)
        return Response(show_connector(found))

    @extend_schema(operation_id="deleteConnector", responses={204: None})
    def delete(self, request: Request, connector: str) -> Response:
        """Removes it with its stored bodies; what they became stays."""
        found = self.found(connector)
        self.note(request, "deleted", found)
        delete_connector(found)
        return Response(status=204)


class ConnectorSecretView(_ConnectorView):
    @extend_schema(
        operation_id="rotateConnectorSecret",
        request=SecretWrite,
        responses={201: ConnectorSecret},
        examples=such_as({"secret": "0123456789abcdef0123456789abcdef"}),
    )
    def post(self, request: Request, connector: str) -> Response:
        """Another secret; the one before it counts beside it for 24 hours."""
        found = self.found(connector, lock=True)
        asked = read_body(SecretWrite, request)
        made = rotate_secret(found, secret=asked.get("secret", ""), now=wall_now())
        self.note(request, "secret_rotated", found)
        shown = {"secret": made or None, "old_secret_until": found.old_secret_until}
        return Response(shown, status=201)


class ConnectorBodies(_ConnectorView):
    @extend_schema(
        operation_id="listConnectorBodies",
        parameters=PAGE,
        responses=list_of("bodies", BodyShown),
    )
    def get(self, request: Request, connector: str) -> Response:
        """What was posted, newest first, with what became of each item: the last 100 of 30 days.
        Personal data is masked for keys without `contacts:read`."""
        found = self.found(connector)
        page = by_id.read(request.query_params)
        held = ReceivedBody.objects.filter(connector_id=found.id)
        rows = list(by_id.cut(held, page, "id"))
        context: Any = request
        personal = "contacts:read" in context.key.scopes

        def show(row: ReceivedBody) -> dict[str, Any]:
            return shown_body(row, personal=personal)

        return Response(by_id.answer("bodies", rows, page, key=lambda row: (row.id,), show=show))


class BodyReplay(_ConnectorView):
    @extend_schema(operation_id="replayConnectorBody", request=None, responses={202: BodyShown})
    def post(self, request: Request, connector: str, body: str) -> Response:
        """Works on a stored body again within seconds. What is known already is not done twice."""
        found = self.found(connector)
        held = find_body(path_id("bdy", body, "This body"), connector_id=found.id)
        replay_body(held, wall=wall_now(), due_at=wall_now())
        self.note(request, "replayed", found)
        wake("connectors.sweep", queue="bulk")
        context: Any = request
        personal = "contacts:read" in context.key.scopes
        return Response(shown_body(held, personal=personal), status=202)


def show_connector(connector: Connector) -> dict[str, Any]:
    return {
        "id": show_id("cnr", connector.id),
        "kind": connector.kind,
        "name": connector.name,
        "url": address_of(connector),
        "state": state_of(connector),
        "mapping": connector.mapping or None,
        "first_signed_at": connector.first_signed_at,
        "last_signed_at": connector.last_signed_at,
        "last_event": connector.last_event_name,
        "last_event_at": connector.last_event_at,
        "failure_count": connector.failure_count,
        "failures": [
            {name: line[name] for name in ("at", "reason", "topic")}
            for line in failures_of(connector, most=20)
        ],
        "old_secret_until": connector.old_secret_until,
        "created_at": connector.created_at,
    }
