"""An import in words: how far it is, what became of its rows, what it would start."""

from __future__ import annotations

from typing import Any

from imports.domain.advancing import ACTIVE
from imports.domain.jobs import good_rows
from imports.domain.rows import OUTCOMES
from imports.domain.showing import list_starting, share_done, time_left
from imports.models import Import
from tenancy.clock import wall_now
from tenancy.ids import show_id

State = Import.State
TONES = {
    "empty": "off",
    "uploaded": "wait",
    "checking": "event",
    "checked": "wait",
    "running": "event",
    "paused": "wait",
    "done": "good",
    "canceled": "stop",
}
REASONS = {
    "twice": "Stands in the file before",
    "known": "Known already",
    "invalid_phone": "Not a phone number",
    "no_sms": "Landline or service number",
    "invalid_email": "Not an e-mail address",
    "invalid_id": "An id that stands for nobody",
    "no_identifier": "Nothing says who it is",
    "too_many_cells": "More cells than columns",
    "too_long": "Too long",
    "malformed": "A quotation mark is open",
    "formula": "Looks like a formula",
    "nul": "Has a NUL character",
    "not_text": "Letters that cannot be read",
    "taken": "Belongs to another contact",
    "wrong_type": "Not of its type",
    "invalid_consent": "Unknown consent status",
    "invalid_date": "Not a date",
    "in_the_future": "Lies in the future",
    "erased": "Erased since",
    "no_contact": "No contact has this identifier",
    "no_order_id": "Names no order",
    "no_time": "Has no time",
    "invalid_time": "Not a time",
    "no_total": "Neither total nor item",
    "invalid_total": "Not an amount",
    "unstorable": "Cannot be stored",
}
TALLIES = {
    "subscribed": ("Subscribed, with proof", "Subscribed"),
    "unproven": ("Consent not proven: no marketing texts", "Without proof"),
    "unsubscribed": ("Opted out, as the file says", "Opted out"),
    "stop_stands": ("Opted out before: that stands", "Opt-out stands"),
    "older_than_opt_out": ("Opted out after that date", "Opted out later"),
    "by_external_id": ("Customer found by external id", "By external id"),
    "by_phone": ("Customer found by phone number", "By phone number"),
    "by_email": ("Customer found by e-mail", "By e-mail"),
    "new_contact": ("Customer made new", "New contacts"),
    "items": ("Further items of an order", "Further items"),
}


def job_context(request: Any, job: Import) -> dict[str, Any]:
    """Everything the page of an import shows but its columns. Two queries at most."""
    counts = job.counts or {}
    left = time_left(job, wall=wall_now())
    reasons = sorted(counts.get("reasons", {}).items(), key=lambda pair: (-pair[1], pair[0]))
    tallies = counts.get("tallies", {})
    return {
        "job": job,
        "ref": show_id("imp", job.id),
        "tone": TONES[job.state],
        "every": _every(job),
        "share": round(share_done(job) * 1000),
        "left": _words(left.total_seconds()) if left is not None else "",
        "counts": {name: counts.get(name, 0) for name in OUTCOMES},
        "reasons": [
            (REASONS.get(code, code.replace("_", " ").capitalize()), number)
            for code, number in reasons
        ],
        "tallies": [(TALLIES[name][0], tallies[name]) for name in TALLIES if tallies.get(name)],
        "examples": counts.get("examples", []),
        "is_check": job.started_at is None,
        "is_active": job.state in ACTIVE,
        "good": good_rows(job),
        "starting": list_starting(job) if job.state == State.CHECKED else [],
        "may_start_flows": request.can("publish"),
        "may_cancel": job.state not in (State.DONE, State.CANCELED),
        "has_report": job.rows_done > 0,
        "wrong": {},
    }


def _every(job: Import) -> str:
    """Often while it begins, then seldom: a page may stay open for an hour."""
    if job.state not in ACTIVE:
        return ""
    began = job.stage_began_at
    return "2s" if began is None or (wall_now() - began).total_seconds() < 120 else "10s"


def _words(seconds: float) -> str:
    if seconds < 90:
        return "a minute" if seconds > 45 else "half a minute" if seconds > 20 else "a few seconds"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{round(minutes / 60)} h"
