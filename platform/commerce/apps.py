from django.apps import AppConfig


class CommerceConfig(AppConfig):
    name = "commerce"

    def ready(self) -> None:
        from commerce.domain import leaving as forgetting
        from commerce.domain import moving as following
        from commerce.domain.projecting import PROJECTED
        from events.domain.listening import listen_always
        from people.domain import leaving, moving
        from web import nav

        nav.register(
            "Audience",
            "Products",
            "package",
            "commerce:products",
            20,
            key="o",
            words="catalogue catalog inventory stock price shop items back in stock",
        )
        listen_always("commerce", PROJECTED)
        moving.register_follower(
            "commerce", follow=following.follow, go_back=following.go_back, order=40
        )
        leaving.register_keeper(
            "commerce", erase=forgetting.erase, export=forgetting.export, order=40
        )
