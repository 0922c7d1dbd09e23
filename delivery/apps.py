from django.apps import AppConfig


class DeliveryConfig(AppConfig):
    name = "delivery"

    def ready(self) -> None:
        from consent.domain import hooks
        from delivery.columns import last_text_cells
        from delivery.domain.numbers import number_to_text
        from people import columns
        from web import nav

        nav.register("Messaging", "Messages", "send", "delivery:messages", 30, key="m")
        nav.register("Messaging", "Replies", "messages-square", "delivery:replies", 32, key="r")
        nav.register_tab("settings", "Sending", "delivery:sending", 5, permission="manage_settings")
        nav.register_tab(
            "settings",
            "Test texts",
            "delivery:test_texts",
            40,
            permission="send",
            unless="manage_settings",
        )
        hooks.register_number_source("senders", number_to_text)
        columns.register("Last text", last_text_cells, order=20)
