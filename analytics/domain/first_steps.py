"""The first five steps of a new workspace, each read from what is stored; none is a tour."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from analytics.models import FirstStepMark
from api.problems import FieldError, Invalid
from consent.models import QuietHours, SignUpPage
from delivery.models import Sender
from people.models import Contact
from tenancy.domain.workspace_settings import CHANGED
from tenancy.models import AuditEntry, Tenant, User
from triggers.models import Flow

DONE, SKIPPED, OPEN = "done", "skipped", "open"
_MANY = 1000


@dataclass(frozen=True, slots=True)
class Step:
    """One line. `state`: done, skipped or open; `said`: what is stored, in words; `by_hand`: a
    person marked it, so it can be opened again. `flow_slug`: the draft that waits for step 5."""

    key: str
    title: str
    why: str
    state: str
    said: str = ""
    by_hand: bool = False
    flow_slug: str = ""


@dataclass(frozen=True, slots=True)
class FirstSteps:
    steps: tuple[Step, ...]

    @property
    def settled(self) -> int:
        """How many are done or skipped."""
        return sum(step.state != OPEN for step in self.steps)

    @property
    def total(self) -> int:
        return len(self.steps)

    @property
    def is_finished(self) -> bool:
        return self.settled == self.total


@dataclass(frozen=True, slots=True)
class _Found:
    is_done: bool
    said: str = ""
    flow_slug: str = ""


def first_steps(tenant: Tenant) -> FirstSteps:
    """The five lines of the workspace in scope. A handful of queries, none grows."""
    marks = {mark.step: mark.state for mark in FirstStepMark.objects.all()}
    steps = []
    for key, (title, why, find) in _STEPS.items():
        found = find(tenant)
        mark = marks.get(key, "")
        state = DONE if found.is_done else mark or OPEN
        by_hand = bool(mark) and not found.is_done
        steps.append(Step(key, title, why, state, found.said, by_hand, found.flow_slug))
    return FirstSteps(tuple(steps))


def mark_step(key: str, state: str, *, actor: User | None = None, now: datetime) -> None:
    """Marks a step as done or skipped, or opens it again. Raises `Invalid`."""
    if key not in _STEPS:
        raise Invalid([FieldError("step", "invalid_choice", f"One of: {', '.join(_STEPS)}.")])
    if state not in {DONE, SKIPPED, OPEN}:
        raise Invalid([FieldError("state", "invalid_choice", "One of: done, open, skipped.")])
    if state == OPEN:
        FirstStepMark.objects.filter(step=key).delete()
        return
    FirstStepMark.objects.update_or_create(
        step=key, defaults={"state": state, "at": now, "by": actor.email if actor else ""}
    )


def _workspace(tenant: Tenant) -> _Found:
    place = tenant.timezone.rsplit("/", 1)[-1].replace("_", " ")
    said = f"{tenant.name} in {place}"
    return _Found(AuditEntry.objects.filter(action=CHANGED).exists(), said)


def _sending(tenant: Tenant) -> _Found:
    sender = (
        Sender.objects.select_related("gateway")
        .filter(gateway__is_live=True)
        .order_by("created_at")
        .first()
    )
    if sender is None:
        return _Found(False)
    return _Found(True, f"{sender.gateway.get_kind_display()}, {sender}")


def _contacts(tenant: Tenant) -> _Found:
    with_number = Contact.objects.filter(phone__isnull=False, erased_at=None)
    found = with_number.values("id")[:_MANY].count()
    if not found:
        return _Found(False)
    many = "1,000 or more contacts" if found == _MANY else f"{found} contact{'s'[: found != 1]}"
    return _Found(True, f"{many} with a number")


def _rules(tenant: Tenant) -> _Found:
    hours = QuietHours.objects.exists()
    words = SignUpPage.objects.exists()
    said = [name for name, there in (("quiet hours", hours), ("sign-up text", words)) if there]
    return _Found(hours and words, f"Saved: {' and '.join(said)}" if said else "")


def _recipe(tenant: Tenant) -> _Found:
    flows = list(Flow.objects.exclude(status=Flow.Status.ARCHIVED).order_by("-created_at")[:50])
    live = next((flow for flow in flows if flow.status == Flow.Status.LIVE), None)
    if live is not None:
        return _Found(True, f"{live.name} is live")
    if flows:
        return _Found(False, f"{flows[0].name} is a draft", flows[0].slug)
    return _Found(False)


_STEPS: dict[str, tuple[str, str, Callable[[Tenant], _Found]]] = {
    "workspace": (
        "Name and time zone",
        "Every text begins with the name; reports count in the zone.",
        _workspace,
    ),
    "sending": (
        "Sending",
        "Connect Twilio, or stay on the carrier simulator while you try things out.",
        _sending,
    ),
    "contacts": (
        "Contacts",
        "Add yourself first; or paste a list, or send an event that names somebody.",
        _contacts,
    ),
    "rules": (
        "Consent text and quiet hours",
        "What people agree to, and when nobody is texted. Careful settings are in place.",
        _rules,
    ),
    "recipe": (
        "A first flow",
        "A recipe is a ready flow with its texts. It arrives as a draft; you publish it.",
        _recipe,
    ),
}
