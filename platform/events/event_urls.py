"""Addresses of the event catalogue and of what arrives."""

from __future__ import annotations

from django.urls import path

from events.views import api_arrivals, api_definitions, arrivals, event_types, exporting, site

event_urls = [
    path("w/<slug:slug>/settings/events/", event_types.event_types, name="event_types"),
    path(
        "w/<slug:slug>/settings/events/name/<path:name>/",
        event_types.event_type,
        name="event_type",
    ),
    path(
        "w/<slug:slug>/settings/events/change/<path:name>/",
        event_types.change_event_type,
        name="change_event_type",
    ),
    path("w/<slug:slug>/settings/events/export/", exporting.export_events, name="export_events"),
    path("w/<slug:slug>/settings/events/arrivals/", arrivals.arrivals, name="arrivals"),
    path("w/<slug:slug>/settings/events/arrivals/rows/", arrivals.rows, name="arrival_rows"),
    path("w/<slug:slug>/settings/site/", site.site, name="site"),
    path("w/<slug:slug>/settings/site/save/", site.save_site, name="save_site"),
    path("api/v1/events/export", exporting.EventExportView.as_view()),
    path("api/v1/arrivals", api_arrivals.ArrivalList.as_view()),
    path("api/v1/event-definitions", api_definitions.DefinitionList.as_view()),
    path("api/v1/event-definitions/<path:name>", api_definitions.DefinitionDetail.as_view()),
]
