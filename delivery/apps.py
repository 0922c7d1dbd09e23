from django.apps import AppConfig


class DeliveryConfig(AppConfig):
    name = "delivery"

    def ready(self) -> None:
        from consent.domain import hooks
        from delivery.columns import last_text_cells
        from delivery.domain import leaving as forgetting
        from delivery.domain import moving as following
        from delivery.domain.acts import (
            opt_in_with_text,
            opt_out_with_text,
            opt_outs_without_text,
        )
        from delivery.domain.canceling import cancel_for_old_numbers
        from delivery.domain.numbers import number_to_text
        from delivery.domain.waiting_replies import count_for_badge
        from people import columns
        from people.domain import leaving, moving, numbers
        from web import nav

        nav.register(
            "Messaging",
            "Messages",
            "send",
            "delivery:messages",
            30,
            key="m",
            words="texts sms sent delivered failed skipped waiting held back log",
        )
        nav.register(
            "Messaging",
            "Replies",
            "messages-square",
            "delivery:replies",
            32,
            key="r",
            words="inbox conversations answers incoming chat support",
            count=count_for_badge,
        )
        nav.register_tab(
            "settings",
            "Sending",
            "delivery:sending",
            0,
            group="Texting",
            permission="manage_settings",
            words="number sender phone short code toll-free gateway twilio account carrier test text",
        )
        nav.register_tab(
            "settings",
            "Test texts",
            "delivery:test_texts",
            5,
            group="Texting",
            permission="send",
            unless="manage_settings",
            words="my own phone number try",
        )
        hooks.register_number_source("senders", number_to_text)
        hooks.register_acts(
            "texts",
            opt_in=opt_in_with_text,
            opt_out=opt_out_with_text,
            opt_outs=opt_outs_without_text,
        )
        numbers.register_number_listener("delivery", cancel_for_old_numbers)
        moving.register_follower(
            "delivery", follow=following.follow, go_back=following.go_back, order=20
        )
        leaving.register_keeper(
            "delivery", erase=forgetting.erase, export=forgetting.export, order=20
        )
        columns.register("Last text", last_text_cells, order=20)
