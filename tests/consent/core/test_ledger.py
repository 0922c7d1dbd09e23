"""The fold: whatever comes in whatever order, a person's STOP stands until the person acts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from hypothesis import example, given, settings
from hypothesis import strategies as st

from consent.core.ledger import (
    HANDSET_ACTS,
    OPT_IN_SOURCES,
    OPT_OUT_SOURCES,
    OWN_ACTS,
    Entry,
    PhoneState,
    apply,
    judge_opt_in,
    judge_opt_out,
    replay,
    stop_types,
)
from consent.core.message_types import CONSENT_TYPES, check_consent

START = datetime(2026, 11, 17, 18, 0, tzinfo=UTC)

acts = st.one_of(
    st.tuples(
        st.just("in"),
        st.sampled_from(sorted(OPT_IN_SOURCES)),
        st.booleans(),
        st.sampled_from(["", "pewc"]),
        st.sampled_from([CONSENT_TYPES, ("marketing",), ("transactional",)]),
    ),
    st.tuples(
        st.just("out"),
        st.sampled_from(sorted(OPT_OUT_SOURCES)),
        st.sampled_from(["all", "marketing"]),
        st.sampled_from(["", "stopall"]),
        st.none(),
    ),
    st.tuples(st.just("expire"), st.none(), st.none(), st.none(), st.none()),
)


@settings(max_examples=400)
@given(st.lists(acts, min_size=4, max_size=25))
@example(
    [
        ("out", "keyword", "all", "", None),
        ("in", "web_form", True, "", CONSENT_TYPES),
        ("in", "api", False, "pewc", CONSENT_TYPES),
    ]
)
def test_only_the_persons_own_act_takes_a_stop_back(story: list[Any]) -> None:
    state, at = PhoneState(), START
    entries: list[Entry] = []
    stopped: set[str] = set()  # what the person ended and did not take back
    for number, (what, source, option, word, types) in enumerate(story):
        at += timedelta(hours=1)
        kind = None
        if what == "in":
            ruling = judge_opt_in(
                state,
                message_types=types,
                source=source,
                legal_basis=word,
                double=option,
                occurred_at=at,
            )
            kind = ruling.kind
            if ruling.code == "subscribed" and source in OWN_ACTS:
                stopped -= set(types)
            assert source in OWN_ACTS or word or kind is None
            # A confirmed opt-in is confirmed on the phone, nowhere else.
            assert kind != "double_opt_in" or source in HANDSET_ACTS
        elif what == "out":
            types = stop_types(option, keyword=word, source=source)
            kind = judge_opt_out(state, message_types=types, source=source).kind
            stopped |= set(types)
        else:
            types = tuple(n for n, each in state.types.items() if each.status == "pending")
            kind = "expired" if types else None
        if kind:
            entry = Entry(kind, tuple(types), source or "system", at, UUID(int=number))
            entries.append(entry)
            state = apply(state, entry)
        for name in stopped:
            assert state.status(name) in {"unsubscribed", "pending"}
            if name == "marketing":
                assert not check_consent(name, {name: state.status(name)}, established=True).ok
    assert replay(entries) == state


@given(st.lists(st.sampled_from(sorted(OPT_OUT_SOURCES)), min_size=1, max_size=6))
def test_a_stop_is_written_at_most_twice(sources: list[str]) -> None:
    state, written = PhoneState(), 0
    for number, source in enumerate(sources):
        kind = judge_opt_out(state, message_types=CONSENT_TYPES, source=source).kind
        if kind:
            written += 1
            state = apply(state, Entry(kind, CONSENT_TYPES, source, START, UUID(int=number)))
        assert state.status("marketing") == "unsubscribed"
    assert written <= 2
