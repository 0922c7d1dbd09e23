"""An account to try things on: its numbers are as accounts have them when something is missing.

Started with `--try-out`. Nothing goes out through it in the demo: it is there to be looked at.
"""

from __future__ import annotations

from delivery.carrier_simulator.store import Account, Number, Service

SID = "AC" + "5" * 32
TOKEN = "simulated-auth-token"  # noqa: S105 (of an account that exists nowhere)
READY, NO_SMS, NO_CAMPAIGN, WAITING, REFUSED, UNVERIFIED = (
    "+15005559200",
    "+15005559201",
    "+15005559202",
    "+15005559203",
    "+15005559204",
    "+18885559205",
)
# What each number is there to show.
NUMBERS = (
    (READY, "can send"),
    (NO_SMS, "cannot send SMS"),
    (NO_CAMPAIGN, "has no 10DLC campaign"),
    (WAITING, "its campaign is in review"),
    (REFUSED, "its campaign was refused"),
    (UNVERIFIED, "toll-free, not verified"),
)


def try_out_account() -> Account:
    pools = ((READY, "VERIFIED"), (WAITING, "IN_PROGRESS"), (REFUSED, "FAILED"))
    services = [
        Service(f"MG{place:032x}", [phone], campaigns=[state])
        for place, (phone, state) in enumerate(pools, 1)
    ]
    return Account(
        sid=SID,
        auth_tokens=[TOKEN],
        numbers={phone: Number(phone, sms=phone != NO_SMS) for phone, _ in NUMBERS},
        services={service.sid: service for service in services},
    )
