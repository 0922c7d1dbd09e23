"""Every address, every method it takes, and what each kind of visitor gets there.

A new endpoint without a row here fails `test_endpoints.py`. Placeholders in a route are filled by
the kwargs of `Objects` (see conftest): the visitor's own workspace's, or the other one's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

# A page of a workspace: somebody logged out is led to the log-in, a stranger sees nothing.
NOBODY = f"con_{0:032x}"
LOGGED_OUT, STRANGER, TOO_SMALL = 302, 404, 403


@dataclass(frozen=True)
class Row:
    """Statuses by visitor.

    own: the workspace's owner, or its full API key. small: an analyst, or an API key without the
    scope. foreign: `own` again, with the other workspace's object in the address (None: the
    address names none). stranger: the other workspace's owner or key at this address.
    """

    route: str
    method: str
    own: int
    small: int
    nobody: int
    stranger: int
    foreign: int | None = None
    data: Mapping[str, Any] = field(default_factory=dict)
    kind: str = "page"  # page | api | write | open

    def __str__(self) -> str:
        return f"{self.method} /{self.route}"


def page(
    route: str, own: int = 200, *, small: int = 200, foreign: int | None = None, query: str = ""
) -> Row:
    return Row(
        f"w/<slug:slug>/{route}", "GET", own, small, LOGGED_OUT, STRANGER, foreign,
        {"query": query} if query else {},
    )  # fmt: skip


def form(route: str, own: int = 302, *, foreign: int | None = None, **data: Any) -> Row:
    return Row(
        f"w/<slug:slug>/{route}", "POST", own, TOO_SMALL, LOGGED_OUT, STRANGER, foreign, data
    )


def api(
    route: str,
    method: str,
    own: int,
    *,
    stranger: int | None = None,
    foreign: int | None = None,
    small: int = 403,
    data: Any = None,
) -> Row:
    """`stranger`: what the other workspace's key gets. The same as `own` where the address names no
    object: it works in its own workspace only. The narrow key may read messages."""
    return Row(
        f"api/v1/{route}", method, own, small, 401, own if stranger is None else stranger, foreign,
        data or {}, "api",
    )  # fmt: skip


def agency(route: str, method: str, own: int, *, small: int, **data: Any) -> Row:
    """A page of an organization: a form names the organization it was drawn for."""
    route = f"agency/<slug:organization>/{route}"
    return Row(route, method, own, small, LOGGED_OUT, STRANGER, 404, data)


NAME = "Juniper & Oak"
KEY: dict[str, Any] = {
    "account_sid": "AC" + "0" * 32,
    "api_key_sid": "SK" + "0" * 32,
    "secret": "secret",
}
ACCOUNT: dict[str, Any] = {**KEY, "account_sid": "AC" + "1" * 32, "auth_token": "token"}
TEMPLATE = {"slug": "fresh", "body": "Hello there"}
FLOW = {
    "name": "Fresh",
    "definition": {
        "trigger": {"type": "event", "event": "Checkout Started"},
        "reentry": {"mode": "every", "min_gap": "PT24H"},
        "exit": [{"event": "Order Completed"}],
        "steps": [{"key": "text", "type": "message", "template": "only"}],
    },
}
SEGMENT = {
    "name": "Fresh",
    "definition": {"all": [{"attribute": "city", "op": "is", "value": "Austin"}]},
}
EVENT = {"events": [{"event": "Product Viewed", "contact": {"external_id": "u1"}}]}
CLIENT = {
    "name": "Fresh client",
    "country": "US",
    "timezone": "America/Chicago",
    "accent": "#0b6b5b",
    "shop_url": "https://fresh.example",
}
OPT_OUT = {
    "action": "opt_out",
    "phone": "+13105550142",
    "occurred_at": "2026-11-17T18:00:00Z",
    "evidence": {"words": "By telephone"},
}
TEXT = {"template": "only", "contact": {"phone": "+13105550142"}}
COMPLEMENTS = {"complements": [{"category": "mugs", "goes_with": ["trays"]}]}
PRODUCT = {"products": [{"product_id": "fresh", "name": "Fresh"}]}

# An address that needs no look-up; nothing is sent here.
WEBHOOK = {"url": "https://8.8.8.8/fresh", "events": ["SMS Sent"]}
CONNECTOR: dict[str, Any] = {"kind": "webhook", "name": "Fresh"}
ANSWER: dict[str, Any] = {"body": "Yes, it is.", "token": "0190f8a0-0000-7000-8000-000000000001"}

TABLE: tuple[Row, ...] = (
    # machines
    Row("health", "GET", 200, 200, 200, 200, kind="open"),
    Row("ready", "GET", 200, 200, 200, 200, kind="open"),
    Row("v1/<str:call>", "POST", 200, 403, 401, 200, kind="write"),
    Row("v1/<str:call>", "OPTIONS", 204, 204, 204, 204, kind="open"),
    Row("v1/<str:call>/", "POST", 200, 403, 401, 200, kind="write"),
    Row("v1/<str:call>/", "OPTIONS", 204, 204, 204, 204, kind="open"),
    Row("api/schema/", "GET", 200, 200, 200, 200, kind="open"),
    Row("api/docs/", "GET", 200, 200, 200, 200, kind="open"),
    api("events", "GET", 200),
    api("events/export", "GET", 200),
    api("events", "POST", 202, data=EVENT),
    api("contacts", "GET", 200),
    api("contacts", "POST", 201, data={"external_id": "fresh"}),
    api("contacts/<str:ref>", "GET", 200, stranger=404, foreign=404),
    api("contacts/<str:ref>", "PATCH", 200, stranger=404, foreign=404, data={"city": "Austin"}),
    api("contacts/<str:ref>/consent", "GET", 200, stranger=404, foreign=404),
    api("contacts/<str:ref>/timeline", "GET", 200, stranger=404, foreign=404),
    api("contacts/<str:ref>/buying", "GET", 200, stranger=404, foreign=404),
    api("contacts/<str:ref>/orders", "GET", 200, stranger=404, foreign=404),
    api("contacts/<str:ref>/objects", "GET", 200, stranger=404, foreign=404),
    api("contacts/<str:ref>/reassigned", "POST", 200, stranger=404, foreign=404),
    api("contacts/<str:ref>/export", "GET", 200, stranger=404, foreign=404),
    api("contacts/<str:ref>/merge", "POST", 422, stranger=404, foreign=404),
    api("contacts/<str:ref>/unmerge", "POST", 404, stranger=404, foreign=404),
    api("contacts/<str:ref>/erase", "POST", 422, stranger=404, foreign=404),
    api("contacts/<str:ref>/eligibility", "GET", 200, stranger=404, foreign=404),
    api("imports", "GET", 200),
    api("imports", "POST", 201, data={"kind": "contacts", "name": "fresh.csv"}),
    api("imports/<str:job>", "GET", 200, stranger=404, foreign=404),
    # No file came: known, and refused by name.
    api("imports/<str:job>/file", "PUT", 422, stranger=404, foreign=404),
    api("imports/<str:job>/check", "POST", 202, stranger=404, foreign=404),
    # It waits for its columns: known, and not now.
    api("imports/<str:job>/start", "POST", 409, stranger=404, foreign=404),
    api("imports/<str:job>/pause", "POST", 409, stranger=404, foreign=404),
    api("imports/<str:job>/resume", "POST", 409, stranger=404, foreign=404),
    api("imports/<str:job>/cancel", "POST", 200, stranger=404, foreign=404),
    api("imports/<str:job>/report", "GET", 200, stranger=404, foreign=404),
    api("products", "GET", 200),
    api("products", "POST", 200, data=PRODUCT),
    api("complements", "GET", 200),
    api("complements", "POST", 200, data=COMPLEMENTS),
    api("messages", "GET", 200, small=200),
    api("messages", "POST", 202, data=TEXT),
    api("messages/<str:ref>", "GET", 200, stranger=404, foreign=404, small=200),
    api("clicks", "GET", 200, small=200),
    api("keys", "GET", 200),
    api("keys", "POST", 201, data={"name": "Fresh", "scopes": ["events:write"]}),
    api("keys/<str:ref>", "DELETE", 200, stranger=404, foreign=404),
    api("gateway", "GET", 200),
    api("segments", "GET", 200),
    api("segments", "POST", 201, data=SEGMENT),
    api("segments/<slug:slug>", "GET", 200, stranger=404, foreign=404),
    api("segments/<slug:slug>/members", "GET", 200, stranger=404, foreign=404),
    api("templates", "GET", 200),
    api("templates", "POST", 201, data=TEMPLATE),
    api("templates/<slug:slug>", "GET", 200, stranger=404, foreign=404),
    api("flows", "GET", 200),
    api("flows", "POST", 201, data=FLOW),
    api("flows/<slug:slug>", "GET", 200, stranger=404, foreign=404),
    api(
        "flows/<slug:slug>/versions",
        "POST",
        201,
        stranger=404,
        foreign=404,
        data={"definition": FLOW["definition"]},
    ),
    api("flows/<slug:slug>/versions", "GET", 200, stranger=404, foreign=404),
    api("flows/<slug:slug>/versions/<int:number>/rollback", "POST", 201, stranger=404, foreign=404),
    api("flows/<slug:slug>/publication", "POST", 200, stranger=404, foreign=404),
    api("flows/<slug:slug>/pause", "POST", 200, stranger=404, foreign=404),
    # The flow is not paused, so its owner hears 409: known, and not now.
    api("flows/<slug:slug>/pause", "DELETE", 409, stranger=404, foreign=404),
    api("flows/<slug:slug>/waiting/move", "POST", 200, stranger=404, foreign=404),
    # Whose ledger? The address alone does not say, so it is refused by name.
    api("consents", "GET", 422),
    api("consents", "POST", 201, data=OPT_OUT),
    api("opt-out-links", "POST", 200, data={"phone": "+13105550142"}),
    # Contacts that are not in this workspace are counted as skipped.
    api("contact-changes", "POST", 200, data={"contacts": [NOBODY], "name": "plan", "value": 1}),
    api("opt-outs", "POST", 200, data={"contacts": [NOBODY], "reason": "Letter"}),
    api("watched-dates", "GET", 200),
    api("watched-dates", "POST", 201, data={"field": "birthday", "days": 1}),
    api("watched-dates/<str:date>", "DELETE", 204, stranger=404, foreign=404),
    api("campaigns", "GET", 200),
    api("campaigns", "POST", 201, data={"name": "Fresh"}),
    api("campaigns/<str:campaign>", "GET", 200, stranger=404, foreign=404),
    api("campaigns/<str:campaign>", "PATCH", 200, stranger=404, foreign=404),
    api("campaigns/<str:campaign>/funnel", "GET", 200, stranger=404, foreign=404),
    api("campaigns/<str:campaign>/launch", "POST", 200, stranger=404, foreign=404),
    # A draft is on no way yet: known, and not now.
    api("campaigns/<str:campaign>/pause", "POST", 409, stranger=404, foreign=404),
    api("campaigns/<str:campaign>/resume", "POST", 409, stranger=404, foreign=404),
    api("campaigns/<str:campaign>/stop", "POST", 409, stranger=404, foreign=404),
    api("arrivals", "GET", 200),
    api("attributes", "GET", 200),
    api("attributes/<path:attribute_name>", "GET", 200),
    api("attributes/<path:attribute_name>", "PATCH", 200, data={"kept_days": 90}),
    api("event-definitions", "GET", 200),
    api("event-definitions/<path:name>", "GET", 200),
    api("event-definitions/<path:name>", "PATCH", 200, data={"is_expected": True}),
    api("webhooks", "GET", 200),
    api("webhooks", "POST", 201, data=WEBHOOK),
    api("webhooks/<str:hook>", "GET", 200, stranger=404, foreign=404),
    api("webhooks/<str:hook>", "PATCH", 200, stranger=404, foreign=404),
    api("webhooks/<str:hook>", "DELETE", 204, stranger=404, foreign=404),
    api("webhooks/<str:hook>/activation", "POST", 200, stranger=404, foreign=404),
    api("webhooks/<str:hook>/activation", "DELETE", 200, stranger=404, foreign=404),
    api("webhooks/<str:hook>/secret", "POST", 201, stranger=404, foreign=404),
    api("webhooks/<str:hook>/test-event", "POST", 202, stranger=404, foreign=404),
    # Nothing says what to send again.
    api("webhooks/<str:hook>/replays", "POST", 422, stranger=404, foreign=404),
    api("webhooks/<str:hook>/deliveries", "GET", 200, stranger=404, foreign=404),
    api("connectors", "GET", 200),
    api("connectors", "POST", 201, data=CONNECTOR),
    api("connectors/<str:connector>", "GET", 200, stranger=404, foreign=404),
    api("connectors/<str:connector>", "PATCH", 200, stranger=404, foreign=404),
    api("connectors/<str:connector>", "DELETE", 204, stranger=404, foreign=404),
    api("connectors/<str:connector>/secret", "POST", 201, stranger=404, foreign=404),
    api("connectors/<str:connector>/bodies", "GET", 200, stranger=404, foreign=404),
    api(
        "connectors/<str:connector>/bodies/<str:body>/replay",
        "POST",
        202,
        stranger=404,
        foreign=404,
    ),
    # Signed by the connector's own secret or refused: nobody is logged in here.
    Row("webhooks/in/<str:public_id>", "POST", 401, 401, 401, 401, 401, kind="open"),
    # Signed by the gateway's own tokens or refused: nobody is logged in here.
    Row(
        "webhooks/twilio/<uuid:gateway_id>/status/<uuid:attempt_id>",
        "POST",
        403,
        403,
        403,
        403,
        403,
        kind="open",
    ),
    Row("webhooks/twilio/<uuid:gateway_id>/status", "POST", 403, 403, 403, 403, 403, kind="open"),
    Row("webhooks/twilio/<uuid:gateway_id>/inbound", "POST", 403, 403, 403, 403, 403, kind="open"),
    # The snippet's script is for every page; a visit needs a public key in its body.
    Row("site/v1.js", "GET", 200, 200, 200, 200, kind="open"),
    Row("site/v1.js", "HEAD", 200, 200, 200, 200, kind="open"),
    Row("site/visit", "POST", 415, 415, 415, 415, kind="open"),
    # A short link is for whoever holds it.
    Row("t/<str:token>", "GET", 302, 302, 302, 302, 302, kind="open"),
    Row("t/<str:token>", "HEAD", 302, 302, 302, 302, 302, kind="open"),
    # The sign-up page is for everybody, an opt-out link for whoever holds it.
    *(
        Row(route, method, status, status, status, status, kind="open")
        for route, method, status in (
            ("join/<slug:page>", "GET", 200),
            ("join/<slug:page>", "HEAD", 200),
            ("join/<slug:page>", "POST", 422),
            ("join/<slug:page>/done", "GET", 200),
            ("join/<slug:page>/done", "HEAD", 200),
            ("stop/<str:sealed>", "GET", 200),
            ("stop/<str:sealed>", "HEAD", 200),
            ("stop/<str:sealed>", "POST", 303),
        )
    ),
    # people, outside of any workspace
    Row("", "GET", 302, 302, 302, 302, kind="person"),
    Row("login/", "GET", 302, 302, 200, 302, kind="person"),
    Row(
        "login/",
        "POST",
        401,
        401,
        401,
        401,
        data={"email": "a@b.example", "password": "x"},
        kind="person",
    ),
    Row("workspaces/", "GET", 200, 200, 302, 200, kind="person"),
    Row("agency/", "GET", 302, 302, 302, 302, kind="person"),
    Row("logout/", "POST", 302, 302, 302, 302, kind="person"),
    # The token of no invitation: nothing is said about whose it could be.
    Row("invite/<str:token>/", "GET", 404, 404, 404, 404, kind="person"),
    Row("invite/<str:token>/new/", "POST", 404, 404, 404, 404, kind="person"),
    Row("invite/<str:token>/join/", "POST", 404, 404, 302, 404, kind="person"),
    Row("theme/", "POST", 302, 302, 302, 302, data={"theme": "dark"}, kind="person"),
    Row("theme/accent-<str:color>.css", "GET", 200, 200, 200, 200, kind="open"),
    Row("demo", "GET", 404, 404, 404, 404, kind="person"),
    Row("demo", "HEAD", 404, 404, 404, 404, kind="person"),
    # people, inside
    page(""),
    form("first-steps/", step="recipe", act="skipped"),
    page("find/", query="q=Maya"),
    page("contacts/"),
    # Numbers and addresses stand in it for who sees them anyway.
    Row(
        "w/<slug:slug>/contacts/export/",
        "POST",
        200,
        200,
        LOGGED_OUT,
        STRANGER,
        None,
        {"act": "all"},
    ),
    Row(
        "w/<slug:slug>/settings/events/export/",
        "POST",
        200,
        200,
        LOGGED_OUT,
        STRANGER,
        None,
        {"days": "7"},
    ),
    page("imports/"),
    page("imports/new/", small=TOO_SMALL),
    form("imports/new/", 422, kind="contacts"),
    page("imports/<str:job>/", small=TOO_SMALL, foreign=404),
    form("imports/<str:job>/check/", foreign=404, field_1="phone"),
    form("imports/<str:job>/act/", foreign=404, act="cancel"),
    page("imports/<str:job>/progress/", small=TOO_SMALL, foreign=404),
    page("imports/<str:job>/report/", small=TOO_SMALL, foreign=404),
    page("contacts/new/", small=TOO_SMALL),
    form("contacts/new/", 302, phone="+14155550177"),
    page("contacts/paste/", small=TOO_SMALL),
    form("contacts/paste/", 200, rows="+14155550177,Eve", act="save"),
    # Nobody is chosen: back to the list; nothing to change: the page says so.
    form("contacts/bulk/", act="selected"),
    form("contacts/bulk/change/", 422, act="set"),
    page("contacts/<str:ref>/", foreign=404),
    page("contacts/<str:ref>/edit/", small=TOO_SMALL, foreign=404),
    form("contacts/<str:ref>/edit/", 302, foreign=404, city="Austin"),
    page("contacts/<str:ref>/consent/", small=TOO_SMALL, foreign=404),
    form("contacts/<str:ref>/consent/", 302, foreign=404, act="withdraw", stop_source="Call"),
    page("contacts/<str:ref>/merge/", small=TOO_SMALL, foreign=404),
    form("contacts/<str:ref>/merge/", 422, foreign=404),
    form("contacts/<str:ref>/unmerge/", 404, foreign=404),
    page("contacts/<str:ref>/export/", small=TOO_SMALL, foreign=404),
    page("contacts/<str:ref>/erase/", small=TOO_SMALL, foreign=404),
    form("contacts/<str:ref>/erase/", 422, foreign=404),
    page("contacts/<str:ref>/timeline/", foreign=404),
    page("contacts/<str:ref>/would-send/", foreign=404, query="template=cart-1"),
    page("segments/"),
    page("segments/<slug:segment_slug>/", foreign=404),
    page("segments/-/new/", small=TOO_SMALL),
    form("segments/-/new/", name="Fresh", who="did", event="Order Completed", count="1", days=""),
    page("templates/"),
    page("templates/-/new/", small=TOO_SMALL),
    form("templates/-/new/", name="Fresh words", message_type="marketing", body="Hello"),
    page("templates/<slug:template_slug>/", foreign=404),
    page("templates/<slug:template_slug>/edit/", small=TOO_SMALL, foreign=404),
    form("templates/<slug:template_slug>/edit/", foreign=404, base="1", body="Other words"),
    form("templates/<slug:template_slug>/versions/<int:number>/use/", foreign=404),
    page("messages/"),
    page("replies/"),
    page("replies/list/"),
    page("replies/<str:ref>/", foreign=404),
    page("replies/<str:ref>/thread/", foreign=404),
    form("replies/<str:ref>/check/", 200, foreign=404, body="Hello"),
    form("replies/<str:ref>/answer/", foreign=404, **ANSWER),
    form("replies/<str:ref>/state/", foreign=404, state="closed"),
    page("campaigns/"),
    form("campaigns/new/", name="Fresh"),
    page("campaigns/<str:campaign>/", foreign=404),
    page("campaigns/<str:campaign>/audience/", foreign=404, query="who=everybody"),
    page("campaigns/<str:campaign>/funnel/", foreign=404),
    page("campaigns/<str:campaign>/progress/", foreign=404),
    form("campaigns/<str:campaign>/save/", foreign=404, name="Fresh", who="everybody"),
    form("campaigns/<str:campaign>/launch/", foreign=404),
    # What cannot be is said on the page one comes back to.
    form("campaigns/<str:campaign>/pause/", foreign=404),
    form("campaigns/<str:campaign>/resume/", foreign=404),
    form("campaigns/<str:campaign>/stop/", foreign=404),
    page("settings/dates/"),
    form("settings/dates/watch/", field="birthday", side="on", at="09:00"),
    form("settings/dates/<str:date>/unwatch/", foreign=404),
    page("settings/costs/"),
    form("settings/costs/save/", price="0.01", currency="USD"),
    page("flows/"),
    # Looks at a text and changes nothing, so everybody who sees the workspace may.
    Row("w/<slug:slug>/composer/", "POST", 200, 200, LOGGED_OUT, STRANGER, data={"body": "Hi"}),
    page("composer/contacts/"),
    page("flows/<slug:flow_slug>/", foreign=404),
    page("flows/<slug:flow_slug>/steps/", foreign=404),
    page("flows/<slug:flow_slug>/step/<str:key>/", foreign=404),
    page("flows/<slug:flow_slug>/step/<str:key>/edit/", small=TOO_SMALL, foreign=404),
    form("flows/<slug:flow_slug>/step/<str:key>/edit/", foreign=404, base="1", body="Hello there"),
    # Its owner hears that this step is no delay.
    form("flows/<slug:flow_slug>/step/<str:key>/move/", 409, foreign=404),
    page("flows/<slug:flow_slug>/versions/", foreign=404),
    form("flows/<slug:flow_slug>/versions/<int:number>/rollback/", foreign=404),
    page("flows/<slug:flow_slug>/review/", small=TOO_SMALL, foreign=404),
    form("flows/<slug:flow_slug>/publish/", foreign=404, number="1"),
    form("flows/<slug:flow_slug>/pause/", foreign=404),
    # The flow is not paused.
    form("flows/<slug:flow_slug>/resume/", 409, foreign=404),
    form("recipes/<slug:recipe_slug>/start/"),
    page("settings/", 302, small=302),
    page("settings/workspace/", small=TOO_SMALL),
    form("settings/workspace/", name="Fresh"),
    page("settings/sending/", small=TOO_SMALL),
    form("settings/sending/connect/", **ACCOUNT),
    # The story's simulator is in use already, and no simulator runs beside these tests.
    form("settings/sending/simulator/", 409),
    form("settings/sending/gateway/<uuid:gateway_id>/key/", foreign=404, **KEY),
    form("settings/sending/gateway/<uuid:gateway_id>/check/", 409, foreign=404),
    form("settings/sending/gateway/<uuid:gateway_id>/use/", foreign=404, typed_name=NAME),
    form("settings/sending/gateway/<uuid:gateway_id>/resume/", foreign=404),
    form("settings/sending/gateway/<uuid:gateway_id>/token/", foreign=404, token="another"),
    form("settings/sending/gateway/<uuid:gateway_id>/token/retire/", 409, foreign=404),
    form("settings/sending/gateway/<uuid:gateway_id>/sender/", foreign=404, sender="72975"),
    form("settings/sending/sender/<uuid:sender_id>/pause/", foreign=404),
    form("settings/sending/sender/<uuid:sender_id>/resume/", foreign=404),
    form("settings/sending/sender/<uuid:sender_id>/rate/", foreign=404, rate="2"),
    page("settings/test-texts/", small=TOO_SMALL),
    page("settings/test-texts/state/", small=TOO_SMALL),
    form("settings/test-texts/phone/", act="open"),
    form("settings/test-texts/send/"),
    page("settings/quiet-hours/"),
    form("settings/quiet-hours/save/", preset="federal"),
    page("settings/caps/"),
    form("settings/caps/save/", preset="factory"),
    form("settings/caps/cart/", rule="strict"),
    page("settings/team/", small=TOO_SMALL),
    form("settings/team/invite/", 201, email="n@x.example", role="analyst", reach="all"),
    form("settings/team/invites/<uuid:invite_id>/revoke/", foreign=404),
    form("settings/team/<uuid:member_id>/role/", foreign=404, role="support"),
    form("settings/team/<uuid:member_id>/access/", foreign=404, role="support", reach="all"),
    form("settings/team/<uuid:member_id>/remove/", foreign=404),
    page("settings/sign-up/"),
    form("settings/sign-up/save/", headline="Fresh"),
    form("settings/sign-up/preview/", 200, headline="Fresh"),
    form("settings/sign-up/double/", double="on"),
    form("settings/sign-up/revoke-links/"),
    form("settings/sign-up/keywords/", word="fresh"),
    form("settings/sign-up/keywords/<str:word>/", foreign=404),
    page("settings/keys/", small=TOO_SMALL),
    form("settings/keys/api/", 201, name="New", scopes="events:write"),
    form("settings/keys/write/", 201, name="New", kind="server"),
    form("settings/keys/<str:kind>/<uuid:key_id>/", foreign=404),
    page("settings/attributes/"),
    form("settings/attributes/new/", name="fresh", kind="date"),
    page("settings/attributes/name/<path:attribute_name>/"),
    form("settings/attributes/change/<path:attribute_name>/", kept_days="90"),
    page("settings/events/"),
    page("settings/events/name/<path:name>/"),
    form("settings/events/change/<path:name>/", is_expected="yes"),
    page("products/", query="q=mug"),
    page("products/<str:product>/", foreign=404),
    page("settings/site/", small=TOO_SMALL),
    form("settings/site/save/", allowed_origins="https://juniper.example"),
    page("settings/events/arrivals/", small=TOO_SMALL),
    page("settings/events/arrivals/rows/", small=TOO_SMALL),
    page("settings/webhooks/", small=TOO_SMALL),
    form("settings/webhooks/new/", 201, url=WEBHOOK["url"], events="SMS Sent"),
    page("settings/webhooks/<str:hook>/", small=TOO_SMALL, foreign=404),
    page("settings/webhooks/<str:hook>/deliveries/", small=TOO_SMALL, foreign=404),
    form("settings/webhooks/<str:hook>/save/", foreign=404, url=WEBHOOK["url"], events="*"),
    form("settings/webhooks/<str:hook>/act/", foreign=404, do="test"),
    form("settings/webhooks/<str:hook>/replay/", 422, foreign=404),
    page("settings/connectors/", small=TOO_SMALL),
    form("settings/connectors/new/", 201, **CONNECTOR),
    page("settings/connectors/<str:connector>/", small=TOO_SMALL, foreign=404),
    page("settings/connectors/<str:connector>/bodies/", small=TOO_SMALL, foreign=404),
    form("settings/connectors/<str:connector>/save/", foreign=404, name="Fresh"),
    form("settings/connectors/<str:connector>/mapping/", foreign=404, event="Fresh", phone="$.tel"),
    form("settings/connectors/<str:connector>/preview/", 200, foreign=404, event="Fresh"),
    # A new secret is shown on the page that answers.
    form("settings/connectors/<str:connector>/act/", 201, foreign=404, do="rotate"),
    # No body is named.
    form("settings/connectors/<str:connector>/replay/", 404, foreign=404),
    agency("", "GET", 200, small=200),
    agency("copy/", "GET", 200, small=TOO_SMALL),
    # Nobody is chosen to copy to.
    agency("copy/", "POST", 422, small=TOO_SMALL, what="flow:cart-recovery"),
    agency("clients/", "POST", 302, small=TOO_SMALL, **CLIENT),
    agency(
        "invite/", "POST", 201, small=TOO_SMALL, email="n@x.example", role="analyst", reach="all"
    ),
    agency("team/", "GET", 200, small=TOO_SMALL),
    agency("team/<uuid:member_id>/role/", "POST", 302, small=TOO_SMALL, role="support"),
    agency(
        "team/<uuid:member_id>/access/",
        "POST",
        302,
        small=TOO_SMALL,
        role="support",
        reach="all",
    ),
    agency("team/<uuid:member_id>/remove/", "POST", 302, small=TOO_SMALL),
    agency("team/invites/<uuid:invite_id>/revoke/", "POST", 302, small=TOO_SMALL),
    page("test-phone/"),
    page("test-phone/<str:ref>/", foreign=404),
    # Empty forms: what is refused was looked at, and nothing has to leave the process.
    form("test-phone/<str:ref>/fire/", 404, foreign=404),
    form("test-phone/<str:ref>/tap/", 404, foreign=404),
    form("test-phone/<str:ref>/reply/", 422, foreign=404),
    form("test-phone/<str:ref>/clock/", 422, foreign=404),
)
# Answer any method alike, so only GET has a row.
ANY_METHOD = {"", "health", "ready"}
