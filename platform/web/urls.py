from django.urls import path

from web import views

app_name = "web"
urlpatterns = [
    path("theme/accent-<str:color>.css", views.show_accent, name="accent"),
    path("theme/", views.choose_theme, name="theme"),
]
