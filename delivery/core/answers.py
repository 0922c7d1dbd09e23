"""The platform's own compliance texts: the only ones sent without a template."""

from __future__ import annotations

_HELP = "{brand}: Help: {contact}. Msg frequency varies. Msg & data rates may apply. Reply STOP to opt out."
_VARIES = "Msg frequency varies"
_STOPPED = (
    "{brand}: You are unsubscribed and will receive no more texts. Reply START to resubscribe."
)
_CONFIRM = (
    "{brand}: Reply YES to get recurring automated marketing texts. Consent is no condition of"
    " purchase. {frequency}. Msg & data rates may apply. Reply HELP for help, STOP to"
    " opt out."
)
_TESTS = "{brand}: This phone now gets the test texts you ask for. Reply STOP to end them."
_WELCOME = (
    "{brand}: You are subscribed to our texts. {frequency}. Msg & data rates may apply."
    " Reply HELP for help, STOP to opt out."
)


def help_text(brand: str, *, own: str, shop_url: str) -> str:
    """The answer to HELP: the workspace's own words where it has any."""
    if own:
        return own if brand.casefold() in own.casefold() else f"{brand}: {own}"
    return _HELP.format(brand=brand, contact=shop_url or "reply to this text")


def stopped_text(brand: str) -> str:
    """The one confirmation after an opt-out that the carrier has not confirmed itself."""
    return _STOPPED.format(brand=brand)


def confirm_text(brand: str, *, frequency: str = "") -> str:
    """Asks for the YES of a double opt-in. `frequency`: what the sign-up page promises."""
    return _CONFIRM.format(brand=brand, frequency=frequency or _VARIES)


def welcome_text(brand: str, *, frequency: str = "") -> str:
    """The confirmation of a new subscription."""
    return _WELCOME.format(brand=brand, frequency=frequency or _VARIES)


def tests_text(brand: str) -> str:
    """The answer to a member's code: their phone is known now."""
    return _TESTS.format(brand=brand)
