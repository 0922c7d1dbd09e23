from django.urls import path

from analytics import agency, starting, views

app_name = "analytics"
urlpatterns = [
    path("w/<slug:slug>/", views.home, name="home"),
    path("w/<slug:slug>/first-steps/", starting.change_step, name="change_step"),
    path("agency/", agency.find_agency, name="find_agency"),
    path("agency/<slug:organization>/", agency.show_agency, name="agency"),
    path("agency/<slug:organization>/clients/", agency.make_client, name="make_client"),
]
