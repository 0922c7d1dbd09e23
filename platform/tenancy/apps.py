from django.apps import AppConfig


class TenancyConfig(AppConfig):
    name = "tenancy"

    def ready(self) -> None:
        import tenancy.checks  # noqa: F401 (registers itself)
        from tenancy import arrays

        arrays.install()
        from tenancy.views.settings import find_workspaces
        from web import finding, nav

        nav.register("foot", "Settings", "settings", "tenancy:settings", 90, key="s")
        finding.register("Clients", "layout-grid", find_workspaces)
        nav.register_tab(
            "settings", "Workspace", "tenancy:workspace", 0, permission="manage_settings"
        )
        nav.register_tab("settings", "Team", "tenancy:team", 35, permission="manage_team")
        nav.register_tab("settings", "Keys", "tenancy:keys", 30, permission="manage_keys")
