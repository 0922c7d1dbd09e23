from django.urls import include, path

from triggers import api, campaigns_api, dates_api, timeline_api, versions_api, waiting_api
from triggers.views import (
    campaign_audience,
    campaign_live,
    campaigns,
    contact_adding,
    contact_changing,
    contact_leaving,
    contact_merging,
    copying,
    costs,
    dates,
    flow_edit,
    flow_state,
    flow_versions,
    flows,
    timeline,
)

app_name = "triggers"
urlpatterns = [
    path("api/v1/contacts/<str:ref>/timeline", timeline_api.ContactTimeline.as_view()),
    path("api/v1/flows", api.FlowList.as_view()),
    path("api/v1/flows/<slug:slug>", api.FlowDetail.as_view()),
    path("api/v1/flows/<slug:slug>/versions", versions_api.FlowVersionList.as_view()),
    path(
        "api/v1/flows/<slug:slug>/versions/<int:number>/rollback",
        versions_api.FlowRollback.as_view(),
    ),
    path("api/v1/flows/<slug:slug>/publication", api.FlowPublication.as_view()),
    path("api/v1/flows/<slug:slug>/pause", api.FlowPause.as_view()),
    path("api/v1/flows/<slug:slug>/waiting/move", waiting_api.FlowWaiting.as_view()),
    path("api/v1/watched-dates", dates_api.DateList.as_view()),
    path("api/v1/watched-dates/<str:date>", dates_api.DateDetail.as_view()),
    path("api/v1/campaigns", campaigns_api.CampaignList.as_view()),
    path("api/v1/campaigns/<str:campaign>", campaigns_api.CampaignDetail.as_view()),
    path("api/v1/campaigns/<str:campaign>/funnel", campaigns_api.CampaignFunnel.as_view()),
    path("api/v1/campaigns/<str:campaign>/launch", campaigns_api.CampaignLaunch.as_view()),
    path("api/v1/campaigns/<str:campaign>/pause", campaigns_api.CampaignPause.as_view()),
    path("api/v1/campaigns/<str:campaign>/resume", campaigns_api.CampaignResume.as_view()),
    path("api/v1/campaigns/<str:campaign>/stop", campaigns_api.CampaignStop.as_view()),
    path("w/<slug:slug>/campaigns/", campaigns.campaign_list, name="campaigns"),
    path("w/<slug:slug>/campaigns/new/", campaigns.new_campaign, name="new_campaign"),
    path(
        "w/<slug:slug>/campaigns/<str:campaign>/",
        include(
            [
                path("", campaigns.campaign_page, name="campaign"),
                path("audience/", campaign_audience.campaign_audience, name="campaign_audience"),
                path("funnel/", campaigns.campaign_funnel, name="campaign_funnel"),
                path("save/", campaigns.save, name="save_campaign"),
                path("launch/", campaigns.launch, name="launch_campaign"),
                path("progress/", campaign_live.campaign_progress, name="campaign_progress"),
                path("pause/", campaign_live.pause, name="pause_campaign"),
                path("resume/", campaign_live.resume, name="resume_campaign"),
                path("stop/", campaign_live.stop, name="stop_campaign"),
            ]
        ),
    ),
    path("w/<slug:slug>/settings/costs/", costs.costs, name="costs"),
    path("w/<slug:slug>/settings/dates/", dates.dates, name="dates"),
    path("w/<slug:slug>/settings/dates/watch/", dates.watch, name="watch_date"),
    path("w/<slug:slug>/settings/dates/<str:date>/unwatch/", dates.unwatch, name="unwatch_date"),
    path("w/<slug:slug>/settings/costs/save/", costs.save_costs, name="save_costs"),
    path("agency/<slug:organization>/copy/", copying.copy_to_clients, name="copy_to_clients"),
    path("w/<slug:slug>/flows/", flows.flow_list, name="flows"),
    path("w/<slug:slug>/flows/<slug:flow_slug>/", flows.flow_page, name="flow"),
    path("w/<slug:slug>/flows/<slug:flow_slug>/steps/", flows.flow_steps, name="flow_steps"),
    path("w/<slug:slug>/flows/<slug:flow_slug>/step/<str:key>/", flows.flow_step, name="flow_step"),
    path(
        "w/<slug:slug>/flows/<slug:flow_slug>/step/<str:key>/edit/",
        flow_edit.edit_step,
        name="flow_edit",
    ),
    path(
        "w/<slug:slug>/flows/<slug:flow_slug>/step/<str:key>/move/",
        flow_state.move,
        name="flow_move",
    ),
    path(
        "w/<slug:slug>/flows/<slug:flow_slug>/versions/",
        flow_versions.version_list,
        name="flow_versions",
    ),
    path(
        "w/<slug:slug>/flows/<slug:flow_slug>/versions/<int:number>/rollback/",
        flow_versions.rollback,
        name="flow_rollback",
    ),
    path("w/<slug:slug>/flows/<slug:flow_slug>/review/", flow_versions.review, name="flow_review"),
    path(
        "w/<slug:slug>/flows/<slug:flow_slug>/publish/", flow_versions.publish, name="flow_publish"
    ),
    path("w/<slug:slug>/flows/<slug:flow_slug>/pause/", flow_state.pause, name="flow_pause"),
    path("w/<slug:slug>/flows/<slug:flow_slug>/resume/", flow_state.resume, name="flow_resume"),
    path(
        "w/<slug:slug>/recipes/<slug:recipe_slug>/start/",
        flow_state.start_recipe,
        name="start_recipe",
    ),
    path("w/<slug:slug>/contacts/new/", contact_adding.new_contact, name="new_contact"),
    path("w/<slug:slug>/contacts/paste/", contact_adding.paste_contacts, name="paste_contacts"),
    path("w/<slug:slug>/contacts/<str:ref>/", timeline.contact, name="contact"),
    path(
        "w/<slug:slug>/contacts/<str:ref>/edit/",
        contact_changing.edit_contact,
        name="edit_contact",
    ),
    path(
        "w/<slug:slug>/contacts/<str:ref>/consent/",
        contact_changing.contact_consent,
        name="contact_consent",
    ),
    path(
        "w/<slug:slug>/contacts/<str:ref>/merge/",
        contact_merging.merge_contact,
        name="merge_contact",
    ),
    path("w/<slug:slug>/contacts/<str:ref>/export/", contact_leaving.export, name="export_contact"),
    path("w/<slug:slug>/contacts/<str:ref>/erase/", contact_leaving.erase, name="erase_contact"),
    path(
        "w/<slug:slug>/contacts/<str:ref>/unmerge/",
        contact_merging.unmerge_contact,
        name="unmerge_contact",
    ),
    path(
        "w/<slug:slug>/contacts/<str:ref>/timeline/",
        timeline.contact_timeline,
        name="contact_timeline",
    ),
    path("w/<slug:slug>/contacts/<str:ref>/would-send/", timeline.would_send, name="would_send"),
]
