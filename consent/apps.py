from django.apps import AppConfig


class ConsentConfig(AppConfig):
    name = "consent"

    def ready(self) -> None:
        from consent.columns import consent_cells
        from people import columns
        from web import nav

        nav.register_tab("settings", "Quiet hours", "consent:quiet_hours", 10)
        nav.register_tab("settings", "Frequency caps", "consent:frequency_caps", 20)
        nav.register_tab("settings", "Sign-up", "consent:sign_up_settings", 25)
        columns.register("SMS consent", consent_cells, order=10)
