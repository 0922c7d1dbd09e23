from django.urls import path

from consent.reading_api import ContactConsent
from consent.views import rules, sign_up

app_name = "consent"
urlpatterns = [
    path("api/v1/contacts/<str:ref>/consent", ContactConsent.as_view()),
    path("w/<slug:slug>/settings/quiet-hours/", rules.quiet_hours, name="quiet_hours"),
    path(
        "w/<slug:slug>/settings/quiet-hours/save/", rules.save_quiet_hours, name="save_quiet_hours"
    ),
    path("w/<slug:slug>/settings/caps/", rules.frequency_caps, name="frequency_caps"),
    path(
        "w/<slug:slug>/settings/caps/save/", rules.save_frequency_caps, name="save_frequency_caps"
    ),
    path("w/<slug:slug>/settings/caps/cart/", rules.save_cart_rule, name="save_cart_rule"),
    path("w/<slug:slug>/settings/sign-up/", sign_up.sign_up_settings, name="sign_up_settings"),
    path("w/<slug:slug>/settings/sign-up/save/", sign_up.save_sign_up, name="save_sign_up"),
    path(
        "w/<slug:slug>/settings/sign-up/preview/", sign_up.preview_sign_up, name="preview_sign_up"
    ),
    path("w/<slug:slug>/settings/sign-up/double/", sign_up.save_double_opt_in, name="save_double"),
    path("w/<slug:slug>/settings/sign-up/revoke-links/", sign_up.revoke_links, name="revoke_links"),
    path("w/<slug:slug>/settings/sign-up/keywords/", sign_up.save_keyword, name="save_keyword"),
    path(
        "w/<slug:slug>/settings/sign-up/keywords/<str:word>/",
        sign_up.delete_keyword,
        name="delete_keyword",
    ),
]
