"""The import pages: upload, say what the columns hold, look at the check, start, follow, report."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.db import transaction
from django.http import HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from api.problems import FieldError, Invalid, Problem
from imports.domain.files import MAX_BYTES, TOO_LARGE
from imports.domain.jobs import (
    access_import,
    attach_file,
    cancel_import,
    create_import,
    map_columns,
    pause_import,
    resume_import,
    start_import,
)
from imports.domain.reports import report_stage, write_report
from imports.domain.rows import no_counts
from imports.models import Import
from imports.views.forms import mapping_context, posted_mapping
from imports.views.telling import TONES, job_context
from tenancy.api_base import path_id
from tenancy.clock import wall_now
from tenancy.ids import show_id
from tenancy.web import workspace_view
from web.paging import PAGE_SIZE, read_cursor, write_cursor

State = Import.State
SAID = {
    "pause": "Paused. What is in stays in.",
    "resume": "It goes on where it stopped.",
    "cancel": "Canceled. What was imported so far stays.",
}


@require_GET
@workspace_view()
def import_list(request: Any) -> HttpResponse:
    """Every import, newest first."""
    after = read_cursor(request.GET.get("after", ""), 1)
    rows = Import.objects.order_by("-tenant_id", "-id")
    if after is not None and (before := _uuid(after[0])) is not None:
        rows = rows.filter(id__lt=before)
    found = list(rows[: PAGE_SIZE + 1])
    shown = found[:PAGE_SIZE]
    context = {
        "rows": [
            {
                "job": job,
                "ref": show_id("imp", job.id),
                "tone": TONES[job.state],
                "counts": no_counts() | job.counts,
                "left_out": sum(job.counts.get(name, 0) for name in ("duplicate", "rejected")),
            }
            for job in shown
        ],
        "next": write_cursor(str(shown[-1].id)) if len(found) > PAGE_SIZE else "",
        "is_first": after is None,
        "may_add": request.can("manage_contacts"),
    }
    return render(request, "imports/imports.html", context)


@require_http_methods(["GET", "POST"])
@workspace_view("manage_contacts")
def upload(request: Any) -> HttpResponse:
    """Takes a file in. It came to this machine's disk before the transaction began."""
    problem = None
    if request.method == "POST":
        try:
            job = _take_in(request)
        except Problem as found:
            problem = found
        else:
            return _to(request, show_id("imp", job.id))
    wrong = {each.field: each.detail for each in problem.errors} if problem else {}
    if problem and not wrong:
        wrong = {"file": problem.detail}
    context = {
        "wrong": wrong,
        "kind": request.POST.get("kind") or request.GET.get("kind") or "contacts",
        "most": MAX_BYTES // 1024 // 1024,
    }
    status = problem.status if problem else 200
    return render(request, "imports/upload.html", context, status=status)


@require_GET
@workspace_view("manage_contacts")
def import_page(request: Any, job: str) -> HttpResponse:
    """What is to be done next with this file."""
    found = access_import(_id(job))
    if _is_to_map(found, "columns" in request.GET):
        return render(request, "imports/columns.html", mapping_context(request, found, None))
    return render(request, "imports/import.html", job_context(request, found))


@require_POST
@workspace_view("manage_contacts")
def check(request: Any, job: str) -> HttpResponse:
    """Keeps what the columns hold and begins the check."""
    found = access_import(_id(job))
    try:
        map_columns(
            found.id,
            posted_mapping(request.POST),
            request.POST,
            has_header=request.POST.get("has_header") == "on",
            now=request.now,
            wall=wall_now(),
        )
    except Invalid as problem:
        context = mapping_context(request, found, problem)
        return render(request, "imports/columns.html", context, status=problem.status)
    except Problem as problem:
        messages.error(request, problem.detail)
    return _to(request, job)


@require_POST
@workspace_view("manage_contacts")
def act(request: Any, job: str) -> HttpResponse:
    """`act`: start, pause, resume or cancel."""
    import_id, wanted = _id(job), request.POST.get("act", "")
    who = {"actor": request.user, "now": request.now}
    try:
        if wanted == "start":
            return _start(request, job)
        if wanted == "pause":
            pause_import(import_id, **who)
        elif wanted == "resume":
            resume_import(import_id, wall=wall_now(), **who)
        elif wanted == "cancel":
            cancel_import(import_id, **who)
        else:
            known = "One of: start, pause, resume, cancel."
            raise Invalid([FieldError("act", "invalid_choice", known)])
        messages.success(request, SAID[wanted])
    except Problem as problem:
        if problem.status != 409:
            raise
        messages.error(request, problem.detail)
    return _to(request, job)


@require_GET
@workspace_view("manage_contacts")
def progress(request: Any, job: str) -> HttpResponse:
    """The numbers alone, for polling. A page drawn for another state is loaded anew."""
    found = access_import(_id(job))
    answer = render(request, "imports/_progress.html", job_context(request, found))
    if request.GET.get("state", found.state) != found.state:
        answer["HX-Refresh"] = "true"
    return answer


@require_GET
@workspace_view("manage_contacts")
def report(request: Any, job: str) -> Any:
    """Every row of the file with what became of it, as CSV."""
    found = access_import(_id(job))
    stem = "".join(c if c.isalnum() or c in "-_" else "-" for c in found.name.rpartition(".")[0])
    name = f"report-{stem.encode('ascii', 'ignore').decode() or 'import'}.csv"
    return StreamingHttpResponse(
        write_report(request.tenant.id, found.id, report_stage(found)),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


def _take_in(request: Any) -> Import:
    file = request.FILES.get("file")
    if file is None:
        raise Invalid([FieldError("file", "required", "Choose a file first.")])
    if file.size > MAX_BYTES:
        raise Problem("body_too_large", TOO_LARGE, status=413)
    # A file that cannot be read leaves nothing behind, though this answer is an ordinary page.
    with transaction.atomic():
        job = create_import(
            request.POST.get("kind", ""), file.name or "", actor=request.user, now=request.now
        )
        return attach_file(job.id, file.chunks())


def _start(request: Any, ref: str) -> HttpResponse:
    starts = request.POST.get("flows") == "start"
    if starts and not request.can("publish"):
        raise Problem("forbidden", "Your role may not start flows.", status=403)
    try:
        start_import(
            _id(ref),
            starts_flows=starts,
            confirmed=request.POST.get("confirmed") == "on",
            actor=request.user,
            now=request.now,
            wall=wall_now(),
        )
    except Invalid as problem:
        context = job_context(request, access_import(_id(ref))) | {
            "wrong": {each.field: each.detail for each in problem.errors},
            "wants_flows": starts,
        }
        return render(request, "imports/import.html", context, status=problem.status)
    return _to(request, ref)


def _is_to_map(job: Import, asked: bool) -> bool:
    return job.state == State.UPLOADED or (asked and job.state in (State.CHECKED, State.CHECKING))


def _id(ref: str) -> UUID:
    return path_id("imp", ref, "This import")


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _to(request: Any, ref: str) -> HttpResponse:
    return redirect("imports:import", slug=request.tenant.slug, job=ref)
