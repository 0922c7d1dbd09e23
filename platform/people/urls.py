from django.urls import path

from people import views

app_name = "people"
urlpatterns = [
    path("w/<slug:slug>/contacts/", views.contact_list, name="contacts"),
    path("w/<slug:slug>/contacts/export/", views.export_contacts, name="export_contacts"),
]
