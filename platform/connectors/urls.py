from django.urls import path

from connectors.views import api_connectors, pages
from connectors.views.receive import receive

_ONE = "w/<slug:slug>/settings/connectors/<str:connector>/"

app_name = "connectors"
urlpatterns = [
    path("webhooks/in/<str:public_id>", receive, name="receive"),
    path("w/<slug:slug>/settings/connectors/", pages.connector_list, name="connectors"),
    path("w/<slug:slug>/settings/connectors/new/", pages.make_connector, name="make_connector"),
    path(_ONE, pages.connector, name="connector"),
    path(f"{_ONE}bodies/", pages.body_rows, name="bodies"),
    path(f"{_ONE}save/", pages.save_connector, name="save_connector"),
    path(f"{_ONE}mapping/", pages.save_mapping, name="save_mapping"),
    path(f"{_ONE}preview/", pages.preview_mapping, name="preview_mapping"),
    path(f"{_ONE}act/", pages.act_on_connector, name="act_on_connector"),
    path(f"{_ONE}replay/", pages.replay, name="replay_body"),
    path("api/v1/connectors", api_connectors.ConnectorList.as_view()),
    path("api/v1/connectors/<str:connector>", api_connectors.ConnectorDetail.as_view()),
    path("api/v1/connectors/<str:connector>/secret", api_connectors.ConnectorSecretView.as_view()),
    path("api/v1/connectors/<str:connector>/bodies", api_connectors.ConnectorBodies.as_view()),
    path(
        "api/v1/connectors/<str:connector>/bodies/<str:body>/replay",
        api_connectors.BodyReplay.as_view(),
    ),
]
