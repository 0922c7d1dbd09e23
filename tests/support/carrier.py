"""The carrier simulator as a process, for any test that needs a carrier.

    from tests.support.carrier import CarrierProcess, carrier  # in a conftest.py: `carrier`

`carrier` is one process per test session, emptied before each test. A test that kills or
restarts it makes its own `CarrierProcess(state_dir=...)`.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

import pytest
import requests

ROOT = Path(__file__).resolve().parents[2]
ACCOUNT = "AC" + "a" * 32
T = TypeVar("T")

TOKEN = "simulator-auth-token"
NUMBER = "+12025550100"


class CarrierProcess:
    """`python -m delivery.carrier_simulator` on a free port.

    options: further command line options, e.g. "--callbacks", "off".
    """

    def __init__(
        self,
        *options: str,
        fast: bool = True,
        port: int = 0,
        state_dir: Path | None = None,
        mode: str = "test",
    ) -> None:
        self.options = [*options, *(["--fast"] if fast else [])]
        if state_dir is not None:
            self.options += ["--state-dir", str(state_dir)]
        self.port, self.mode = port, mode
        self.process: subprocess.Popen[str] | None = None
        self.session = requests.Session()
        self.session.trust_env = False

    # --- life ------------------------------------------------------------------------------

    def start(self) -> CarrierProcess:
        """Returns once it answers. A restart keeps its port."""
        self.process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "delivery.carrier_simulator",
                "--port",
                str(self.port),
                *self.options,
            ],
            cwd=ROOT,
            env={**os.environ, "KAIROS_MODE": self.mode},
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if "http://" not in line:
            raise RuntimeError(f"the carrier simulator did not start: exit {self.process.wait(60)}")
        self.port = int(line.strip().rpartition(":")[2])
        return self

    def stop(self) -> None:
        if self.process is not None:
            self.process.terminate()
            self.process.wait(60)
            self._close()

    def kill(self) -> None:
        """SIGKILL, as in a power cut."""
        if self.process is not None:
            self.process.kill()
            self.process.wait(60)
            self._close()

    def _close(self) -> None:
        if self.process is not None and self.process.stdout is not None:
            self.process.stdout.close()
        self.process = None
        self.session.close()

    def __enter__(self) -> CarrierProcess:
        return self.start()

    def __exit__(self, *exc: object) -> None:
        self.stop()

    @property
    def base_url(self) -> str:
        """What KAIROS_TWILIO_BASE_URL is set to."""
        return f"http://127.0.0.1:{self.port}"

    # --- steering --------------------------------------------------------------------------

    def account(
        self,
        sid: str = ACCOUNT,
        *,
        token: str = TOKEN,
        tokens: list[str] | None = None,
        api_keys: dict[str, str] | None = None,
        numbers: list[str | dict[str, Any]] | None = None,
        services: list[dict[str, Any]] | None = None,
        inbound_url: str = "",
    ) -> dict[str, Any]:
        """Registers an account. Plain numbers get `inbound_url` as their webhook."""
        given = numbers if numbers is not None else [NUMBER]
        return self._post(
            "accounts",
            sid=sid,
            auth_tokens=tokens or [token],
            api_keys=api_keys or {},
            numbers=[
                {"phone": n, "inbound_url": inbound_url} if isinstance(n, str) else n for n in given
            ],
            services=services or [],
        )

    def inject(self, from_number: str, to: str, body: str, **more: Any) -> dict[str, Any]:
        """A person texts `body` from `from_number` to our number `to`.

        Answers {"sid", "auto_reply", "webhook": {"outcome", "status"} | None} once our webhook
        has answered. more: media=[urls], wait=False.
        """
        return self._post("inbound", **{"from": from_number, "to": to, "body": body, **more})

    def rules(self, *rules: dict[str, Any]) -> None:
        """Trouble to come; see the simulator's README for what a rule can say."""
        self._post("rules", rules=list(rules))

    def clear_rules(self) -> None:
        self.session.delete(f"{self.base_url}/_sim/rules", timeout=60).raise_for_status()

    def settings(self, **settings: Any) -> dict[str, Any]:
        """fast, callbacks, price_after, undelivered_share, filtered, seed."""
        return self._post("settings", **settings)

    def reset(self, *, keep_accounts: bool = True) -> None:
        self._post("reset", keep_accounts=keep_accounts)

    # --- looking ---------------------------------------------------------------------------

    def messages(self, *, to: str | None = None, **filters: str) -> list[dict[str, Any]]:
        """Texts oldest first; filters: from_, status, direction, account, after (a sid), limit."""
        params = {name.rstrip("_"): value for name, value in filters.items()}
        if to:
            params["to"] = to
        found: list[dict[str, Any]] = self._get("messages", params)["messages"]
        return found

    def phone(self, number: str) -> dict[str, Any]:
        """Everything one phone sent and received."""
        return self._get(f"phones/{quote(number)}", {})

    def counts(self) -> dict[str, Any]:
        return self._get("count", {})

    def wait_idle(self, seconds: float = 120) -> dict[str, Any]:
        """Waits until every status is reached and every webhook was tried."""

        def idle() -> dict[str, Any] | None:
            counts = self.counts()
            return counts if not any(counts["pending"].values()) else None

        return wait_for(idle, seconds)

    def _post(self, what: str, **data: Any) -> dict[str, Any]:
        answer = self.session.post(f"{self.base_url}/_sim/{what}", json=data, timeout=60)
        assert answer.ok, answer.text
        result: dict[str, Any] = answer.json()
        return result

    def _get(self, what: str, params: dict[str, str]) -> dict[str, Any]:
        answer = self.session.get(f"{self.base_url}/_sim/{what}", params=params, timeout=60)
        assert answer.ok, answer.text
        result: dict[str, Any] = answer.json()
        return result


def wait_for(look: Callable[[], T | None], seconds: float = 120) -> T:
    """Polls until `look` gives something; fails the test when it never does."""
    end = time.monotonic() + seconds
    while True:
        found = look()
        if found:
            return found
        if time.monotonic() > end:
            raise AssertionError(f"nothing came within {seconds} s")
        time.sleep(0.02)


@pytest.fixture(scope="session")
def carrier_process() -> Iterator[CarrierProcess]:
    with CarrierProcess() as process:
        yield process


@pytest.fixture
def carrier(carrier_process: CarrierProcess) -> CarrierProcess:
    """A running carrier with no texts and one account (ACCOUNT, TOKEN, NUMBER)."""
    carrier_process.reset(keep_accounts=False)
    carrier_process.settings(fast=True, callbacks=True, price_after=10.0, undelivered_share=0.0)
    carrier_process.account()
    return carrier_process
