"""A contact's consent over the API: where it stands and how it came to be."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from consent.domain.facts import facts_for
from consent.domain.queries import HistoryRow, consent_history
from people.domain.merged import present_contact
from tenancy.api_base import TenantAPIView, path_id
from tenancy.ids import show_id
from tenancy.shapes import IdField

STATES = ("subscribed", "pending", "unsubscribed", "never_subscribed")


class StatusesShown(serializers.Serializer[Any]):
    marketing = serializers.ChoiceField(STATES)
    transactional = serializers.ChoiceField(STATES)
    conversational = serializers.ChoiceField(STATES)


class LedgerRowShown(serializers.Serializer[Any]):
    """One row of the number's ledger. `disclosure`: the words that were agreed to."""

    id = IdField("cns")
    kind = serializers.CharField()
    message_types = serializers.ListField(child=serializers.CharField())
    source = serializers.CharField(allow_blank=True)  # type: ignore[assignment]
    reason = serializers.CharField(allow_blank=True)
    legal_basis = serializers.CharField(allow_blank=True)
    rule = serializers.CharField(allow_blank=True)
    actor = serializers.CharField(allow_blank=True)
    occurred_at = serializers.DateTimeField()
    recorded_at = serializers.DateTimeField()
    disclosure = serializers.CharField(allow_blank=True)


class ContactConsentShown(serializers.Serializer[Any]):
    """`suppression`: why the number must not be texted whatever was agreed, or null."""

    contact = IdField("con")
    phone = serializers.CharField(allow_null=True)
    statuses = StatusesShown()
    suppression = serializers.CharField(allow_null=True)
    history = LedgerRowShown(many=True)


class ContactConsent(TenantAPIView):
    required_scope = "contacts:read"
    leads_on = True

    @extend_schema(operation_id="readConsent", responses=ContactConsentShown)
    def get(self, request: Request, ref: str) -> Response:
        """Per message type what the contact's number agreed to, and its ledger, oldest first."""
        contact_id = path_id("con", ref, "This contact")
        contact = present_contact(contact_id)
        facts = facts_for([contact], now=request.now, with_slots=False)[contact.id]  # type: ignore[attr-defined]
        history = consent_history(contact.phone) if contact.phone else []
        return Response(
            {
                "contact": show_id("con", contact.id),
                "phone": contact.phone,
                "statuses": facts.statuses,
                "suppression": facts.suppression,
                "history": [_shown(row) for row in history],
            }
        )


def _shown(row: HistoryRow) -> dict[str, Any]:
    return {
        "id": show_id("cns", row.record_id),
        "kind": row.kind,
        "message_types": list(row.message_types),
        "source": row.source,
        "reason": row.reason,
        "legal_basis": row.legal_basis,
        "rule": row.rule,
        "actor": row.actor,
        "occurred_at": row.occurred_at,
        "recorded_at": row.recorded_at,
        "disclosure": row.disclosure,
    }
