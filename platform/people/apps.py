from django.apps import AppConfig


class PeopleConfig(AppConfig):
    name = "people"

    def ready(self) -> None:
        from people import filters
        from people.domain import leaving
        from people.domain.own_filters import OWN_FILTERS
        from people.views.contacts import find_contacts
        from web import finding, nav

        for one in OWN_FILTERS:
            filters.register(one)
        nav.register(
            "Audience",
            "Contacts",
            "users",
            "people:contacts",
            10,
            key="c",
            words="people customers subscribers audience profiles import paste csv",
        )
        nav.register_tab(
            "settings",
            "Attributes",
            "people:attributes",
            30,
            group="Data",
            words="fields properties traits custom types data quality birthday sensitive",
        )
        finding.register("Contacts", "user", find_contacts)
        # Last: the others still have to know who it is.
        leaving.register_keeper(
            "people", erase=leaving.erase_identity, export=leaving.export_identity, order=90
        )
