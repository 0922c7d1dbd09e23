"""Whatever is sent to a machine's address: a clear answer of its own, nothing half-written, no 500.

The events edge has a larger table of its own; here every address is looked at in the same way.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import pytest
from django.conf import settings
from django.db import transaction
from django.test import Client
from twilio.request_validator import RequestValidator

from delivery.api.webhooks import forget_doors
from tests.isolation.conftest import Objects, Pair
from tests.isolation.test_endpoints import bearer, snapshot

PROBLEM = {"type", "title", "status", "code", "detail", "errors", "request_id"}
MB10 = b'{"name": "' + b"x" * 10_000_000 + b'"}'
DEEP = b'{"a":' * 20_000 + b"1" + b"}" * 20_000
SHALLOW_DEEP = b'{"a":' * 300 + b"1" + b"}" * 300
SURROGATE, NUL, NUMBER = rb"\ud800", rb"\u0000", b"1" * 5_000
VERSION = b"""{"definition": {"trigger": {"type": "event", "event": %s}, "priority": %s,
 "reentry": {"mode": "every", "min_gap": "PT24H"}, "exit": [{"event": "Order Completed"}],
 "steps": [{"key": "text", "type": "message", "template": "only"}]}}"""
FLOW = b'{"name": %s, ' + VERSION[1:]
CONDITION = (
    b'{"name": "S", "definition": {"all": [{"attribute": "city", "op": "is", "value": %s}]}}'
)

# What no address takes, whatever it is for: (name, body, status, code). %s: its first field.
NOT_JSON: tuple[tuple[str, bytes, int, str], ...] = (
    ("half", b'{"%s": [', 400, "malformed_json"),
    ("not UTF-8", b'{"%s": ["\xff\xfe"]}', 400, "malformed_json"),
    ("NaN", b'{"%s": [NaN]}', 400, "malformed_json"),
    ("too deep", b'{"%s": [' + DEEP + b"]}", 400, "malformed_json"),
    ("a list", b"[]", 422, "invalid"),
    ("a word", b'"x"', 422, "invalid"),
    ("null", b"null", 422, "invalid"),
    ("no fields", b"{}", 422, "invalid"),
    ("10 MB", MB10, 413, "body_too_large"),
)
# Address -> its first field. Without a body the first four hear that it is no JSON, the others
# (which also take a POST without one) that fields are missing.
JSON_ADDRESSES = {
    "/v1/track": "anything",
    "/v1/batch": "batch",
    "/api/v1/events": "events",
    "/api/v1/products": "products",
    "/api/v1/segments": "name",
    "/api/v1/templates": "slug",
    "/api/v1/flows": "name",
    "/api/v1/flows/only-ours/versions": "definition",
    "/api/v1/contacts": "external_id",
    "/api/v1/messages": "template",
    "/api/v1/keys": "name",
}
EDGES = ("/v1/track", "/v1/batch", "/api/v1/events", "/api/v1/products")


@dataclass(frozen=True)
class Case:
    """One request and the answer it deserves. `key`: server, public, api, theirs or none."""

    name: str
    path: str
    body: bytes | dict[str, Any] | None
    status: int
    code: str
    key: str = ""
    method: str = "POST"
    headers: dict[str, str] = field(default_factory=dict)


def each_address() -> Iterator[Case]:
    for path, first in JSON_ADDRESSES.items():
        for name, body, status, code in NOT_JSON:
            if name == "not UTF-8" and path in EDGES:
                continue  # they say which item is wrong; see the events edge's own table
            sent = body.replace(b"%s", first.encode())
            yield Case(f"{path} {name}", path, sent, status, code)
        if path in EDGES:
            yield Case(f"{path} nothing", path, b"", 400, "malformed_json")
        else:
            yield Case(f"{path} nothing", path, b"", 422, "invalid")
        empty: dict[str, Any] = {first: []}
        yield Case(f"{path} no key", path, empty, 401, "unauthenticated", key="none")
        yield Case(f"{path} wrong key", path, empty, 401, "unauthenticated", key="wrong")
        kind = {"Content-Type": "application/xml"}
        if path != "/api/v1/products":
            yield Case(f"{path} XML", path, b"<a/>", 415, "unsupported_media_type", headers=kind)


CASES: tuple[Case, ...] = (
    *each_address(),
    # weird text and numbers
    Case("track surrogate", "/v1/track", b'{"event": "' + SURROGATE + b'", "userId": "u"}', 400,
         "malformed_json"),
    Case("track NUL", "/v1/track", b'{"event": "' + NUL + b'", "userId": "u"}', 422, "invalid"),
    Case("track huge number", "/v1/track",
         b'{"event": "E", "userId": "u", "properties": {"n": 1e999}}', 422, "invalid"),
    Case("product surrogate", "/api/v1/products",
         b'{"products": [{"product_id": "p", "name": "' + SURROGATE + b'"}]}', 400,
         "malformed_json"),
    Case("product NUL", "/api/v1/products",
         b'{"products": [{"product_id": "p", "name": "a' + NUL + b'"}]}', 422, "invalid"),
    Case("product huge stock", "/api/v1/products",
         b'{"products": [{"product_id": "p", "name": "n", "stock": 1' + b"0" * 30 + b"}]}", 422,
         "invalid"),
    Case("flow surrogate in name", "/api/v1/flows", FLOW % (b'"' + SURROGATE + b'"', b'"E"', b"1"),
         400, "malformed_json"),
    Case("flow NUL in name", "/api/v1/flows", FLOW % (b'"a' + NUL + b'"', b'"E"', b"1"), 422,
         "invalid"),
    Case("flow surrogate inside", "/api/v1/flows", FLOW % (b'"F"', b'"' + SURROGATE + b'"', b"1"),
         400, "malformed_json"),
    Case("flow NUL inside", "/api/v1/flows", FLOW % (b'"F"', b'"E' + NUL + b'"', b"1"), 422,
         "invalid"),
    Case("flow huge number", "/api/v1/flows", FLOW % (b'"F"', b'"E"', b"1" + b"0" * 400), 422,
         "invalid"),
    Case("flow longer number", "/api/v1/flows", FLOW % (b'"F"', b'"E"', NUMBER), 400,
         "malformed_json"),
    Case("flow nested", "/api/v1/flows", b'{"name": "F", "definition": ' + SHALLOW_DEEP + b"}", 422,
         "invalid"),
    Case("flow of a word", "/api/v1/flows", {"name": "F", "definition": "x"}, 422, "invalid"),
    Case("flow of a list", "/api/v1/flows", {"name": "F", "definition": [[[]]]}, 422, "invalid"),
    Case("segment surrogate", "/api/v1/segments", CONDITION % (b'"' + SURROGATE + b'"'), 400,
         "malformed_json"),
    Case("segment NUL", "/api/v1/segments", CONDITION % (b'"a' + NUL + b'"'), 422, "invalid"),
    Case("segment nested", "/api/v1/segments",
         b'{"name": "S", "definition": ' + b'{"all":[' * 300 + b"]}" * 300 + b"}", 422, "invalid"),
    Case("template surrogate", "/api/v1/templates",
         b'{"slug": "t", "body": "' + SURROGATE + b'"}', 400, "malformed_json"),
    Case("template NUL", "/api/v1/templates", b'{"slug": "t", "body": "a' + NUL + b'"}', 422,
         "invalid"),
    Case("template fields surrogate", "/api/v1/templates",
         b'{"slug": "t", "body": "[FirstName]", "fields": {"FirstName": "' + SURROGATE + b'"}}',
         400, "malformed_json"),
    Case("template fields NUL", "/api/v1/templates",
         b'{"slug": "t", "body": "[FirstName]", "fields": {"FirstName": "a' + NUL + b'"}}', 422,
         "invalid"),
    Case("template fields of a list", "/api/v1/templates",
         {"slug": "t", "body": "[FirstName]", "fields": [1]}, 422, "invalid"),
    Case("template too long", "/api/v1/templates", {"slug": "t", "body": "x" * 2000}, 422,
         "invalid"),
    Case("template huge ttl", "/api/v1/templates",
         b'{"slug": "t", "body": "x", "ttl_seconds": 1' + b"0" * 30 + b"}", 422, "invalid"),
    # phones
    Case("identify bad phone", "/v1/identify", {"userId": "u", "traits": {"phone": "12"}}, 422,
         "invalid"),
    Case("identify phone of a list", "/v1/identify", {"userId": "u", "traits": {"phone": [1]}}, 422,
         "invalid"),
    # public keys overreaching
    *(
        Case(f"public {name}", path, body, 403, "forbidden", key="public",
             headers={"Origin": "https://juniper.example"})
        for name, path, body in (
            ("sets a phone", "/v1/identify",
             {"anonymousId": "a", "traits": {"phone": "+13105550142"}}),
            ("names a person", "/v1/track", {"userId": "maya", "event": "Product Viewed"}),
            ("orders", "/v1/track", {"anonymousId": "a", "event": "Order Completed"}),
            ("pays a balance", "/v1/track",
             {"anonymousId": "a", "event": "Loyalty Balance Changed",
              "properties": {"balance": 5}}),
            ("binds", "/v1/alias", {"previousId": "a", "userId": "maya"}),
        )
    ),
    Case("public from a foreign page", "/v1/track",
         {"anonymousId": "a", "event": "Product Viewed"}, 403, "origin_not_allowed", key="public",
         headers={"Origin": "https://evil.example"}),
    Case("public on our API", "/api/v1/flows", {}, 403, "forbidden", key="public"),
    # foreign and impossible ids
    Case("their flow", "/api/v1/flows/only-theirs/versions", {"definition": {}}, 404, "not_found"),
    Case("no such flow", "/api/v1/flows/nope/publication", None, 404, "not_found"),
    Case("their template in our flow", "/api/v1/flows/only-ours/versions",
         VERSION.replace(b'"only"', b'"only-theirs"') % (b'"E"', b"1"), 201, ""),
    Case("a cursor of somewhere else", "/api/v1/segments/only-ours/members?cursor=con_zz", None,
         422, "invalid", method="GET"),
    Case("a cursor with NUL", "/api/v1/segments/only-ours/members?cursor=con_%00", None, 422,
         "invalid", method="GET"),
    Case("an unknown choice", "/api/v1/flows/only-ours/pause?overdue=never", None, 422, "invalid",
         method="DELETE"),
    # addresses that are not there
    Case("no such call", "/v1/dance", {}, 404, "not_found"),
    *(
        Case(f"{method} {path} with key {key}", path, b"", 404, "not_found", key=key, method=method)
        for path in ("/api", "/api/", "/api/v1", "/api/v1/", "/api/v1/nothing", "/api/v2/contacts",
                     "/api/v1/contacts/", "/api/schema", "/v1", "/v1/")
        for method in ("GET", "POST")
        for key in ("api", "none")
    ),
    *(
        Case(f"{method} {path} with key {key}", path, b"", 405, "method_not_allowed", key=key, method=method)
        for method, path in (("PUT", "/api/v1/contacts"), ("POST", "/api/schema/"),
                             ("DELETE", "/api/docs/"), ("GET", "/v1/track"))
        for key in ("api", "none")
    ),
    Case("a slug that is none", "/api/v1/flows/a%00b", None, 404, "not_found", method="GET"),
    Case("no such webhook", "/webhooks/twilio/x/inbound", {}, 404, "not_found", key="none"),
    Case("a gateway nobody has", f"/webhooks/twilio/{uuid4()}/inbound", {}, 404, "not_found",
         key="none"),
    # packing
    Case("bad gzip", "/v1/batch", b"no gzip", 400, "malformed_body",
         headers={"Content-Encoding": "gzip"}),
    Case("a gzip bomb", "/v1/batch", gzip.compress(b" " * 30_000_000), 413, "body_too_large",
         headers={"Content-Encoding": "gzip"}),
)  # fmt: skip


def test_every_bad_request_gets_its_own_answer(pair: Pair) -> None:
    wrong = {}
    for case in CASES:
        with transaction.atomic():
            found = list(judge(case, pair))
            transaction.set_rollback(True)
        if found:
            wrong[case.name] = found
    assert wrong == {}, json.dumps(wrong, indent=1)


def kept(whose: Objects) -> dict[str, Any]:
    """All that is stored, without the note of what was refused: the page of arrivals shows it."""
    return {name: found for name, found in snapshot(whose).items() if name != "events_unstoreditem"}


def judge(case: Case, pair: Pair) -> Iterator[str]:
    before = kept(pair.ours)
    secrets = {
        "server": pair.ours.brand.write_key,
        "public": pair.ours.brand.public_key,
        "api": pair.ours.brand.api_key,
        "wrong": "wk_wrong",
    }
    kind = case.key or ("server" if case.path.startswith("/v1/") else "api")
    headers = dict(case.headers)
    content_type = headers.pop("Content-Type", "application/json")
    if kind in secrets:
        headers |= bearer(secrets[kind])
    body = case.body if isinstance(case.body, bytes) else json.dumps(case.body or {}).encode()
    client = Client(raise_request_exception=False)
    answer = client.generic(case.method, case.path, body, content_type, headers=headers)
    yield from describe(answer, case.status, case.code)
    if case.status >= 400 and kept(pair.ours) != before:
        yield "something was written"


def describe(answer: Any, status: int, code: str) -> Iterator[str]:
    if answer.status_code != status:
        yield f"{answer.status_code}, not {status}: {answer.content[:200]!r}"
        return
    if status < 400:
        return
    if not answer["Content-Type"].startswith("application/problem+json"):
        yield f"not problem details: {answer['Content-Type']}"
        return
    said = answer.json()
    if set(said) != PROBLEM:
        yield f"fields {sorted(said)}"
    elif (said["status"], said["code"]) != (status, code):
        yield f"{said['status']} {said['code']}, not {code}"
    elif not (said["request_id"] and said["detail"] and said["title"]):
        yield f"says too little: {said}"
    elif said["type"] != f"urn:kairos:problem:{code}":
        yield said["type"]
    elif code == "invalid" and not all(
        set(each) == {"field", "code", "detail"} for each in said["errors"]
    ):
        yield f"errors {said['errors']}"
    elif code == "invalid" and not said["errors"]:
        yield "names no field"


# --- webhooks: signed well, said badly ------------------------------------------------------------

FORMS: tuple[tuple[str, str, dict[str, str], int, str], ...] = (
    ("nothing", "inbound", {}, 422, "invalid"),
    ("no sender", "inbound", {"MessageSid": "SM1", "Body": "x"}, 422, "invalid"),
    ("NUL in the id", "inbound", {"MessageSid": "SM\x00", "From": "+13105550142"}, 422, "invalid"),
    ("NUL in the sender", "inbound", {"MessageSid": "SM2", "From": "+1310\x00"}, 422, "invalid"),
    ("status without an id", "status", {"MessageStatus": "sent"}, 422, "invalid"),
    ("status without a status", "status", {"MessageSid": "SM3"}, 422, "invalid"),
    ("NUL in a status", "status", {"MessageSid": "SM4", "MessageStatus": "se\x00nt"}, 422,
     "invalid"),
)  # fmt: skip
# Odd, and still news that must not be lost.
TAKEN: tuple[tuple[str, str, dict[str, str]], ...] = (
    ("a sender that is no number", "inbound", {"MessageSid": "SM5", "From": "whatsapp:x"}),
    ("NUL in the body", "inbound",
     {"MessageSid": "SM6", "From": "+13105550142", "Body": "ST\x00OP"}),
    ("a lone surrogate", "inbound",
     {"MessageSid": "SM7", "From": "+13105550142", "Body": "hi \ufffd"}),
    ("a long body", "inbound",
     {"MessageSid": "SM8", "From": "+13105550142", "Body": "x" * 20_000}),
    ("a number of media that is none", "inbound",
     {"MessageSid": "SM9", "From": "+13105550142", "NumMedia": "-7e9"}),
    ("NUL in what we do not read", "inbound",
     {"MessageSid": "SM10", "From": "+13105550142", "FromCity": "A\x00"}),
    ("long ids", "inbound", {"MessageSid": "S" * 500, "From": "+1" + "3" * 500}),
    ("media with NUL", "inbound",
     {"MessageSid": "SM11", "From": "+13105550142", "NumMedia": "1", "MediaUrl0": "h\x00"}),
    ("an unknown status", "status", {"MessageSid": "SM12", "MessageStatus": "pondering"}),
    ("a status with NUL elsewhere", "status",
     {"MessageSid": "SM13", "MessageStatus": "sent", "To": "\x00"}),
    ("a huge error code", "status",
     {"MessageSid": "SM14", "MessageStatus": "failed", "ErrorCode": "9" * 40}),
)  # fmt: skip


def test_signed_webhooks_that_say_nothing_useful(pair: Pair) -> None:
    wrong = {}
    for name, what, form, status, code in (
        *FORMS,
        *((name, what, form, 204, "") for name, what, form in TAKEN),
    ):
        with transaction.atomic():
            before = snapshot(pair.ours)
            found = list(describe(tell(pair.ours, what, form), status, code))
            if status >= 400 and snapshot(pair.ours) != before:
                found.append("something was written")
            transaction.set_rollback(True)
        if found:
            wrong[name] = found
    assert wrong == {}, json.dumps(wrong, indent=1)


def test_webhooks_signed_wrongly_change_nothing(pair: Pair) -> None:
    form = {"MessageSid": "SM1", "From": "+13105550142", "Body": "STOP"}
    before = snapshot(pair.ours)
    for more in (
        {"token": "somebody else's"},
        {"signature": "x"},
        {"signature": "\udce4".encode("utf-8", "surrogateescape").decode("latin-1")},
        {"signed": {**form, "Body": "START"}},
        {"signed_path": f"/webhooks/twilio/{pair.theirs.kwargs['gateway_id']}/inbound"},
        {"content_type": "application/json"},
        {"signature": ""},
    ):
        answer = tell(pair.ours, "inbound", form, **more)
        assert list(describe(answer, 403, "bad_signature")) == [], more
    huge = tell(pair.ours, "inbound", {**form, "Body": "x" * 200_000})
    assert list(describe(huge, 413, "body_too_large")) == []
    assert snapshot(pair.ours) == before


def test_our_gateway_tells_nothing_about_their_texts(pair: Pair) -> None:
    """Signed by our own account, about an attempt of theirs."""
    from delivery.domain.callbacks import apply_callbacks

    before = snapshot(pair.theirs)
    path = f"/webhooks/twilio/{pair.ours.kwargs['gateway_id']}/status/{pair.theirs.kwargs['attempt_id']}"
    form = {"MessageSid": "SM1", "MessageStatus": "failed", "ErrorCode": "30003"}
    assert tell(pair.ours, "", form, path=path).status_code == 204
    apply_callbacks(pair.ours.brand.tenant.id, now=pair.ours.now)
    assert snapshot(pair.theirs) == before


def tell(
    whose: Objects,
    what: str,
    form: dict[str, str],
    *,
    token: str = "x",  # noqa: S107 (the story's account)
    signature: str | None = None,
    signed: dict[str, str] | None = None,
    signed_path: str = "",
    path: str = "",
    content_type: str = "",
) -> Any:
    forget_doors()
    gateway, attempt = whose.kwargs["gateway_id"], whose.kwargs["attempt_id"]
    path = path or f"/webhooks/twilio/{gateway}/" + (
        "inbound" if what == "inbound" else f"status/{attempt}"
    )
    url = f"{settings.KAIROS_PUBLIC_BASE_URL}{signed_path or path}"
    right = RequestValidator(token).compute_signature(url, form if signed is None else signed)
    headers = {"X-Twilio-Signature": right if signature is None else signature}
    client = Client(raise_request_exception=False)
    if content_type:
        return client.generic("POST", path, json.dumps(form), content_type, headers=headers)
    return client.post(path, form, headers=headers)


# --- short links ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "token", ["x", "a" * 5_000, "%00", "%ED%A0%80", "..%2F..%2Fetc", "AAAAAAAAAA", "%F0%9F%98%80"]
)
def test_links_that_lead_nowhere(pair: Pair, token: str) -> None:
    answer = Client(raise_request_exception=False).get(f"/t/{token}")
    assert answer.status_code == 404
    assert b"<html" in answer.content.lower()  # people tap links, machines do not


def test_odd_visitors_still_get_through(pair: Pair) -> None:
    path = f"/t/{pair.ours.kwargs['token']}"
    for headers in (
        {"User-Agent": "a\x00b" + "x" * 10_000},
        {"User-Agent": "\xff\xfe"},
        {"Purpose": "prefetch\x00" * 500},
        {"User-Agent": ""},
    ):
        answer = Client(raise_request_exception=False).get(path, headers=headers)
        assert answer.status_code == 302, headers
