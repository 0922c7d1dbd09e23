"""Settings: connectors. Add one, follow its three steps, see what came and what became of it."""

from __future__ import annotations

import json
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from api.problems import FieldError, Invalid, Problem
from connectors.core.kinds import KINDS, WEBHOOK
from connectors.core.mapping import FIELDS, IDENTIFIERS, check_mapping, read_lines, write_lines
from connectors.domain.connectors import (
    address_of,
    change_connector,
    create_connector,
    delete_connector,
    find_body,
    find_connector,
    rotate_secret,
)
from connectors.domain.processing import process_body, replay_body
from connectors.domain.receiving import KEPT_BODIES, read_object
from connectors.models import Connector
from connectors.views.showing import (
    failures_of,
    last_bodies,
    line_of,
    newest_object,
    preview_of,
    ref_of,
    uses_of,
)
from events.core.masking import mask_body
from tenancy.api_base import path_id
from tenancy.audit import record_audit
from tenancy.clock import wall_now
from tenancy.scope import tenant_scope
from tenancy.web import workspace_view

PERMISSION = "manage_keys"
_LABELS = {
    "event": ("Event", "A name such as Ticket Solved, or the path that holds it."),
    "external_id": ("Customer id", "The id you know people by."),
    "phone": ("Phone", ""),
    "email": ("E-mail", ""),
    "anonymous_id": ("Visitor id", ""),
    "occurred_at": ("Happened at", "Left out: when it arrives."),
    "message_id": ("Event id", "The same id again changes nothing."),
}


@require_GET
@never_cache
@workspace_view(PERMISSION)
def connector_list(request: Any) -> HttpResponse:
    return _list(request)


@require_POST
@never_cache
@workspace_view(PERMISSION)
def make_connector(request: Any) -> HttpResponse:
    try:
        connector, secret = create_connector(
            kind=request.POST.get("kind", ""),
            name=request.POST.get("name", ""),
            created_by=request.user.id,
            now=wall_now(),
        )
    except Invalid as problem:
        return _list(request, errors=_by_field(problem), given=request.POST, status=422)
    _note(request, "created", connector)
    return _detail(request, connector, secret=secret, status=201)


@require_GET
@never_cache
@workspace_view(PERMISSION)
def connector(request: Any, connector: str) -> HttpResponse:
    """One connector: its steps, what came, what depends on it."""
    return _detail(request, _found(connector))


@require_GET
@workspace_view(PERMISSION)
def body_rows(request: Any, connector: str) -> HttpResponse:
    """State and bodies alone, for polling."""
    found = _found(connector)
    context = {**line_of(found), **_bodies(request, found)}
    return render(request, "connectors/_bodies.html", context)


@require_POST
@never_cache
@workspace_view(PERMISSION)
def save_connector(request: Any, connector: str) -> HttpResponse:
    found = _found(connector, lock=True)
    try:
        change_connector(found, name=request.POST.get("name", ""))
    except Invalid as problem:
        return _detail(request, _found(connector), errors=_by_field(problem), status=422)
    _note(request, "changed", found)
    messages.success(request, "Saved.")
    return _back(request, connector)


@require_POST
@never_cache
@workspace_view(PERMISSION)
def save_mapping(request: Any, connector: str) -> HttpResponse:
    found = _found(connector, lock=True)
    mapping, errors = _mapping_of(request)
    try:
        if errors:  # all that is wrong at once
            raise Invalid([*errors, *check_mapping(mapping)[1]])
        change_connector(found, mapping=mapping)
    except Invalid as problem:
        by_field = _by_field(problem, cut="mapping.")
        return _detail(request, _found(connector), errors=by_field, given=request.POST, status=422)
    _note(request, "mapping_changed", found)
    messages.success(request, "Saved. Bodies are read this way from now on.")
    return _back(request, connector)


@require_POST
@never_cache
@workspace_view(PERMISSION)
def preview_mapping(request: Any, connector: str) -> HttpResponse:
    """What the mapping in the form would make of the last body, or of the one in the form."""
    found = _found(connector)
    mapping, errors = _mapping_of(request)
    clean, wrong = check_mapping(mapping)
    body, problem = _sample(request, found)
    context: dict[str, Any] = {"errors": [*errors, *wrong], "has_body": body is not None}
    if problem:
        context["errors"].append(problem)
    elif body is not None and not context["errors"]:
        context |= preview_of(found, clean, body)
        shown = {
            "event": context.get("event"),
            "contact": dict(context.get("who", [])),
            "occurred_at": context.get("at"),
            "properties": context.get("properties"),
        }
        shown = shown if request.can("view_pii") else mask_body(shown)
        context["json"] = json.dumps(shown, indent=2, ensure_ascii=False)
    return render(request, "connectors/_preview.html", context)


