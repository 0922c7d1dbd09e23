from django.urls import path

from segments import api, new_segment, views

app_name = "segments"
urlpatterns = [
    path("api/v1/segments", api.SegmentList.as_view()),
    path("api/v1/segments/<slug:slug>", api.SegmentDetail.as_view()),
    path("api/v1/segments/<slug:slug>/members", api.SegmentMembers.as_view()),
    path("w/<slug:slug>/segments/", views.segment_list, name="segments"),
    # The dash keeps it from hiding a segment named "new".
    path("w/<slug:slug>/segments/-/new/", new_segment.new_segment, name="new_segment"),
    path("w/<slug:slug>/segments/<slug:segment_slug>/", views.segment_page, name="segment"),
]
