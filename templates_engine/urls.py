from django.urls import path

from templates_engine import api, views

app_name = "templates_engine"
urlpatterns = [
    path("api/v1/templates", api.TemplateList.as_view()),
    path("api/v1/templates/<slug:slug>", api.TemplateDetail.as_view()),
    path("w/<slug:slug>/composer/", views.compose, name="compose"),
    path("w/<slug:slug>/composer/contacts/", views.compose_contacts, name="compose_contacts"),
]
