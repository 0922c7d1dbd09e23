"""Which texts meet trouble: by the number they go to, or by rules a test sets.

Request rules change the answer to the POST, fate rules what becomes of an accepted text.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

REQUEST = frozenset(
    {"error", "throttle", "server_error", "hang", "drop", "truncate", "no_sid", "slow"}
)
FATE = frozenset({"fail", "only_sent", "callbacks", "deliver_after"})
# Fail before the carrier has the text; all other codes come as `undelivered` after `sent`.
FAILS_EARLY = frozenset({30001, 30002, 30018, 30024, 30032, 30034, 30036, 30037, 30454})


@dataclass(slots=True)
class Rule:
    """What to do, to which texts, how often. Unset matches are not looked at.

    do, request: error (status, code, message) · throttle (retry_after) · server_error (status,
        after_accept) · hang (seconds, after_accept) · drop (after_accept) · truncate · no_sid ·
        slow (seconds)
    do, fate: fail (code, status) · only_sent · deliver_after (seconds) ·
        callbacks (mode: missing | duplicate | reorder | delay, seconds)
    to, from_number: exact, or a prefix when it ends in `*`. body: a part of the text.
    skip: leave the first n matches alone. times: then act on so many. share: of those (0..1).
    """

    do: str
    to: str = ""
    from_number: str = ""
    account: str = ""
    body: str = ""
    skip: int = 0
    times: int | None = None
    share: float = 1.0
    status: int | str = 0
    code: int = 0
    message: str = ""
    retry_after: float | str | None = None
    seconds: float = 0.0
    after_accept: bool = False
    mode: str = ""
    seen: int = 0
    acted: int = 0

    def __post_init__(self) -> None:
        if self.do not in REQUEST | FATE:
            raise ValueError(f"do must be one of {', '.join(sorted(REQUEST | FATE))}")
        if self.do == "callbacks" and self.mode not in {"missing", "duplicate", "reorder", "delay"}:
            raise ValueError("mode must be missing, duplicate, reorder or delay")
        if self.do in {"fail", "error"} and not self.code:
            raise ValueError("code is required")

    def matches(self, *, account: str, to: str, from_number: str, body: str) -> bool:
        return (
            _same(self.to, to)
            and _same(self.from_number, from_number)
            and self.account in {"", account}
            and self.body.casefold() in body.casefold()
        )

    def acts(self, seed: str) -> bool:
        """Counts a match and says whether this one is to be acted on."""
        self.seen += 1
        if self.seen <= self.skip or (self.times is not None and self.acted >= self.times):
            return False
        if self.share < 1.0 and fraction(f"{seed}:{self.do}:{self.seen}") >= self.share:
            return False
        self.acted += 1
        return True


class RuleBook:
    """The rules in force, the newest first, then the magic numbers."""

    def __init__(self, seed: str = "") -> None:
        self.seed = seed
        self.rules: list[Rule] = []

    def add(self, items: Iterable[dict[str, Any]]) -> None:
        """Raises TypeError or ValueError when a rule is malformed; then none is added."""
        renamed = [{("from_number" if k == "from" else k): v for k, v in i.items()} for i in items]
        self.rules[:0] = [Rule(**item) for item in renamed]

    def show(self) -> list[dict[str, Any]]:
        return [asdict(rule) for rule in self.rules]

    def for_request(self, **sms: str) -> Rule | None:
        """The first request rule that acts on this POST."""
        for rule in self.rules:
            if rule.do in REQUEST and rule.matches(**sms) and rule.acts(self.seed):
                return rule
        magic = magic_rule(sms["to"])
        return magic if magic and magic.do in REQUEST else None

    def for_fate(self, **sms: str) -> list[Rule]:
        """Every fate rule that acts on this text."""
        found = [
            rule
            for rule in self.rules
            if rule.do in FATE and rule.matches(**sms) and rule.acts(self.seed)
        ]
        magic = magic_rule(sms["to"])
        return [*found, magic] if magic and magic.do in FATE else found


# As Twilio's test credentials.
TO_ERRORS = {
    "+15005550001": 21211,
    "+15005550002": 21612,
    "+15005550003": 21408,
    "+15005550004": 21610,
    "+15005550009": 21614,
}
FROM_ERRORS = {"+15005550001": 21212, "+15005550007": 21606, "+15005550008": 21611}
MAGIC_FROM = "+15005550006"

# Ours: +1 500 555 9xxx for the line between us and the gateway ...
_TROUBLE: dict[str, dict[str, Any]] = {
    "+15005559429": {"do": "throttle", "retry_after": 1},
    "+15005559500": {"do": "server_error", "status": 500},
    "+15005559503": {"do": "server_error", "status": 503},
    "+15005559504": {"do": "server_error", "status": 500, "after_accept": True},
    "+15005559001": {"do": "hang", "seconds": 60},
    "+15005559002": {"do": "hang", "seconds": 60, "after_accept": True},
    "+15005559003": {"do": "drop"},
    "+15005559004": {"do": "drop", "after_accept": True},
    "+15005559005": {"do": "truncate"},
    "+15005559006": {"do": "no_sid"},
    "+15005559007": {"do": "slow", "seconds": 2},
    "+15005559101": {"do": "callbacks", "mode": "missing"},
    "+15005559102": {"do": "callbacks", "mode": "duplicate"},
    "+15005559103": {"do": "callbacks", "mode": "reorder"},
    "+15005559104": {"do": "callbacks", "mode": "delay", "seconds": 5},
    "+15005559105": {"do": "only_sent"},
}
# ... and +1 500 <code> nn for one error code: 2xxxx refuses the POST, 3xxxx comes later.
_CODE = re.compile(r"\+1500([23]\d{4})\d{2}")


def magic_rule(to: str) -> Rule | None:
    """What a magic number stands for, None for an ordinary one."""
    if not to.startswith("+1500"):
        return None
    if to in _TROUBLE:
        return Rule(**_TROUBLE[to])
    if found := _CODE.fullmatch(to):
        code = int(found[1])
        if code < 30000:
            return Rule(do="error", status=400, code=code)
        return Rule(do="fail", code=code)
    return None


def fraction(text: str) -> float:
    """A number in [0, 1) that is always the same for the same text."""
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=6).digest()) / 2**48


def _same(wanted: str, number: str) -> bool:
    if wanted.endswith("*"):
        return number.startswith(wanted[:-1])
    return wanted in {"", number}
