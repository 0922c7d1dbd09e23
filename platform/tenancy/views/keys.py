"""Settings: API keys and write keys. A secret is on screen once, in the answer that made it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.db.models import F
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from api.problems import Invalid, NotFound
from tenancy.audit import record_audit
from tenancy.domain.keys import (
    SCOPES,
    access_key,
    create_api_key,
    create_write_key,
    powers_of,
    revoke_key,
)
from tenancy.forms import ApiKeyForm, WriteKeyForm, take_over
from tenancy.models import ApiKey, WriteKey
from tenancy.permissions import may_give_scope
from tenancy.web import workspace_view

KINDS: dict[str, type[ApiKey] | type[WriteKey]] = {"api": ApiKey, "write": WriteKey}


@require_GET
@never_cache
@workspace_view("manage_keys")
def list_keys(request: Any) -> HttpResponse:
    return _page(request)


@require_POST
@never_cache
@workspace_view("manage_keys")
def make_api_key(request: Any) -> HttpResponse:
    form = ApiKeyForm(request.POST, scopes=_scopes(request))
    if form.is_valid():
        try:
            key, secret = create_api_key(
                **form.cleaned_data, created_by=request.user.id, now=request.now
            )
        except Invalid as problem:
            take_over(form, problem)
        else:
            return _made(request, key, secret, "api_key")
    return _page(request, api_form=form, status=422)


@require_POST
@never_cache
@workspace_view("manage_keys")
def make_write_key(request: Any) -> HttpResponse:
    form = WriteKeyForm(request.POST)
    if form.is_valid():
        try:
            key, secret = create_write_key(
                **form.cleaned_data, created_by=request.user.id, now=request.now
            )
        except Invalid as problem:
            take_over(form, problem)
        else:
            return _made(request, key, secret, "write_key")
    return _page(request, write_form=form, status=422)


@require_POST
@workspace_view("manage_keys")
def drop_key(request: Any, kind: str, key_id: UUID) -> HttpResponse:
    """Revokes at once; the row stays, so that old log lines can be read."""
    model = KINDS.get(kind)
    if model is None:
        raise NotFound("This key")
    key = access_key(model, key_id)
    revoke_key(key, now=request.now)
    record_audit(f"{kind}_key.revoke", target=key.prefix, actor=request.user, now=request.now)
    messages.success(request, f"{key.name} opens nothing any more.")
    return redirect("tenancy:keys", slug=request.tenant.slug)


def _made(request: Any, key: ApiKey | WriteKey, secret: str, kind: str) -> HttpResponse:
    record_audit(f"{kind}.create", target=key.prefix, actor=request.user, now=request.now)
    return _page(request, made=key, secret=secret, status=201)


def _scopes(request: Any) -> dict[str, str]:
    """What a key made by this person may do: never more than they may themselves."""
    return {scope: words for scope, words in SCOPES.items() if may_give_scope(request.role, scope)}


def _page(request: Any, *, status: int = 200, **more: Any) -> HttpResponse:
    in_order = (F("revoked_at").desc(nulls_first=True), "-created_at", "-id")  # living first
    api_keys = ApiKey.objects.order_by(*in_order)
    context = {
        "api_keys": [(key, powers_of(key.scopes)) for key in api_keys],
        "write_keys": WriteKey.objects.order_by(*in_order),
        "scopes": _scopes(request),
        "all_scopes": SCOPES,
        "api_form": ApiKeyForm(initial={"scopes": []}),
        "write_form": WriteKeyForm(initial={"kind": "server"}),
        **more,
    }
    return render(request, "tenancy/keys.html", context, status=status)
