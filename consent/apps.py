from django.apps import AppConfig


class ConsentConfig(AppConfig):
    name = "consent"

    def ready(self) -> None:
        from consent.columns import consent_cells
        from consent.filters import CONSENT_FILTER
        from people import columns, filters
        from web import nav

        nav.register_tab(
            "settings",
            "Quiet hours",
            "consent:quiet_hours",
            10,
            words="sending window night sunday do not disturb",
        )
        nav.register_tab(
            "settings",
            "Frequency caps",
            "consent:frequency_caps",
            20,
            words="limit too many texts per day week smart sending",
        )
        nav.register_tab(
            "settings",
            "Sign-up",
            "consent:sign_up_settings",
            25,
            words="signup opt-in consent form page keyword join double disclosure opt-out link",
        )
        columns.register("SMS consent", consent_cells, order=10)
        filters.register(CONSENT_FILTER)
