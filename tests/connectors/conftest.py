from __future__ import annotations

from datetime import datetime

import pytest

from connectors.views.receive import forget_noted


@pytest.fixture(autouse=True)
def _now_is_the_tests(monkeypatch: pytest.MonkeyPatch, now: datetime) -> None:
    """Business time stands still; signatures are about wall time and keep theirs."""
    monkeypatch.setattr("connectors.views.receive.business_now", lambda: now)
    monkeypatch.setattr("connectors.domain.sweeping.business_now", lambda: now)
    forget_noted()
