from django.apps import AppConfig


class TenancyConfig(AppConfig):
    name = "tenancy"

    def ready(self) -> None:
        import tenancy.checks  # noqa: F401 (registers itself)
        from tenancy import arrays, times

        arrays.install()
        times.install()
        from tenancy.views.settings import find_workspaces
        from web import finding, nav

        nav.register(
            "foot", "Settings", "settings", "tenancy:settings", 90, key="s", words="options set up"
        )
        finding.register("Clients", "layout-grid", find_workspaces)
        nav.register_tab(
            "settings",
            "Workspace",
            "tenancy:workspace",
            0,
            group="General",
            permission="manage_settings",
            words="name brand time zone timezone currency country color accent shop address help",
        )
        nav.register_tab(
            "settings",
            "Team",
            "tenancy:team",
            10,
            group="General",
            permission="manage_team",
            words="invite invitation people members colleagues users roles permissions access",
        )
        nav.register_tab(
            "settings",
            "Keys",
            "tenancy:keys",
            0,
            group="Developers",
            permission="manage_keys",
            words="api key write key token secret scopes developer",
        )
