"""Lines of a contact's history, in words."""

from __future__ import annotations

import pytest

from triggers.core.telling import tell_event


@pytest.mark.parametrize(
    ("properties", "said"),
    [
        ({"source": "agent", "rule": "proof"}, "By hand \N{MIDDLE DOT} proof"),
        ({"source": "keyword", "keyword": "JOIN"}, "By text \N{MIDDLE DOT} JOIN"),
        ({"source": "web_form"}, "On a sign-up form"),
        ({"source": "something_new"}, "Something new"),
        ({}, ""),
    ],
)
def test_where_somebody_agreed_is_said_in_words(properties: dict[str, str], said: str) -> None:
    assert tell_event("SMS Subscribed", properties).sub == said
    assert tell_event("SMS Unsubscribed", properties).sub == said
