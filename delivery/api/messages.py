"""Messages and clicks over the API: ask for one, list, read with checks."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from api.paging import Keyset
from api.problems import NotFound
from api.schema import PAGE, list_of, such_as
from api.serializers import Choice, read_body, read_query
from delivery.api.shapes import (
    AcceptedShown,
    ClickShown,
    MessageDetail,
    MessageShown,
    MessageWrite,
    TrialShown,
    show_click,
    show_message,
    show_trial,
)
from delivery.domain.asking import TextRequest, ask_text, try_text
from delivery.domain.clicked import list_clicks
from delivery.domain.history import list_messages
from delivery.models import Click, Message
from people.domain.finding import find_contact
from tenancy.api_base import TenantAPIView, path_id
from tenancy.ids import show_id
from tenancy.shapes import IdField

by_time = Keyset(datetime, UUID)


class MessageQuery(serializers.Serializer[Any]):
    contact = IdField("con", required=False, help_text="Only to this contact.")
    flow = IdField("flow", required=False, help_text="Only of this flow.")
    status = Choice(Message.Status.choices, required=False, help_text="Only with this status.")
    since = serializers.DateTimeField(required=False, help_text="Only those made since then.")


class ClickQuery(serializers.Serializer[Any]):
    contact = IdField("con", required=False, help_text="Only of this contact.")
    message = IdField("msg", required=False, help_text="Only on links of this message.")
    kind = Choice(Click.Kind.choices, required=False, help_text="Only those taken for this.")


class MessageList(TenantAPIView):
    required_scopes = {"GET": "messages:read", "POST": "messages:write"}
    refusals = {"POST": {"409": "Under an `idempotency_key` of the body: it made another text."}}

    @extend_schema(
        operation_id="listMessages",
        parameters=[MessageQuery, *PAGE],
        responses=list_of("messages", MessageShown),
    )
    def get(self, request: Request) -> Response:
        """Newest first: what was sent, what waits and what was held back, and why."""
        page = by_time.read(request.query_params)
        query = read_query(MessageQuery, request)
        found = list_messages(
            statuses=[query["status"]] if "status" in query else [],
            contact_id=query.get("contact"),
            flow_id=query.get("flow"),
            since=query.get("since"),
            after=page.after,
            limit=page.limit,
        )
        sees = _sees_numbers(request)
        return Response(
            {
                "messages": [show_message(story, sees_numbers=sees) for story in found.stories],
                "next_cursor": by_time.write(found.next_after) if found.next_after else None,
            }
        )

    @extend_schema(
        operation_id="sendMessage",
        request=MessageWrite,
        responses={
            200: OpenApiResponse(TrialShown, "A dry run: nothing was written."),
            202: OpenApiResponse(AcceptedShown, "Written down; `status` says what becomes of it."),
        },
        examples=such_as(
            {
                "template": "order-shipped",
                "contact": {"external_id": "maya"},
                "data": {"order_id": "A-9", "order_number": "A-9"},
                "idempotency_key": "shipped-A-9",
            }
        ),
    )
    def post(self, request: Request) -> Response:
        """Asks for one text to one contact, through the same checks as a flow's: consent, quiet
        hours and caps decide, and a text that may not go is kept as skipped with its reason.

        202 with the message's id. With `dry_run` 200: the checks and the words, nothing written.
        """
        body = read_body(MessageWrite, request)
        asked = TextRequest(
            template=body["template"],
            contact_id=find_contact(body["contact"]),
            data=body.get("data", {}),
            message_type=body.get("message_type"),
            key=body.get("idempotency_key"),
        )
        now = request.now  # type: ignore[attr-defined]
        if body["dry_run"]:
            return Response(show_trial(try_text(asked, now=now)))
        made = ask_text(asked, now=now)
        assert made.message_id is not None  # noqa: S101 (only a dry run has none)
        shown = {"id": show_id("msg", made.message_id), "repeated": made.repeated}
        return Response({**shown, **show_trial(made)}, status=202)


class MessageRead(TenantAPIView):
    required_scope = "messages:read"

    @extend_schema(operation_id="readMessage", responses=MessageDetail)
    def get(self, request: Request, ref: str) -> Response:
        """One message with its ordered checks and where each word came from."""
        message_id = path_id("msg", ref, "This message")
        found = list_messages(message_id=message_id, limit=1).stories
        if not found:
            raise NotFound("This message")
        shown = show_message(found[0], sees_numbers=_sees_numbers(request))
        return Response({**shown, "checks": list(found[0].checks), "fields": list(found[0].fields)})


class ClickList(TenantAPIView):
    required_scope = "messages:read"

    @extend_schema(
        operation_id="listClicks",
        parameters=[ClickQuery, *PAGE],
        responses=list_of("clicks", ClickShown),
    )
    def get(self, request: Request) -> Response:
        """Openings of short links, newest first, with what each was taken for."""
        page = by_time.read(request.query_params)
        query = read_query(ClickQuery, request)
        rows = list_clicks(
            contact_id=query.get("contact"),
            message_id=query.get("message"),
            kind=query.get("kind", ""),
            after=page.after,
            limit=page.fetch,
        )
        return Response(
            by_time.answer(
                "clicks", rows, page, key=lambda row: (row.clicked_at, row.id), show=show_click
            )
        )


def _sees_numbers(request: Request) -> bool:
    return "contacts:read" in request.key.scopes  # type: ignore[attr-defined]
