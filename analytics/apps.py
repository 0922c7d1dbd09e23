from django.apps import AppConfig


class AnalyticsConfig(AppConfig):
    name = "analytics"

    def ready(self) -> None:
        from analytics.domain.flow_numbers import numbers_for
        from triggers.domain import numbers
        from web import nav

        numbers.register(numbers_for)
        nav.register(
            "",
            "Home",
            "house",
            "analytics:home",
            0,
            key="h",
            words="start overview dashboard report analytics revenue first steps",
        )
