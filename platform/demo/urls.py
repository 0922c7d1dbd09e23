from django.urls import path

from demo import entering, views

app_name = "demo"
urlpatterns = [
    path("demo", entering.enter, name="enter"),
    path("w/<slug:slug>/test-phone/", views.test_phone, name="test_phone"),
    path("w/<slug:slug>/test-phone/<str:ref>/", views.phone_state, name="phone_state"),
    path("w/<slug:slug>/test-phone/<str:ref>/fire/", views.fire, name="fire"),
    path("w/<slug:slug>/test-phone/<str:ref>/tap/", views.tap, name="tap"),
    path("w/<slug:slug>/test-phone/<str:ref>/reply/", views.reply, name="reply"),
    path("w/<slug:slug>/test-phone/<str:ref>/clock/", views.move_clock, name="move_clock"),
]
