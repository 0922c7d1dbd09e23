from django.apps import AppConfig


class TriggersConfig(AppConfig):
    name = "triggers"

    def ready(self) -> None:
        from commerce.domain.learning import register_listener
        from consent.domain import hooks
        from delivery.domain import sources
        from events.domain.usage import register_usage
        from imports.domain.starts import register_starts
        from people.attribute_uses import register_retyped
        from people.domain import leaving, moving
        from segments import uses
        from templates_engine import uses as text_uses
        from templates_engine.domain import audiences
        from triggers.domain import leaving as forgetting
        from triggers.domain import moving as following
        from triggers.domain.campaign_sources import load_campaign_sources
        from triggers.domain.dates import arm_buyers
        from triggers.domain.event_uses import flow_event_uses
        from triggers.domain.import_starts import flow_starts
        from triggers.domain.keyword_claims import claimed_by_flow
        from triggers.domain.samples import segment_people
        from triggers.domain.segment_uses import uses_in_campaigns, uses_in_flows
        from triggers.domain.sources import load_flow_sources
        from triggers.domain.text_uses import texts_in_campaigns, texts_in_flows
        from triggers.domain.watching import refill_dates
        from triggers.views.finding import find_campaigns, find_flows
        from web import finding, nav

        sources.register("flow", load_flow_sources)
        sources.register("campaign", load_campaign_sources)
        hooks.register_keyword_claim("flows", claimed_by_flow)

        register_usage("flows", flow_event_uses)
        register_listener("dates", arm_buyers)
        register_retyped("dates", refill_dates)
        register_starts("flows", flow_starts)
        audiences.register("segment", segment_people)
        # First: what ends a run takes the run's texts along before they move.
        moving.register_follower(
            "triggers", follow=following.follow, go_back=following.go_back, order=10
        )
        leaving.register_keeper(
            "triggers", erase=forgetting.erase, export=forgetting.export, order=10
        )
        uses.register("flow", uses_in_flows)
        uses.register("campaign", uses_in_campaigns)
        text_uses.register("flow", texts_in_flows)
        text_uses.register("campaign", texts_in_campaigns)

        nav.register(
            "Messaging",
            "Flows",
            "workflow",
            "triggers:flows",
            20,
            key="f",
            words="automation journey trigger recipe abandoned cart back in stock loyalty",
        )
        nav.register(
            "Messaging",
            "Campaigns",
            "megaphone",
            "triggers:campaigns",
            25,
            key="p",
            words="segment audience broadcast newsletter blast schedule one-off",
        )
        nav.register_tab(
            "settings",
            "Costs",
            "triggers:costs",
            20,
            group="General",
            words="price part money budget estimate",
        )
        nav.register_tab(
            "settings",
            "Dates",
            "triggers:dates",
            8,
            group="Data",
            words="birthday anniversary appointment renewal reorder reminder date reached watch",
        )
        finding.register("Flows", "workflow", find_flows)
        finding.register("Campaigns", "megaphone", find_campaigns)
