from django.urls import path

from api import views

app_name = "api"
urlpatterns = [
    path("api/schema/", views.schema, name="schema"),
    path("api/docs/", views.docs, name="docs"),
]
