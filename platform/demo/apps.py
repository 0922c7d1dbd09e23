from django.apps import AppConfig


class DemoConfig(AppConfig):
    name = "demo"

    def ready(self) -> None:
        from delivery.domain import simulating
        from demo.domain.numbers import TRY_OUT, give_number, is_running
        from demo.domain.progress import read_progress
        from web import nav, notices

        def progress_words() -> str:
            found = read_progress()
            done, total = int(str(found.get("done", 0))), int(str(found.get("total", 0)))
            if done >= total:
                return ""
            return f"The shop's history is coming in: {done:,} of {total:,} events"

        nav.register(
            "foot",
            "Test phone",
            "smartphone",
            "demo:test_phone",
            80,
            key="t",
            words="try simulator clock",
        )
        notices.register(progress_words)
        simulating.register(give_number, is_running=is_running, try_out=TRY_OUT)
