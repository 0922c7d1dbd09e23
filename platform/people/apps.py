from django.apps import AppConfig


class PeopleConfig(AppConfig):
    name = "people"

    def ready(self) -> None:
        from people.views import find_contacts
        from web import finding, nav

        nav.register(
            "Audience",
            "Contacts",
            "users",
            "people:contacts",
            10,
            key="c",
            words="people customers subscribers audience profiles import paste csv",
        )
        finding.register("Contacts", "user", find_contacts)
