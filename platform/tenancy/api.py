"""API keys over the API: list, make, revoke."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from api.paging import Keyset
from api.problems import FieldError, Problem
from api.schema import PAGE, list_of, such_as
from api.serializers import Choice, Strict, read_body
from tenancy.api_base import TenantAPIView, path_id
from tenancy.audit import record_audit
from tenancy.domain.keys import SCOPES, access_key, create_api_key, revoke_key
from tenancy.ids import show_id
from tenancy.models import ApiKey
from tenancy.shapes import IdField

by_id = Keyset(UUID)
_NOT_HELD = "`scope_not_held` names each scope that this key does not have itself."


class KeyWrite(Strict):
    name = serializers.CharField(max_length=80)
    scopes = serializers.ListField(child=Choice(list(SCOPES)), min_length=1, max_length=len(SCOPES))


class KeyShown(serializers.Serializer[Any]):
    """`prefix`: how the secret begins, to recognize it by."""

    id = IdField("key")
    name = serializers.CharField()
    prefix = serializers.CharField()
    scopes = serializers.ListField(child=serializers.CharField())
    created_at = serializers.DateTimeField()
    last_used_at = serializers.DateTimeField(allow_null=True)
    revoked_at = serializers.DateTimeField(allow_null=True)


class KeyMade(KeyShown):
    """`secret` stands in this answer and nowhere else."""

    secret = serializers.CharField()


class KeyList(TenantAPIView):
    required_scopes = {"GET": "keys:read", "POST": "keys:write"}
    refusals = {"POST": {"403": _NOT_HELD}}

    @extend_schema(operation_id="listApiKeys", parameters=PAGE, responses=list_of("keys", KeyShown))
    def get(self, request: Request) -> Response:
        """Newest first, revoked ones too."""
        page = by_id.read(request.query_params)
        rows = list(by_id.cut(ApiKey.objects.all(), page, "id"))
        return Response(by_id.answer("keys", rows, page, key=lambda key: (key.id,), show=_shown))

    @extend_schema(
        operation_id="createApiKey",
        request=KeyWrite,
        responses={201: KeyMade},
        examples=such_as({"name": "Warehouse", "scopes": ["products:read", "products:write"]}),
    )
    def post(self, request: Request) -> Response:
        """Makes a key that may do what this key may, or less. Its secret is shown once."""
        body = read_body(KeyWrite, request)
        _check_powers(request, body["scopes"])
        now = request.now  # type: ignore[attr-defined]
        key, secret = create_api_key(name=body["name"], scopes=body["scopes"], now=now)
        _audit(request, "api_key.create", key)
        return Response({**_shown(key), "secret": secret}, status=201)


class KeyDetail(TenantAPIView):
    required_scope = "keys:write"
    refusals = {"DELETE": {"403": _NOT_HELD}}

    @extend_schema(operation_id="revokeApiKey", responses={200: KeyShown})
    def delete(self, request: Request, ref: str) -> Response:
        """It opens nothing any more, within five seconds everywhere. Repeating is harmless.

        A key can revoke only keys that may do no more than itself; itself too.
        """
        key = access_key(ApiKey, path_id("key", ref, "This key"))
        assert isinstance(key, ApiKey)  # noqa: S101 (asked for by its model)
        _check_powers(request, key.scopes)
        revoke_key(key, now=request.now)  # type: ignore[attr-defined]
        _audit(request, "api_key.revoke", key)
        key.refresh_from_db()
        return Response(_shown(key))


def _check_powers(request: Request, scopes: list[str]) -> None:
    held = request.key.scopes  # type: ignore[attr-defined]
    missing = sorted(set(scopes) - held)
    if missing:
        raise Problem(
            "forbidden",
            f"This key does not have the scope {missing[0]} itself.",
            status=403,
            errors=[
                FieldError("scopes", "scope_not_held", f"Not held: {scope}.") for scope in missing
            ],
        )


def _audit(request: Request, action: str, key: ApiKey) -> None:
    by = ApiKey.objects.get(id=request.key.id)  # type: ignore[attr-defined]
    record_audit(action, target=key.prefix, actor=by, now=request.now)  # type: ignore[attr-defined]


def _shown(key: ApiKey) -> dict[str, Any]:
    return {
        "id": show_id("key", key.id),
        "name": key.name,
        "prefix": key.prefix,
        "scopes": key.scopes,
        "created_at": key.created_at,
        "last_used_at": key.last_used_at,
        "revoked_at": key.revoked_at,
    }
