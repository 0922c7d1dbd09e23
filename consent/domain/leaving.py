"""What becomes of consent when a person is erased, and what they are shown of it."""

from __future__ import annotations

from datetime import datetime

from consent.domain.contact_points import find_tokens
from consent.domain.erasing import erase_evidence
from consent.domain.opt_outs import OptOut, record_opt_outs
from consent.domain.queries import consent_history
from consent.models import Consent
from people.domain.leaving import Person, Rows

_AGREED = ("subscribed", "pending")


def erase(person: Person, now: datetime) -> None:
    """Ends what was agreed, then forgets the proof. A STOP stays: the number's token keeps it."""
    tokens = find_tokens(person.phones)
    agreed = Consent.objects.filter(phone_token__in=tokens.values(), status__in=_AGREED)
    ended = set(agreed.values_list("phone_token", flat=True))
    record_opt_outs(
        [
            OptOut(phone, person.id, "agent", {}, now, rule="erased")
            for phone in person.phones
            if tokens[phone] in ended
        ],
        now=now,
    )
    erase_evidence(person.phones)


def export(person: Person) -> dict[str, Rows]:
    return {
        "consent": [
            {
                "at": row.occurred_at, "phone": phone, "act": row.kind, "source": row.source,
                "message_types": list(row.message_types), "reason": row.reason,
                "wording": row.disclosure, "evidence": row.personal,
            }
            for phone in person.phones
            for row in consent_history(phone, with_personal=True)
        ]
    }  # fmt: skip