@require_POST
@never_cache
@workspace_view(PERMISSION)
def act_on_connector(request: Any, connector: str) -> HttpResponse:
    """`do`: rotate (with the shop's `secret`, or a new one of ours) or delete."""
    found = _found(connector, lock=True)
    act = request.POST.get("do", "")
    if act == "rotate":
        try:
            made = rotate_secret(found, secret=request.POST.get("secret", ""), now=wall_now())
        except Invalid as problem:
            return _detail(request, _found(connector), errors=_by_field(problem), status=422)
        _note(request, "secret_rotated", found)
        if made:
            return _detail(request, found, secret=made, status=201)
        messages.success(request, "The secret is set. The one before it counts for 24 hours more.")
        return _back(request, connector)
    if act == "delete":
        _note(request, "deleted", found)
        delete_connector(found)
        messages.success(request, f"{found.name} is removed. What it brought stays.")
        return redirect("connectors:connectors", slug=request.tenant.slug)
    raise Invalid([FieldError("do", "unknown", "There is no such action.")])


@require_POST
@never_cache
@workspace_view(PERMISSION, scoped=False)
def replay(request: Any, connector: str) -> HttpResponse:
    """Works on a stored body again, under the mapping of now.

    Outside of the page's scope: the work has transactions of its own, and holds no body while it
    waits for a contact.
    """
    asked = request.POST.get("body", "")
    with tenant_scope(request.tenant.id):
        found = _found(connector)
        body = find_body(path_id("bdy", asked, "This body"), connector_id=found.id)
        replay_body(body, wall=wall_now())
        _note(request, "replayed", found, body=asked)
    process_body(request.tenant.id, body.id, own=True, now=request.now, wall=wall_now())
    messages.success(request, "Replayed. What was known already is not done twice.")
    return _back(request, connector)


def _list(request: Any, *, status: int = 200, **more: Any) -> HttpResponse:
    given = more.pop("given", {})
    context = {
        "rows": [line_of(each) for each in Connector.objects.order_by("-id")],
        "kinds": KINDS.values(),
        "chosen": given.get("kind", "shopify"),
        "name": given.get("name", ""),
        "wall": wall_now(),
        **more,
    }
    return render(request, "connectors/connectors.html", context, status=status)


def _detail(request: Any, connector: Connector, *, status: int = 200, **more: Any) -> HttpResponse:
    given = more.pop("given", None)
    bodies = _bodies(request, connector)
    both_until = connector.old_secret_until
    context = {
        **line_of(connector),
        **bodies,
        "address": address_of(connector),
        "failures": failures_of(connector),
        "both_until": both_until if both_until and both_until > wall_now() else None,
        "uses": uses_of(connector, bodies["bodies"]),
        "wall": wall_now(),
        "errors": {},
        **(_mapping_form(connector, given) if connector.kind == WEBHOOK else {}),
        **more,
    }
    return render(request, "connectors/connector.html", context, status=status)


def _bodies(request: Any, connector: Connector) -> dict[str, Any]:
    return {
        "bodies": last_bodies(connector, personal=request.can("view_pii")),
        "kept": KEPT_BODIES,
        "sees_numbers": request.can("view_pii"),
    }


def _mapping_form(connector: Connector, given: Any) -> dict[str, Any]:
    held = connector.mapping
    values = given if given is not None else held
    lines = given.get("properties", "") if given is not None else ""
    return {
        "fields": [
            (name, *_LABELS[name], values.get(name, ""), name in IDENTIFIERS) for name in FIELDS
        ],
        "lines": lines if given is not None else write_lines(held.get("properties", {})),
    }


def _mapping_of(request: Any) -> tuple[dict[str, Any], list[FieldError]]:
    properties, errors = read_lines(request.POST.get("properties", ""))
    mapping = {name: request.POST.get(name, "") for name in FIELDS}
    return {**mapping, "properties": properties}, errors


def _sample(request: Any, connector: Connector) -> tuple[Any, FieldError | None]:
    text = request.POST.get("sample", "").strip()
    if not text:
        return newest_object(connector), None
    try:
        return read_object(text[:500_000].encode("utf-8", "replace")), None
    except ValueError as error:
        return None, FieldError("sample", "malformed_json", str(error))


def _by_field(problem: Problem, *, cut: str = "") -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for error in problem.errors:
        name = error.field.removeprefix(cut)
        words = error.detail
        if name.startswith("properties."):
            words = f"{name.removeprefix('properties.')}: {words}"
            name = "properties"
        found.setdefault(name, []).append(words)
    return found


def _found(connector: str, *, lock: bool = False) -> Connector:
    return find_connector(path_id("cnr", connector, "This connector"), lock=lock)


def _note(request: Any, verb: str, connector: Connector, **data: Any) -> None:
    record_audit(
        f"connector.{verb}",
        target=ref_of(connector),
        data={"kind": connector.kind, "name": connector.name, **data},
        actor=request.user,
        now=request.now,
    )


def _back(request: Any, connector: str) -> HttpResponse:
    return redirect("connectors:connector", slug=request.tenant.slug, connector=connector)
