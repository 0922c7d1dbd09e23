from django.urls import path

from people import api
from people.views import attributes, contacts

app_name = "people"
urlpatterns = [
    path("w/<slug:slug>/contacts/", contacts.contact_list, name="contacts"),
    path("w/<slug:slug>/contacts/export/", contacts.export_contacts, name="export_contacts"),
    path("w/<slug:slug>/settings/attributes/", attributes.attribute_list, name="attributes"),
    path(
        "w/<slug:slug>/settings/attributes/new/",
        attributes.make_attribute,
        name="make_attribute",
    ),
    path(
        "w/<slug:slug>/settings/attributes/name/<path:attribute_name>/",
        attributes.attribute,
        name="attribute",
    ),
    path(
        "w/<slug:slug>/settings/attributes/change/<path:attribute_name>/",
        attributes.change_attribute,
        name="change_attribute",
    ),
    path("api/v1/attributes", api.AttributeList.as_view()),
    path("api/v1/attributes/<path:attribute_name>", api.AttributeDetail.as_view()),
]
