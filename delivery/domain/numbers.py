"""The number people text."""

from __future__ import annotations

from delivery.models import Sender


def number_to_text() -> str:
    """The oldest number or short code of the gateway in use, "" while there is none. A name
    (alphanumeric sender) cannot be texted."""
    senders = Sender.objects.exclude(phone="").order_by("-gateway__is_live", "created_at", "id")
    numbers = senders.values_list("phone", flat=True)
    return next((each for each in numbers if each.removeprefix("+").isdigit()), "")
