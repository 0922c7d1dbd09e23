from django.urls import path

from tenancy.api import KeyDetail, KeyList
from tenancy.views import (
    invites,
    keys,
    log_in,
    organization_team,
    settings,
    team,
    workspace,
)

app_name = "tenancy"
urlpatterns = [
    path("api/v1/keys", KeyList.as_view()),
    path("api/v1/keys/<str:ref>", KeyDetail.as_view()),
    path("", log_in.door, name="door"),
    path("login/", log_in.log_in, name="log_in"),
    path("workspaces/", settings.list_workspaces, name="switcher"),
    path("logout/", log_in.log_out, name="log_out"),
    path("invite/<str:token>/", invites.show_invite, name="invite"),
    path("invite/<str:token>/new/", invites.join_as_new, name="join_as_new"),
    path("invite/<str:token>/join/", invites.join, name="join"),
    path("w/<slug:slug>/find/", settings.find, name="find"),
    path("w/<slug:slug>/settings/", settings.open_settings, name="settings"),
    path("w/<slug:slug>/settings/workspace/", workspace.workspace_settings, name="workspace"),
    path("agency/<slug:organization>/invite/", team.invite_to_organization, name="agency_invite"),
    path("agency/<slug:organization>/team/", organization_team.show_team, name="agency_team"),
    path(
        "agency/<slug:organization>/team/<uuid:member_id>/role/",
        organization_team.give_role,
        name="agency_give_role",
    ),
    path(
        "agency/<slug:organization>/team/<uuid:member_id>/access/",
        organization_team.give_access,
        name="agency_give_access",
    ),
    path(
        "agency/<slug:organization>/team/<uuid:member_id>/remove/",
        organization_team.remove,
        name="agency_remove_member",
    ),
    path(
        "agency/<slug:organization>/team/invites/<uuid:invite_id>/revoke/",
        organization_team.revoke,
        name="agency_revoke_invite",
    ),
    path("w/<slug:slug>/settings/team/", team.list_team, name="team"),
    path("w/<slug:slug>/settings/team/invite/", team.invite, name="invite_member"),
    path(
        "w/<slug:slug>/settings/team/invites/<uuid:invite_id>/revoke/",
        team.revoke,
        name="revoke_invite",
    ),
    path("w/<slug:slug>/settings/team/<uuid:member_id>/role/", team.give_role, name="give_role"),
    path(
        "w/<slug:slug>/settings/team/<uuid:member_id>/access/", team.give_access, name="give_access"
    ),
    path("w/<slug:slug>/settings/team/<uuid:member_id>/remove/", team.remove, name="remove_member"),
    path("w/<slug:slug>/settings/keys/", keys.list_keys, name="keys"),
    path("w/<slug:slug>/settings/keys/api/", keys.make_api_key, name="make_api_key"),
    path("w/<slug:slug>/settings/keys/write/", keys.make_write_key, name="make_write_key"),
    path("w/<slug:slug>/settings/keys/<str:kind>/<uuid:key_id>/", keys.drop_key, name="drop_key"),
]
