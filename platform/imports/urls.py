from django.urls import include, path

from imports import api
from imports.views import pages

_pages = [
    path("w/<slug:slug>/imports/", pages.import_list, name="imports"),
    path("w/<slug:slug>/imports/new/", pages.upload, name="upload"),
    path("w/<slug:slug>/imports/<str:job>/", pages.import_page, name="import"),
    path("w/<slug:slug>/imports/<str:job>/check/", pages.check, name="check"),
    path("w/<slug:slug>/imports/<str:job>/act/", pages.act, name="act"),
    path("w/<slug:slug>/imports/<str:job>/progress/", pages.progress, name="progress"),
    path("w/<slug:slug>/imports/<str:job>/report/", pages.report, name="report"),
]
urlpatterns = [
    path("", include((_pages, "imports"))),
    path("api/v1/imports", api.ImportList.as_view()),
    path("api/v1/imports/<str:job>", api.ImportDetail.as_view()),
    path("api/v1/imports/<str:job>/file", api.ImportFile.as_view()),
    path("api/v1/imports/<str:job>/check", api.ImportCheck.as_view()),
    path("api/v1/imports/<str:job>/start", api.ImportStart.as_view()),
    path("api/v1/imports/<str:job>/pause", api.ImportPause.as_view()),
    path("api/v1/imports/<str:job>/resume", api.ImportResume.as_view()),
    path("api/v1/imports/<str:job>/cancel", api.ImportCancel.as_view()),
    path("api/v1/imports/<str:job>/report", api.ImportReport.as_view()),
]
