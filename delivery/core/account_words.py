"""What a look at a gateway account means in plain words, and what to do about it. Pure.

The words name what the person sees in Twilio's console.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from delivery.core.account import (
    ANSWER_SECONDS,
    LOOK_SECONDS,
    AccountLook,
    Finding,
    Probe,
    SenderLook,
    Setup,
    kind_of,
)

_NOT_ALLOWED = frozenset({70051, 20403})
_CAMPAIGN_WAITS = frozenset({"PENDING", "IN_PROGRESS"})
_VERIFICATION_WAITS = frozenset({"PENDING_REVIEW", "IN_REVIEW"})
_AGAIN = "Check again in a minute."
# What stands beside a number, by the first finding about it that says more than "fine".
_SHORT = {
    "not_owned": "Not in this account",
    "no_sms": "Cannot send SMS",
    "service_empty": "No number in it",
    "not_verified": "Not verified",
    "verification_waits": "In review",
    "no_campaign": "No 10DLC campaign",
    "campaign_failed": "Campaign refused",
    "campaign_waits": "Campaign in review",
    "inbound_elsewhere": "Replies go elsewhere",
    "not_known": "No answer",
    "campaign_not_known": "Campaign not known",
    "verification_not_known": "Verification not known",
}
# With one of these nothing could be sent or believed, so the account is not taken into use.
BLOCKING = frozenset(
    {
        "wrong_key",
        "key_not_allowed",
        "wrong_token",
        "account_closed",
        "no_sender",
        "not_owned",
        "no_sms",
        "service_empty",
    }
)


def judge(look: AccountLook, setup: Setup) -> list[Finding]:
    """What the look means, the worst first within key, account, tokens, senders."""
    if look.key.outcome == "unreachable":
        return [
            Finding(
                "unreachable",
                "wait",
                _silence(look.key, "the key"),
                f"Nothing is known to be wrong. {_AGAIN}",
            )
        ]
    found = [_judge_key(look, setup)]
    found += [f for f in (_judge_account(look),) if f is not None]
    found += _judge_tokens(look, setup)
    if look.key.outcome != "ok":
        return found
    if not look.senders:
        found.append(
            Finding("no_sender", "stop", "There is no number to send from.", "Add one below.")
        )
    for sender in look.senders:
        found += judge_sender(sender, setup)
    return found


def _judge_key(look: AccountLook, setup: Setup) -> Finding:
    if look.key.outcome == "ok":
        with_what = "API key" if setup.has_key else "auth token"
        return Finding("key_works", "good", f"Twilio accepts the {with_what} for this account.")
    if look.key.code in _NOT_ALLOWED:
        return Finding(
            "key_not_allowed",
            "stop",
            f"Twilio knows the key but does not let it read the numbers ({look.key.code}).",
            "Use a standard API key of this account, and one of the region US1. If the account is"
            " suspended, Twilio's support must open it again.",
        )
    if setup.has_key:
        return Finding(
            "wrong_key",
            "stop",
            f"Wrong key: Twilio does not accept it for this account ({look.key.code or 'no code'}).",
            "In Twilio's console open Account, API keys and tokens. Account SID, key SID (SK...) and"
            " secret must belong together. A secret is shown once: make a new key if it is lost.",
        )
    return Finding(
        "wrong_key",
        "stop",
        f"Wrong auth token: Twilio does not accept it ({look.key.code or 'no code'})."
        " Callbacks and replies signed with the right one would be refused here.",
        "Copy the auth token again from the first page of Twilio's console. Under Auth tokens below,"
        " add it with Rotate and retire the old one: then texts are submitted with the right one.",
    )


def _judge_account(look: AccountLook) -> Finding | None:
    if look.status in {"suspended", "closed"}:
        return Finding(
            "account_closed",
            "stop",
            f"Twilio says that this account is {look.status}.",
            "Nothing can be sent until Twilio's support opens it again.",
        )
    if look.type == "Trial":
        return Finding(
            "trial",
            "wait",
            "This is a trial account: it texts only numbers that you verified at Twilio, and Twilio"
            " puts its own words in front of each text.",
            "Upgrade the account in Twilio's console before you text customers.",
        )
    return None


def _judge_tokens(look: AccountLook, setup: Setup) -> list[Finding]:
    # Without an API key the one token is the key, and was judged as that.
    if not setup.has_key and look.key.outcome == "refused" and len(setup.hints) == 1:
        return []
    found = []
    for index, (probe, hint) in enumerate(zip(look.tokens, setup.hints, strict=False)):
        newer = index == 0
        which = "auth token" if len(setup.hints) == 1 else "newer token" if newer else "older token"
        if probe.outcome == "ok":
            said = f"The {which} ending in {hint} is valid: signed callbacks will be believed."
            found.append(Finding("token_works", "good", said))
        elif probe.outcome == "refused" and newer:
            found.append(
                Finding(
                    "wrong_token",
                    "stop",
                    f"Wrong {which}: Twilio does not accept the one ending in {hint}"
                    f" ({probe.code or 'no code'}). Callbacks and replies would be refused here.",
                    "Copy the auth token again from the first page of Twilio's console. Webhooks are"
                    " signed with it, whatever key you send with.",
                )
            )
        elif probe.outcome == "refused":
            found.append(
                Finding(
                    "old_token_dead",
                    "wait",
                    f"The {which} ending in {hint} is no longer valid at Twilio.",
                    "Retire it below.",
                )
            )
        else:
            said = _silence(probe, f"the {which} ending in {hint}")
            found.append(Finding("token_not_known", "", said, _AGAIN))
    return found


def judge_sender(sender: SenderLook, setup: Setup) -> list[Finding]:
    """What the account's word about one sender means."""
    name = sender.name.label
    if sender.asked.outcome != "ok":
        return [
            Finding(
                "not_known",
                "",
                _silence(sender.asked, name),
                _AGAIN,
                name,
            )
        ]
    if not sender.found:
        what = "messaging service" if sender.name.service_sid else "number"
        return [
            Finding(
                "not_owned",
                "stop",
                f"This account has no {what} {name}.",
                "Look it up in Twilio's console under the same account; subaccounts own their own.",
                name,
            )
        ]
    if sender.sms is False:
        return [
            Finding(
                "no_sms",
                "stop",
                f"{name} cannot send SMS: Twilio lists it without that capability.",
                "Buy or port a number with SMS, or use another one.",
                name,
            )
        ]
    if sender.name.service_sid and not sender.numbers:
        return [
            Finding(
                "service_empty",
                "stop",
                f"The messaging service {name} has no number in its sender pool.",
                "Add a number to the pool in Twilio's console.",
                name,
            )
        ]
    found = [f for f in (_judge_registration(sender), _judge_inbound(sender, setup)) if f]
    if not any(f.tone == "stop" for f in found):
        pool = f" ({len(sender.numbers)} in its pool)" if sender.name.service_sid else ""
        found.insert(0, Finding("can_send", "good", f"{name}{pool} can send SMS.", about=name))
    return found


