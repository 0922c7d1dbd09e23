"""From whom a campaign selects to whom it will send, and what that costs: before it is sent.

Who is selected, subscribed and within the caps is counted over the whole audience (a spread sample
of a very large one). What the gate says of the text itself, its parts and the window, is asked of
a spread sample by a dry run of the gate, at the time the campaign would go, and scaled up.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from consent.core import caps
from consent.core.caps import CapRules
from consent.core.hours import legal_cap, state_rows
from consent.core.zones import candidates
from consent.domain.contact_points import find_tokens
from consent.domain.facts import zone_input
from consent.domain.settings import read_cap_rules
from consent.domain.slots import longest_span, read_slots
from consent.domain.standing import SUBSCRIBED, standings
from delivery.core.intents import Decision, SendIntent
from delivery.core.reasons import Reason
from delivery.domain.deciding import decide
from people.domain.queries import contacts_by_id, workspace_defaults
from triggers.core.local_times import instant_of, read_wall_time
from triggers.domain.audiences import (
    Audience,
    Member,
    audience_of,
    count_reachable,
    due_times,
    pages_of,
)
from triggers.domain.campaigns import PRIORITY, text_life
from triggers.domain.prices import Price, read_price
from triggers.models import Campaign

# Up to here everybody is looked at; of more than that every so many-th.
WHOLE = 100_000
SAMPLE = 500


@dataclass(frozen=True, slots=True)
class Funnel:
    """Contacts that are left after each question, and what their texts are made of.

    `held_back`: contacts by reason, of all that were asked. `waits`: of `in_window` those whose
    window opens later. `parts`: of all texts; `most_parts` of one. `looked_at`: how many the first
    counts rest on, `asked`: how many the gate was asked about. Scaled numbers when less than all.
    """

    selected: int
    subscribed: int
    not_capped: int
    in_window: int
    will_send: int
    waits: int
    held_back: tuple[tuple[str, int], ...]
    parts: int
    most_parts: int
    cost_minor: int
    price: Price
    looked_at: int
    asked: int
    eligible: int
    preview: str

    @property
    def is_sample(self) -> bool:
        """Whether a number rests on less than everybody."""
        return self.looked_at < self.selected or self.asked < self.eligible


def measure_funnel(campaign: Campaign, *, now: datetime) -> Funnel:
    """What would happen if it were launched now. Changes nothing; raises nothing for a draft that
    lacks words or audience: its funnel ends where they are missing."""
    audience = audience_of(campaign)
    if not campaign.audience:
        return _empty(read_price())
    members, selected = _look_at(audience)
    tokens = find_tokens(phone for _, phone in members)
    scale = selected / len(members) if members and selected > len(members) else 1.0
    held: Counter[str] = Counter()
    subscribed = _subscribed(members, tokens, held)
    if audience.segment_id is None:
        # Everybody subscribed had to be found before it could be counted.
        members, selected, held = subscribed, round(len(subscribed) * scale), Counter()
    at = _at(campaign, now)
    eligible = _not_capped(subscribed, tokens, str(campaign.id), at, held)
    asked = _spread([contact_id for contact_id, _ in eligible], SAMPLE)
    decisions = _ask_gate(campaign, asked, now=now, at=at)
    per_asked = len(eligible) / len(asked) if asked else 1.0

    def scaled(count: float) -> int:
        return round(count * per_asked * scale)

    late = [d for d in decisions if d.status == "skipped" and _is_window(d)]
    refused = [d for d in decisions if d.status == "skipped" and not _is_window(d)]
    going = [d for d in decisions if d.status != "skipped"]
    waits = [d for d in going if d.reason == Reason.QUIET_HOURS]
    told = Counter(d.reason for d in [*late, *refused])
    reasons = {reason: round(count * scale) for reason, count in held.items()}
    for reason, count in told.items():
        reasons[reason] = reasons.get(reason, 0) + scaled(count)
    parts = sum(_parts_of(going))
    price = read_price()
    return Funnel(
        selected=selected,
        subscribed=round(len(subscribed) * scale),
        not_capped=round(len(eligible) * scale),
        in_window=scaled(len(decisions) - len(late)),
        will_send=scaled(len(going)),
        waits=scaled(len(waits)),
        held_back=tuple(sorted(reasons.items(), key=lambda item: (-item[1], item[0]))),
        parts=scaled(parts),
        most_parts=max((d.num_segments for d in going), default=0),
        cost_minor=price.cost_minor(scaled(parts)),
        price=price,
        looked_at=len(members),
        asked=len(asked),
        eligible=len(eligible),
        preview=next((d.text for d in going if d.text), ""),
    )


def _look_at(audience: Audience) -> tuple[list[Member], int]:
    """Those to look at, and how many there are."""
    reachable = count_reachable(audience)
    one_in = -(-reachable // WHOLE) or 1
    members = [one for page in pages_of(audience, one_in=one_in) for one in page]
    return members, reachable if one_in > 1 else len(members)


def _subscribed(
    members: Sequence[Member], tokens: Mapping[str, str], held: Counter[str]
) -> list[Member]:
    known = standings((), tokens=tokens)
    found = []
    for member in members:
        status = known[member[1]]
        if status == SUBSCRIBED:
            found.append(member)
        else:
            held[status] += 1
    return found


def _not_capped(
    members: Sequence[Member],
    tokens: Mapping[str, str],
    source_key: str,
    at: datetime,
    held: Counter[str],
) -> list[Member]:
    """Only who was texted lately can be at a cap; whose state has a limit of its own is looked up
    for those with as many texts in a day as the strictest state allows."""
    rules = read_cap_rules()
    slots = read_slots(
        {contact_id: tokens[phone] for contact_id, phone in members},
        since=at - longest_span(rules),
        now=at,
    )
    day, strictest = at - timedelta(days=1), legal_cap(tuple(state_rows()))
    many = [
        contact_id
        for contact_id, those in slots.items()
        if strictest is not None and sum(s.counts_legal and s.at > day for s in those) >= strictest
    ]
    legal = {
        contact_id: legal_cap(candidates(zone_input(facts)).states)
        for contact_id, facts in contacts_by_id(many).items()
    }
    found = []
    for member in members:
        those = slots.get(member[0])
        if those:
            binding: CapRules = replace(rules, legal_maximum=legal.get(member[0]))
            verdict = caps.check(binding, those, at=at, source_key=source_key, run_id=None)
            if not verdict.ok:
                held[Reason.FREQUENCY_CAP] += 1
                continue
        found.append(member)
    return found


def _ask_gate(
    campaign: Campaign, contact_ids: Sequence[UUID], *, now: datetime, at: datetime
) -> list[Decision]:
    """The gate's dry run, each contact at the time its text would be decided."""
    if campaign.template_version_id is None or not contact_ids:
        return []
    times: dict[datetime, list[UUID]] = defaultdict(list)
    if campaign.timing == Campaign.Timing.LOCAL and campaign.local_time:
        for contact_id, due in due_times(read_wall_time(campaign.local_time), contact_ids).items():
            times[max(due, now)].append(contact_id)
    else:
        times[at] = list(contact_ids)
    life = text_life()
    decisions: list[Decision] = []
    for moment, members in sorted(times.items()):
        intents = [
            SendIntent(
                dedupe_key=f"campaign:{campaign.id}:{contact_id}",
                contact_id=contact_id,
                template_version_id=campaign.template_version_id,
                message_type="marketing",
                source_kind="test",  # it has no flow yet
                source_key=str(campaign.id),
                step_key="text",
                priority=PRIORITY,
                context={"event": {}, "campaign": campaign.name},
                ttl=life,
            )
            for contact_id in members
        ]
        decisions += decide(intents, now=moment, dry_run=True)
    return decisions


def _at(campaign: Campaign, now: datetime) -> datetime:
    if campaign.timing == Campaign.Timing.AT and campaign.send_at is not None:
        return max(campaign.send_at, now)
    if campaign.timing == Campaign.Timing.LOCAL and campaign.local_time:
        wall = read_wall_time(campaign.local_time)
        return max(instant_of(wall, workspace_defaults().timezone), now)
    return now


def _is_window(decision: Decision) -> bool:
    """Refused because no window opens while the text is fresh."""
    return decision.reason in (Reason.QUIET_HOURS, Reason.EXPIRED)


def _parts_of(going: Sequence[Decision]) -> list[float]:
    """Parts of each text; those the gate did not write (they wait) count like the others."""
    written = [d.num_segments for d in going if d.num_segments]
    mean = sum(written) / len(written) if written else 1.0
    return [d.num_segments or mean for d in going]


def _spread(ids: Sequence[UUID], count: int) -> list[UUID]:
    if len(ids) <= count:
        return list(ids)
    return [ids[index * len(ids) // count] for index in range(count)]


def _empty(price: Price) -> Funnel:
    return Funnel(0, 0, 0, 0, 0, 0, (), 0, 0, 0, price, 0, 0, 0, "")
