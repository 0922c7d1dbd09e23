"""Webhook signatures: the published vectors, and every way to get them wrong."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from django.http import QueryDict
from django.test import RequestFactory, override_settings
from twilio.request_validator import RequestValidator

from delivery.carrier_simulator.webhooks import sign
from delivery.gateways.signatures import valid_request, valid_signature, webhook_url

VECTORS: list[dict[str, Any]] = json.loads(
    (Path(__file__).parent / "data" / "signature_vectors_published.json").read_text()
)
URL = "https://k.example/webhooks/twilio/1/status/2?x=1"
FORM = {"MessageSid": "SM1", "MessageStatus": "sent", "To": "+12065550111", "Empty": ""}


def query_dict(params: dict[str, str] | list[list[str]]) -> QueryDict:
    pairs = params.items() if isinstance(params, dict) else params
    return QueryDict(urlencode([(name, value) for name, value in pairs]))


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["source"])
def test_published_vectors(vector: dict[str, Any]) -> None:
    params = query_dict(vector["params"])
    check = (vector["url"], params, vector["signature"])
    assert valid_signature(*check, [vector["token"]]) == vector["valid"]
    assert not valid_signature(*check, [vector["token"] + "x"])
    assert not valid_signature(vector["url"] + "/", params, vector["signature"], [vector["token"]])
    changed = params.copy()
    changed["More"] = "1"
    assert not valid_signature(vector["url"], changed, vector["signature"], [vector["token"]])
    # The simulator's own signer is a second implementation; it must agree.
    if isinstance(vector["params"], dict):
        assert sign(vector["url"], vector["params"], vector["token"]) == vector["signature"]


def test_repeated_values_need_the_query_dict() -> None:
    params = QueryDict("MediaUrl=a&MediaUrl=b&To=1")
    signature = RequestValidator("t").compute_signature(URL, params)
    assert valid_signature(URL, params, signature, ["t"])


def test_any_of_two_tokens_during_a_rotation() -> None:
    signature = sign(URL, FORM, "old")
    params = query_dict(FORM)
    assert valid_signature(URL, params, signature, ["new", "old"])
    assert not valid_signature(URL, params, signature, ["new"])
    assert not valid_signature(URL, params, signature, [])
    assert not valid_signature(URL, params, sign(URL, FORM, ""), [""])


@pytest.mark.parametrize("signature", [None, "", "x", "é", "a" * 28])
def test_a_missing_or_odd_signature_is_no_error(signature: str | None) -> None:
    assert not valid_signature(URL, query_dict(FORM), signature, ["t"])


def test_the_port_may_be_dropped() -> None:
    with_port = "https://k.example:443/webhooks?x=1"
    without = "https://k.example/webhooks?x=1"
    assert valid_signature(with_port, query_dict(FORM), sign(without, FORM, "t"), ["t"])
    assert valid_signature(without, query_dict(FORM), sign(with_port, FORM, "t"), ["t"])


def test_json_bodies_are_tied_by_their_hash() -> None:
    body = '{"a": "ñ"}'
    url = f"https://k.example/w?bodySHA256={hashlib.sha256(body.encode()).hexdigest()}"
    signature = RequestValidator("t").compute_signature(url, {})
    assert valid_signature(url, body, signature, ["t"])
    assert not valid_signature(url, body + " ", signature, ["t"])
    assert not valid_signature("https://k.example/w", body, signature, ["t"])
    assert not valid_signature("https://k.example/bodySHA256=1", body, signature, ["t"])


def test_a_shared_key_signs_with_sha_256() -> None:
    params = query_dict(FORM)
    signature = RequestValidator("t").compute_signature(URL, params, "HMAC_SHA256")
    named = "key=webhooks_sharedkey_1,algorithm=HMAC_SHA256"
    assert valid_signature(URL, params, signature, ["t"], signature_settings=named)
    assert not valid_signature(URL, params, signature, ["t"])
    odd = "algorithm=HMAC_MD5"
    assert not valid_signature(URL, params, signature, ["t"], signature_settings=odd)


@override_settings(KAIROS_PUBLIC_BASE_URL="https://k.example", ALLOWED_HOSTS=["*"])
def test_requests_are_checked_against_the_public_url_never_the_host() -> None:
    path = "/webhooks/twilio/gw_1/status/at_2?x=%20a&y=1"
    signature = sign(f"https://k.example{path}", FORM, "t")

    def request(host: str, signature: str, **more: Any) -> Any:
        return RequestFactory().post(
            path,
            urlencode(FORM),
            content_type="application/x-www-form-urlencoded",
            HTTP_HOST=host,
            HTTP_X_TWILIO_SIGNATURE=signature,
            **more,
        )

    assert webhook_url(request("10.0.0.7:8000", "")) == f"https://k.example{path}"
    assert valid_request(request("10.0.0.7:8000", signature), ["t"])
    forged = sign(f"https://evil.example{path}", FORM, "t")
    assert not valid_request(request("evil.example", forged), ["t"])
    assert not valid_request(request("k.example", "", secure=True), ["t"])


@override_settings(KAIROS_PUBLIC_BASE_URL="https://k.example")
def test_requests_keep_repeated_values() -> None:
    signature = RequestValidator("t").compute_signature(
        "https://k.example/w", QueryDict("MediaUrl=a&MediaUrl=b")
    )
    request = RequestFactory().post(
        "/w", {"MediaUrl": ["b", "a"]}, HTTP_X_TWILIO_SIGNATURE=signature
    )
    assert valid_request(request, ["t"])


@override_settings(KAIROS_PUBLIC_BASE_URL="https://k.example", ALLOWED_HOSTS=["*"])
def test_json_requests() -> None:
    body = b'{"a": 1}'
    path = f"/w?bodySHA256={hashlib.sha256(body).hexdigest()}"
    signature = RequestValidator("t").compute_signature(f"https://k.example{path}", {})

    def post(content: bytes) -> bool:
        request = RequestFactory().post(
            path,
            content,
            content_type="application/json; charset=utf-8",
            HTTP_X_TWILIO_SIGNATURE=signature,
        )
        return valid_request(request, ["t"])

    assert post(body)
    assert not post(body + b" ")
    assert not post(b"\xff\xfe")
