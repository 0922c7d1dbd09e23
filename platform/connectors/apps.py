from django.apps import AppConfig


class ConnectorsConfig(AppConfig):
    name = "connectors"

    def ready(self) -> None:
        from connectors.domain import leaving as forgetting
        from people.domain import leaving
        from web import nav

        # After the floors whose rows lock contacts.
        leaving.register_keeper(
            "connectors", erase=forgetting.erase, export=forgetting.export, order=45
        )
        nav.register_tab(
            "settings",
            "Connectors",
            "connectors:connectors",
            0,
            group="Data",
            permission="manage_keys",
            words="shopify woocommerce shop store integration import signed webhook mapping",
        )
