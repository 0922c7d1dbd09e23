"""What to do next in a workspace from which no text has gone out: one thing, read from facts."""

from __future__ import annotations

from dataclasses import dataclass

from delivery.models import Message, Sender
from people.models import Contact
from triggers.models import Flow

_NAMED = 3


@dataclass(frozen=True, slots=True)
class NextStep:
    """`path`: where it is done, below the workspace's address; `needs`: the permission it takes.
    `waits`: everything is ready, the first text goes by itself."""

    title: str
    why: str
    label: str
    path: str
    needs: str
    waits: bool = False


def nothing_sent_yet() -> bool:
    """No text of the shop's has ever left: numbers would be a row of zeros. Test texts to members'
    own phones do not count."""
    left = Message.objects.filter(sent_at__isnull=False).exclude(source_kind="test_text")
    return not left.exists()


def find_next_step() -> NextStep:
    """The first thing that is missing on the way to a first text. At most four queries."""
    if not Sender.objects.filter(gateway__is_live=True).exists():
        return NextStep(
            "Connect sending",
            "No text can leave before there is a number to send from.",
            "Connect sending",
            "settings/sending/",
            "manage_settings",
        )
    flows = list(
        Flow.objects.exclude(status=Flow.Status.ARCHIVED)
        .select_related("live_version")
        .order_by("-priority", "name")
    )
    live = [flow for flow in flows if flow.status == Flow.Status.LIVE]
    if not live:
        return _start_a_flow(flows)
    if not Contact.objects.filter(phone__isnull=False, erased_at=None).exists():
        return NextStep(
            "Add a contact",
            "Nobody here has a phone number yet. Begin with your own, or paste a list.",
            "Add a contact",
            "contacts/new/",
            "manage_contacts",
        )
    return NextStep(
        "The first text goes out by itself",
        _what_they_wait_for(live),
        "Send yourself a test text",
        "settings/test-texts/",
        "send",
        waits=True,
    )


def _start_a_flow(flows: list[Flow]) -> NextStep:
    stands = next((flow for flow in flows if flow.status == Flow.Status.PAUSED), None)
    if stands is not None:
        return NextStep(
            f"{stands.name} is paused",
            "Nothing starts while it is. Let it go on when you are ready.",
            "Open the flow",
            f"flows/{stands.slug}/",
            "view",
        )
    if flows:
        return NextStep(
            "Publish a flow",
            f"{_listed([flow.name for flow in flows])}:"
            f" {'drafts' if len(flows) > 1 else 'a draft'}. Nothing goes out before you publish.",
            "Read and publish",
            "flows/" if len(flows) > 1 else f"flows/{flows[0].slug}/review/",
            "view" if len(flows) > 1 else "edit_messages",
        )
    return NextStep(
        "Start a flow",
        "A flow starts with an event and sends the right text at the right moment.",
        "Pick a recipe",
        "flows/",
        "edit_messages",
    )


def _what_they_wait_for(live: list[Flow]) -> str:
    said = []
    for flow in live:
        trigger = flow.live_version.definition.get("trigger", {}) if flow.live_version else {}
        event = trigger.get("event") or trigger.get("segment")
        said.append(f"{flow.name} waits for {event}" if event else f"{flow.name} is live")
    return f"{_listed(said)}."


def _listed(words: list[str]) -> str:
    more = len(words) - _NAMED
    shown = ", ".join(words[:_NAMED])
    return f"{shown} and {more} more" if more > 0 else shown
