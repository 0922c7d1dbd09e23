from django.apps import AppConfig


class EventsConfig(AppConfig):
    name = "events"

    def ready(self) -> None:
        from web import nav

        nav.register_tab(
            "settings",
            "Events",
            "events:event_types",
            31,
            words="schema catalogue tracking properties debugger rejected sensitive",
        )
        nav.register_tab(
            "settings",
            "Webhooks",
            "events:webhooks",
            32,
            permission="manage_keys",
            words="endpoint callback url notify integration developer",
        )
