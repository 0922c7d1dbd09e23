"""Twilio's read-only side: the account, its numbers, its messaging services and registrations.

Shapes and refusals are Twilio's: a standard API key may not read the account itself, lists of
`api` and of `messaging` are paged differently, and nothing here changes anything.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from delivery.carrier_simulator.http_server import Reply, json_reply
from delivery.carrier_simulator.refusals import Refused
from delivery.carrier_simulator.resources import (
    account_json,
    campaign_json,
    number_json,
    pool_number_json,
    service_json,
    short_code_json,
    verification_json,
)
from delivery.carrier_simulator.store import Account, Number
from delivery.carrier_simulator.texts import API_VERSION

Params = dict[str, list[str]]
_SERVICE = re.compile(r"/messaging/v1/Services/(MG[0-9a-f]{32})(?:/(.+))?")
_OWNED = re.compile(r"IncomingPhoneNumbers/(PN[0-9a-f]{32})\.json")


def read_account(account: Account, rest: str | None, params: Params, *, by_key: bool) -> Reply:
    """GET below `/2010-04-01/Accounts/{sid}`. Raises `Refused`."""
    if rest is None:
        if by_key:
            raise Refused(401, 20003)
        return json_reply(account_json(account))
    wanted = params.get("PhoneNumber", params.get("ShortCode", [""]))[0]
    numbers = [n for n in account.numbers.values() if not wanted or n.phone == wanted]
    if rest == "IncomingPhoneNumbers.json":
        owned = [number_json(account, n) for n in numbers if not n.is_short_code]
        return json_reply(_listed(account, "IncomingPhoneNumbers", "incoming_phone_numbers", owned))
    if rest == "SMS/ShortCodes.json":
        codes = [short_code_json(account, n) for n in numbers if n.is_short_code]
        return json_reply(_listed(account, "SMS/ShortCodes", "short_codes", codes))
    if one := _OWNED.fullmatch(rest):
        return json_reply(number_json(account, _number(account, one[1])))
    raise Refused(404, 20404)


def read_messaging(account: Account, path: str, params: Params) -> Reply:
    """GET below `/v1` of the product `messaging`. Raises `Refused`."""
    if path == "/messaging/v1/Services":
        found = [service_json(account, sid) for sid in account.services]
        return json_reply(_paged("services", found))
    if path == "/messaging/v1/Tollfree/Verifications":
        wanted = params.get("TollfreePhoneNumberSid", [""])[0]
        found = [
            verification_json(account, number)
            for number in account.numbers.values()
            if number.verification and wanted in {"", number.sid}
        ]
        return json_reply(_paged("verifications", found))
    asked = _SERVICE.fullmatch(path)
    if asked is None or asked[1] not in account.services:
        raise Refused(404, 20404)
    service, rest = account.services[asked[1]], asked[2]
    if rest is None:
        return json_reply(service_json(account, service.sid))
    if rest == "Compliance/Usa2p":
        found = [
            campaign_json(account, service, status, at)
            for at, status in enumerate(service.campaigns)
        ]
        return json_reply(_paged("compliance", found))
    pool = [account.numbers[phone] for phone in service.numbers if phone in account.numbers]
    kinds: dict[str, tuple[str, Callable[[Number], bool]]] = {
        "PhoneNumbers": ("phone_numbers", lambda number: not number.is_short_code),
        "ShortCodes": ("short_codes", lambda number: number.is_short_code),
    }
    kind, _, sid = rest.partition("/")
    if kind not in kinds:
        raise Refused(404, 20404)
    key, fits = kinds[kind]
    shown = {n.sid: pool_number_json(account, service, n) for n in pool if fits(n)}
    if not sid:
        return json_reply(_paged(key, list(shown.values())))
    if sid not in shown:
        raise Refused(404, 20404)
    return json_reply(shown[sid])


def _number(account: Account, sid: str) -> Number:
    for number in account.numbers.values():
        if number.sid == sid:
            return number
    raise Refused(404, 20404)


def _listed(account: Account, name: str, key: str, found: list[dict[str, Any]]) -> dict[str, Any]:
    base = f"/{API_VERSION}/Accounts/{account.sid}/{name}.json"
    return {
        key: found,
        "end": max(len(found) - 1, 0),
        "first_page_uri": f"{base}?Page=0",
        "next_page_uri": None,
        "page": 0,
        "page_size": 1000,
        "previous_page_uri": None,
        "start": 0,
        "uri": base,
    }


def _paged(key: str, found: list[dict[str, Any]]) -> dict[str, Any]:
    meta = {
        "page": 0,
        "page_size": 50,
        "key": key,
        "previous_page_url": None,
        "next_page_url": None,
    }
    return {key: found, "meta": meta}
