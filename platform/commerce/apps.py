from django.apps import AppConfig


class CommerceConfig(AppConfig):
    name = "commerce"

    def ready(self) -> None:
        from commerce.domain.projecting import PROJECTED
        from events.domain.listening import listen_always

        listen_always("commerce", PROJECTED)