def _judge_registration(sender: SenderLook) -> Finding | None:
    name = sender.name.label
    numbers = sender.numbers if sender.name.service_sid else (sender.name.phone,)
    if any(kind_of(number) == "long_code" and number.startswith("+1") for number in numbers):
        return _judge_campaigns(name, sender)
    if kind_of(name) != "toll_free":
        return None
    if sender.verification is None:
        said = _silence(sender.unread, f"the toll-free verification of {name}")
        return Finding("verification_not_known", "", said, _AGAIN, name)
    if sender.verification == "TWILIO_APPROVED":
        return Finding("verified", "good", f"{name} is verified for toll-free texts.", about=name)
    if sender.verification in _VERIFICATION_WAITS:
        return Finding(
            "verification_waits",
            "wait",
            f"The toll-free verification of {name} is in review.",
            "Carriers drop its texts until it is approved.",
            name,
        )
    said = "was rejected" if sender.verification else "is missing"
    return Finding(
        "not_verified",
        "stop",
        f"The toll-free verification of {name} {said}: carriers drop its texts (30032).",
        "Submit it in Twilio's console under the number's regulatory information.",
        name,
    )


def _judge_campaigns(name: str, sender: SenderLook) -> Finding:
    states = sender.campaigns
    if states is None:
        return Finding(
            "campaign_not_known",
            "",
            _silence(sender.unread, f"the 10DLC campaign of {name}"),
            "Check again, or look under Messaging, Regulatory compliance in Twilio's console.",
            name,
        )
    if "VERIFIED" in states:
        return Finding("campaign", "good", f"{name} has a verified 10DLC campaign.", about=name)
    if _CAMPAIGN_WAITS & set(states):
        return Finding(
            "campaign_waits",
            "wait",
            f"The 10DLC campaign of {name} is not approved yet.",
            "US carriers drop its texts until then. It takes days, not minutes.",
            name,
        )
    if states:
        return Finding(
            "campaign_failed",
            "stop",
            f"The 10DLC campaign of {name} was refused.",
            "Mend it under Messaging, Regulatory compliance in Twilio's console and submit it again.",
            name,
        )
    where = (
        "" if sender.in_service or sender.name.service_sid else " and is in no messaging service"
    )
    return Finding(
        "no_campaign",
        "stop",
        f"{name} has no 10DLC campaign{where}: US carriers drop its texts (30034).",
        "Register your brand and a campaign under Messaging, Regulatory compliance in Twilio's"
        " console and put the number into the campaign's messaging service.",
        name,
    )


def _judge_inbound(sender: SenderLook, setup: Setup) -> Finding | None:
    name, url = sender.name.label, sender.inbound_url
    if url == setup.inbound_url:
        return Finding("inbound_here", "good", f"Replies to {name} come here.", about=name)
    where = "nowhere" if not url else "to an application" if url == "app" else "to another address"
    return Finding(
        "inbound_elsewhere",
        "wait",
        f"Replies to {name} go {where}: a STOP in a sentence would not be heard.",
        "Put the address for incoming texts below into 'A message comes in'.",
        name,
    )


def standing_of(findings: Sequence[Mapping[str, str]], name: str) -> tuple[str, str]:
    """(tone, words) of one number after a check; words are "" when none said anything of it."""
    about = [finding for finding in findings if finding["about"] == name]
    if not about:
        return "", ""
    tone = worst(about)
    if tone == "good":
        return tone, "Can send"
    codes = [finding["code"] for finding in about if finding["tone"] == tone]
    return tone, next((_SHORT[code] for code in codes if code in _SHORT), "Look at the check")


def worst(findings: Sequence[Mapping[str, str]]) -> str:
    """The tone of a whole check."""
    tones = {finding["tone"] for finding in findings}
    return next((tone for tone in ("stop", "wait", "", "good") if tone in tones), "")


def _silence(probe: Probe | None, what: str) -> str:
    """Why nothing is known about `what`."""
    if probe is None or probe.outcome == "ok":
        return f"Nothing could be read about {what}."
    if probe.outcome == "refused":
        return f"Twilio does not tell about {what} ({probe.code or 'no code'})."
    return {
        "timeout": f"Twilio did not answer within {ANSWER_SECONDS} seconds about {what}.",
        "connection": f"Twilio could not be reached to ask about {what}.",
        "no_time": f"There was no time left to ask about {what}: a check takes {LOOK_SECONDS}"
        " seconds at most.",
    }.get(probe.why, f"Twilio had an error of its own when asked about {what}.")
