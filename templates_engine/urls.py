from django.urls import path

from templates_engine import api
from templates_engine.views import composer, reading, writing

app_name = "templates_engine"
urlpatterns = [
    path("api/v1/templates", api.TemplateList.as_view()),
    path("api/v1/templates/<slug:slug>", api.TemplateDetail.as_view()),
    path("w/<slug:slug>/composer/", composer.compose, name="compose"),
    path("w/<slug:slug>/composer/contacts/", composer.compose_contacts, name="compose_contacts"),
    path("w/<slug:slug>/templates/", reading.template_list, name="templates"),
    # The dash keeps it from hiding a text named "new".
    path("w/<slug:slug>/templates/-/new/", writing.new_template, name="new_template"),
    path("w/<slug:slug>/templates/<slug:template_slug>/", reading.template_page, name="template"),
    path(
        "w/<slug:slug>/templates/<slug:template_slug>/edit/",
        writing.edit_template,
        name="edit_template",
    ),
    path(
        "w/<slug:slug>/templates/<slug:template_slug>/versions/<int:number>/use/",
        writing.use_version,
        name="use_version",
    ),
]
