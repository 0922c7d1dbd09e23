from django.apps import AppConfig


class ConsentConfig(AppConfig):
    name = "consent"

    def ready(self) -> None:
        from consent.columns import consent_cells
        from consent.domain import leaving as forgetting
        from consent.domain import moving as following
        from consent.filters import CONSENT_FILTER
        from people import columns, filters
        from people.domain import leaving, moving
        from web import nav

        nav.register_tab(
            "settings",
            "Quiet hours",
            "consent:quiet_hours",
            20,
            group="Texting",
            words="sending window night sunday do not disturb",
        )
        nav.register_tab(
            "settings",
            "Frequency caps",
            "consent:frequency_caps",
            30,
            group="Texting",
            words="limit too many texts per day week smart sending",
        )
        nav.register_tab(
            "settings",
            "Sign-up",
            "consent:sign_up_settings",
            10,
            group="Texting",
            words="signup opt-in consent form page keyword join double disclosure opt-out link",
        )
        moving.register_follower(
            "consent", follow=following.follow, go_back=following.go_back, order=30
        )
        leaving.register_keeper(
            "consent", erase=forgetting.erase, export=forgetting.export, order=30
        )
        columns.register("SMS consent", consent_cells, order=10)
        filters.register(CONSENT_FILTER)
