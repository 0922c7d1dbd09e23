"""Twilio's small read-only resources, in Twilio's shapes."""

from __future__ import annotations

from typing import Any

from delivery.carrier_simulator.carrier import MAX_QUEUE_SECONDS
from delivery.carrier_simulator.store import Account, Number, Service
from delivery.carrier_simulator.texts import API_VERSION, rfc2822

_ISO = "1970-01-01T00:00:00Z"


def account_json(account: Account) -> dict[str, Any]:
    return {
        "sid": account.sid,
        "friendly_name": "Carrier simulator",
        "owner_account_sid": account.sid,
        "status": account.status,
        "type": account.type,
        "auth_token": None,
        "date_created": rfc2822(0),
        "date_updated": rfc2822(0),
        "uri": f"/{API_VERSION}/Accounts/{account.sid}.json",
        "subresource_uris": {},
    }


def number_json(account: Account, number: Number) -> dict[str, Any]:
    base = f"/{API_VERSION}/Accounts/{account.sid}/IncomingPhoneNumbers"
    return {
        "sid": number.sid,
        "account_sid": account.sid,
        "phone_number": number.phone,
        "friendly_name": number.phone,
        "sms_url": number.inbound_url,
        "sms_method": "POST",
        "sms_application_sid": number.application_sid,
        "capabilities": {"sms": number.sms, "mms": number.sms, "voice": True, "fax": False},
        "api_version": API_VERSION,
        "uri": f"{base}/{number.sid}.json",
    }


def short_code_json(account: Account, number: Number) -> dict[str, Any]:
    return {
        "sid": number.sid,
        "account_sid": account.sid,
        "short_code": number.phone,
        "friendly_name": number.phone,
        "sms_url": number.inbound_url,
        "sms_method": "POST",
        "api_version": API_VERSION,
        "uri": f"/{API_VERSION}/Accounts/{account.sid}/SMS/ShortCodes/{number.sid}.json",
    }


def service_json(account: Account, sid: str) -> dict[str, Any]:
    service = account.services[sid]
    return {
        "sid": sid,
        "account_sid": account.sid,
        "friendly_name": sid,
        "inbound_request_url": service.inbound_url or None,
        "inbound_method": "POST",
        "status_callback": service.status_callback or None,
        "sticky_sender": True,
        "smart_encoding": True,
        "validity_period": MAX_QUEUE_SECONDS,
        "us_app_to_person_registered": "VERIFIED" in service.campaigns,
        "use_inbound_webhook_on_number": not service.inbound_url,
        "url": f"https://messaging.twilio.com/v1/Services/{sid}",
    }


def pool_number_json(account: Account, service: Service, number: Number) -> dict[str, Any]:
    name = "short_code" if number.is_short_code else "phone_number"
    return {
        "sid": number.sid,
        "account_sid": account.sid,
        "service_sid": service.sid,
        name: number.phone,
        "country_code": "US",
        "capabilities": ["SMS", "MMS"] if number.sms else [],
        "date_created": _ISO,
        "date_updated": _ISO,
        "url": f"https://messaging.twilio.com/v1/Services/{service.sid}/PhoneNumbers/{number.sid}",
    }


def campaign_json(account: Account, service: Service, status: str, at: int) -> dict[str, Any]:
    sid = f"QE{at:032x}"
    return {
        "sid": sid,
        "account_sid": account.sid,
        "messaging_service_sid": service.sid,
        "brand_registration_sid": f"BN{0:032x}",
        "description": "Reminders and offers for people who signed up.",
        "us_app_to_person_usecase": "MARKETING",
        "campaign_status": status,
        "campaign_id": f"C{at:06d}" if status == "VERIFIED" else None,
        "errors": [] if status != "FAILED" else [{"error_code": 30886}],
        "mock": False,
        "date_created": _ISO,
        "date_updated": _ISO,
        "url": f"https://messaging.twilio.com/v1/Services/{service.sid}/Compliance/Usa2p/{sid}",
    }


def verification_json(account: Account, number: Number) -> dict[str, Any]:
    sid = f"HH{number.sid[2:]}"
    return {
        "sid": sid,
        "account_sid": account.sid,
        "tollfree_phone_number_sid": number.sid,
        "status": number.verification,
        "error_code": None,
        "date_created": _ISO,
        "date_updated": _ISO,
        "url": f"https://messaging.twilio.com/v1/Tollfree/Verifications/{sid}",
    }
