"""Imports over the API: a file, its columns, a check, the import, its report."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from typing import IO, Any
from uuid import UUID

from django.http import HttpRequest, StreamingHttpResponse
from django.http.response import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.parsers import BaseParser
from rest_framework.request import Request
from rest_framework.response import Response

from api.paging import Keyset
from api.problems import Problem
from api.responses import problem_response
from api.schema import PAGE, list_of, such_as
from api.serializers import read_body
from imports.core.columns import read_mapping
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
from imports.models import Import
from imports.shapes import (
    CheckWrite,
    ImportShown,
    ImportTold,
    ImportWrite,
    StartWrite,
    mapping_of,
    show_import,
    tell_import,
)
from tenancy.api_base import TenantAPIView, access_api_key, path_id
from tenancy.clock import wall_now
from tenancy.models import ApiKey

by_id = Keyset(UUID)
_PIECE = 64 * 1024
_NOT_NOW = "`not_now`: not in the state that the import is in."


class _ImportView(TenantAPIView):
    required_scopes = {"GET": "contacts:read", "POST": "contacts:write", "PUT": "contacts:write"}

    def found(self, job: str) -> UUID:
        return path_id("imp", job, "This import")

    def actor(self, request: Any) -> ApiKey:
        key: ApiKey = ApiKey.objects.get(id=request.key.id)
        return key


class ImportList(_ImportView):
    @extend_schema(
        operation_id="listImports", parameters=PAGE, responses=list_of("imports", ImportShown)
    )
    def get(self, request: Request) -> Response:
        """The imports, newest first."""
        page = by_id.read(request.query_params)
        rows = list(by_id.cut(Import.objects.all(), page, "id"))
        return Response(
            by_id.answer("imports", rows, page, key=lambda job: (job.id,), show=show_import)
        )

    @extend_schema(
        operation_id="createImport",
        request=ImportWrite,
        responses={201: ImportTold},
        examples=such_as({"kind": "contacts", "name": "contacts.csv"}),
    )
    def post(self, request: Request) -> Response:
        """Begins an import; its file is sent next."""
        body = read_body(ImportWrite, request)
        now = request.now  # type: ignore[attr-defined]
        job = create_import(body["kind"], body["name"], actor=self.actor(request), now=now)
        return Response(tell_import(job), status=201)


class ImportDetail(_ImportView):
    @extend_schema(operation_id="readImport", responses=ImportTold)
    def get(self, request: Request, job: str) -> Response:
        """One import: its columns, how far it is, what became of its rows."""
        return Response(tell_import(access_import(self.found(job))))


class _Csv(BaseParser):
    """The body stays where it is: it was read before the scope was opened."""

    media_type = "*/*"

    def parse(self, stream: Any, media_type: Any = None, parser_context: Any = None) -> Any:
        return {}


class ImportFile(_ImportView):
    """The body is the file. It is read to its end before any transaction begins: a slow client
    holds nothing."""

    parser_classes = [_Csv]
    refusals = {"PUT": {"409": "`not_now`: the file is here already and being worked on."}}

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if request.method != "PUT":
            return super().dispatch(request, *args, **kwargs)
        access_api_key(request, "contacts:write")
        with tempfile.TemporaryFile() as file:
            try:
                _spool(request, file)
            except Problem as problem:
                return problem_response(problem, request)
            request.spooled = file  # type: ignore[attr-defined]
            return super().dispatch(request, *args, **kwargs)

    @extend_schema(
        operation_id="uploadImportFile",
        request={"text/csv": OpenApiTypes.STR},
        responses=ImportTold,
        examples=[
            OpenApiExample(
                "Such as",
                value="phone,first_name,last_purchase_date\n+13105550142,Maya,2026-05-31\n",
                request_only=True,
                media_type="text/csv",
            )
        ],
    )
    def put(self, request: Request, job: str) -> Response:
        """Sends the file as it is: CSV in UTF-8, UTF-16 or Windows-1252, with commas, semicolons or
        tabs, up to 256 MB and 1,000,000 rows. The answer says how its columns are understood."""
        file = request._request.spooled  # type: ignore[attr-defined]
        return Response(tell_import(attach_file(self.found(job), _pieces(file))))


class ImportCheck(_ImportView):
    refusals = {"POST": {"409": _NOT_NOW}}

    @extend_schema(
        operation_id="checkImport",
        request=CheckWrite,
        responses={202: ImportTold},
        examples=such_as(
            {
                "mapping": [
                    {"column": 1, "field": "phone"},
                    {"column": 2, "field": "first_name"},
                    {"column": 3, "field": "last_purchase_date"},
                ],
                "consent_source": "Checkout form",
                "consent_wording": "Text me offers",
                "consent_date": "2026-05-31",
            }
        ),
    )
    def post(self, request: Request, job: str) -> Response:
        """Says what the columns hold and begins the dry run: every row is judged, none is written."""
        body = read_body(CheckWrite, request)
        held = access_import(self.found(job))
        guessed = read_mapping(held.mapping, kind=held.kind, width=held.width)
        checked = map_columns(
            held.id,
            mapping_of(body) if "mapping" in body else guessed,
            body,
            has_header=body.get("has_header"),
            now=request.now,  # type: ignore[attr-defined]
            wall=wall_now(),
        )
        return Response(tell_import(checked), status=202)


class ImportStart(_ImportView):
    refusals = {
        "POST": {
            "403": "To start flows the key needs `flows:write` too.",
            "409": f"{_NOT_NOW} `nothing_to_import`: the check found no good row.",
        }
    }

    @extend_schema(
        operation_id="startImport",
        request=StartWrite,
        responses={202: ImportTold},
        examples=such_as({"starts_flows": False}),
    )
    def post(self, request: Request, job: str) -> Response:
        """Imports what was checked, in the background. It starts no flow unless that is asked for."""
        body = read_body(StartWrite, request)
        if body.get("starts_flows") and "flows:write" not in request.key.scopes:  # type: ignore[attr-defined]
            detail = "To start flows the key needs the scope flows:write."
            raise Problem("forbidden", detail, status=403)
        started = start_import(
            self.found(job),
            starts_flows=bool(body.get("starts_flows")),
            confirmed=bool(body.get("confirmed")),
            actor=self.actor(request),
            now=request.now,  # type: ignore[attr-defined]
            wall=wall_now(),
        )
        return Response(tell_import(started), status=202)


class ImportPause(_ImportView):
    refusals = {"POST": {"409": _NOT_NOW}}

    @extend_schema(operation_id="pauseImport", request=None, responses=ImportTold)
    def post(self, request: Request, job: str) -> Response:
        """Stops after the rows that are under way. What is in stays in."""
        now = request.now  # type: ignore[attr-defined]
        return Response(
            tell_import(pause_import(self.found(job), actor=self.actor(request), now=now))
        )


class ImportResume(_ImportView):
    refusals = {"POST": {"409": _NOT_NOW}}

    @extend_schema(operation_id="resumeImport", request=None, responses=ImportTold)
    def post(self, request: Request, job: str) -> Response:
        """Goes on with the next row."""
        now = request.now  # type: ignore[attr-defined]
        key = self.actor(request)
        return Response(
            tell_import(resume_import(self.found(job), actor=key, now=now, wall=wall_now()))
        )


class ImportCancel(_ImportView):
    refusals = {"POST": {"409": _NOT_NOW}}

    @extend_schema(operation_id="cancelImport", request=None, responses=ImportTold)
    def post(self, request: Request, job: str) -> Response:
        """Ends it. What was imported so far stays; the report says what that is."""
        now = request.now  # type: ignore[attr-defined]
        return Response(
            tell_import(cancel_import(self.found(job), actor=self.actor(request), now=now))
        )


class ImportReport(_ImportView):
    @extend_schema(operation_id="readImportReport", responses={(200, "text/csv"): OpenApiTypes.STR})
    def get(self, request: Request, job: str) -> StreamingHttpResponse:
        """Every row with what became of it, as CSV: row, outcome, code, reason. Of the import once
        it was started, before that of the check."""
        held = access_import(self.found(job))
        tenant_id = request.tenant_id  # type: ignore[attr-defined]
        pieces = write_report(tenant_id, held.id, report_stage(held))
        return StreamingHttpResponse(pieces, content_type="text/csv; charset=utf-8")


def _spool(request: HttpRequest, file: IO[bytes]) -> None:
    came = 0
    while piece := request.read(_PIECE):
        came += len(piece)
        if came > MAX_BYTES:
            raise Problem("body_too_large", TOO_LARGE, status=413)
        file.write(piece)
    file.seek(0)


def _pieces(file: IO[bytes]) -> Iterator[bytes]:
    while piece := file.read(_PIECE):
        yield piece
