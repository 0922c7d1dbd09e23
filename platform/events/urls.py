from __future__ import annotations

from django.urls import include, path

from events.event_urls import event_urls
from events.views import api_leaving, api_merging, api_webhooks, webhooks
from events.views.contacts import ContactDetail, ContactList
from events.views.event_list import EventsView
from events.views.segment import receive
from events.views.site import script

_webhooks = [
    path("w/<slug:slug>/settings/webhooks/", webhooks.webhook_list, name="webhooks"),
    path("w/<slug:slug>/settings/webhooks/new/", webhooks.make_webhook, name="make_webhook"),
    path("w/<slug:slug>/settings/webhooks/<str:hook>/", webhooks.webhook, name="webhook"),
    path(
        "w/<slug:slug>/settings/webhooks/<str:hook>/deliveries/",
        webhooks.delivery_rows,
        name="webhook_deliveries",
    ),
    path(
        "w/<slug:slug>/settings/webhooks/<str:hook>/save/",
        webhooks.change_webhook,
        name="change_webhook",
    ),
    path(
        "w/<slug:slug>/settings/webhooks/<str:hook>/act/",
        webhooks.act_on_webhook,
        name="act_on_webhook",
    ),
    path(
        "w/<slug:slug>/settings/webhooks/<str:hook>/replay/",
        webhooks.replay,
        name="replay_webhook",
    ),
    path("api/v1/webhooks", api_webhooks.WebhookList.as_view()),
    path("api/v1/webhooks/<str:hook>", api_webhooks.WebhookDetail.as_view()),
    path("api/v1/webhooks/<str:hook>/activation", api_webhooks.WebhookActivation.as_view()),
    path("api/v1/webhooks/<str:hook>/secret", api_webhooks.WebhookSecret.as_view()),
    path("api/v1/webhooks/<str:hook>/test-event", api_webhooks.WebhookTest.as_view()),
    path("api/v1/webhooks/<str:hook>/replays", api_webhooks.WebhookReplays.as_view()),
    path("api/v1/webhooks/<str:hook>/deliveries", api_webhooks.WebhookDeliveries.as_view()),
]
urlpatterns = [
    path("", include((_webhooks + event_urls, "events"))),
    path("v1/<str:call>", receive, name="segment-spec"),
    path("v1/<str:call>/", receive),
    path("site/v1.js", script, name="site_script"),
    path("api/v1/events", EventsView.as_view(), name="api-events"),
    path("api/v1/contacts", ContactList.as_view()),
    path("api/v1/contacts/<str:ref>", ContactDetail.as_view()),
    path("api/v1/contacts/<str:ref>/export", api_leaving.ContactExport.as_view()),
    path("api/v1/contacts/<str:ref>/erase", api_leaving.ContactErase.as_view()),
    path("api/v1/contacts/<str:ref>/merge", api_merging.ContactMergeView.as_view()),
    path("api/v1/contacts/<str:ref>/unmerge", api_merging.ContactUnmergeView.as_view()),
]
