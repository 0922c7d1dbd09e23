from django.apps import AppConfig


class EventsConfig(AppConfig):
    name = "events"

    def ready(self) -> None:
        from events.core.names import CONTACT_MERGED, CONTACT_UNMERGED
        from events.domain.listening import listen_always
        from web import nav

        # Segments look again, and events that came in meanwhile are taken along.
        listen_always("merging", {CONTACT_MERGED, CONTACT_UNMERGED})

        nav.register_tab(
            "settings",
            "Events",
            "events:event_types",
            20,
            group="Data",
            words="schema catalogue tracking properties debugger rejected sensitive",
        )
        nav.register_tab(
            "settings",
            "Website",
            "events:site",
            10,
            group="Data",
            permission="manage_keys",
            words="snippet pixel tag script tracking javascript browser origin public key",
        )
        nav.register_tab(
            "settings",
            "Webhooks",
            "events:webhooks",
            10,
            group="Developers",
            permission="manage_keys",
            words="endpoint callback url notify integration developer",
        )
