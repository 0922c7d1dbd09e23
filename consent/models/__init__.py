"""May we text this person: the ledger, what follows from it, and how people get onto it."""

from consent.models.choices import CartRule, FrequencyCap, QuietHours, StopScope
from consent.models.ledger import (
    Consent,
    ConsentDisclosure,
    ConsentEvidence,
    ConsentRecord,
    ConsentSeal,
    ContactPoint,
    Suppression,
)
from consent.models.opting_in import (
    OptInAttempt,
    OptInKeyword,
    OptOutLinks,
    SignUpPage,
    SignUpVersion,
)
from consent.models.slots import CapSlot

__all__ = [
    "CapSlot",
    "CartRule",
    "Consent",
    "ConsentDisclosure",
    "ConsentEvidence",
    "ConsentRecord",
    "ConsentSeal",
    "ContactPoint",
    "FrequencyCap",
    "OptInAttempt",
    "OptInKeyword",
    "OptOutLinks",
    "QuietHours",
    "SignUpPage",
    "SignUpVersion",
    "StopScope",
    "Suppression",
]
