from django.apps import AppConfig


class ImportsConfig(AppConfig):
    name = "imports"

    def ready(self) -> None:
        from imports.domain import leaving as forgetting
        from people.domain import leaving
        from web import nav

        # While people still knows the names of whoever leaves.
        leaving.register_keeper(
            "imports", erase=forgetting.erase, export=forgetting.export, order=60
        )
        nav.register(
            "Audience",
            "Imports",
            "file-up",
            "imports:imports",
            15,
            words="csv upload spreadsheet excel contacts orders history dry run report",
        )
