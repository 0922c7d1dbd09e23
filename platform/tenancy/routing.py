"""What may be read to find out WHOSE work is due, across tenants.

The router role has a SELECT policy `USING (true)` and column grants on exactly these columns. It
never reads content: the work itself is claimed inside the tenant's scope.
"""

ROUTED: dict[str, tuple[str, ...]] = {
    "tenancy_tenant": ("id", "slug", "organization_id", "is_active", "name", "timezone"),
    "tenancy_apikey": ("tenant_id", "id", "key_hash", "revoked_at", "scopes", "prefix"),
    "tenancy_writekey": (
        "tenant_id",
        "id",
        "key_hash",
        "revoked_at",
        "kind",
        "allowed_origins",
        "prefix",
    ),
    "events_eventbatch": ("tenant_id", "id", "lane", "state", "received_at"),
    "events_eventtally": ("tenant_id", "id"),
    "events_eventhour": ("tenant_id", "id", "hour"),
    "events_unstoreditem": ("tenant_id", "id", "at"),
    "segments_segment": ("tenant_id", "id", "state"),
    "segments_segmentdue": ("tenant_id", "id", "due_at"),
    "consent_signuppage": ("tenant_id", "id", "slug"),
    "delivery_gateway": ("tenant_id", "id"),
    "delivery_sender": ("tenant_id", "id", "next_free_at"),
    "delivery_message": (
        "tenant_id",
        "id",
        "sender_id",
        "status",
        "due_at",
        "submitted_at",
        "fetches",
    ),
    "delivery_sendattempt": ("tenant_id", "id", "next_check_at"),
    "delivery_pendingcallback": ("tenant_id", "id", "received_at"),
    "delivery_trackedlink": ("tenant_id", "id", "token"),
    "triggers_flowrun": ("tenant_id", "id", "due_at", "state", "on_hold"),
    "triggers_fanout": ("tenant_id", "id", "done_at", "starts_at", "on_hold"),
    "triggers_datedue": ("tenant_id", "id", "due_at"),
    "triggers_watcheddate": ("tenant_id", "id", "state"),
    "events_webhookfeed": ("tenant_id", "id"),
    "events_webhookendpoint": ("tenant_id", "id", "state", "retry_at", "leased_until"),
    "events_webhookdelivery": ("tenant_id", "id", "endpoint_id", "state", "due_at"),
    "connectors_connector": ("tenant_id", "id", "public_id"),
    "connectors_receivedbody": ("tenant_id", "id", "state", "retry_at"),
    "imports_import": ("tenant_id", "id", "state", "tidied", "created_at"),
    "delivery_click": ("tenant_id", "id", "kind", "received_at"),
}
