"""Many threads share one client: no text lost, none doubled, no answer mixed up."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from delivery.gateways.base import SendReceipt
from delivery.gateways.twilio_gateway import TwilioGateway
from tests.delivery.gateways.conftest import make_sms
from tests.support.carrier import CarrierProcess

THREADS, EACH = 16, 200


@pytest.fixture
def eager_switching() -> object:
    """Threads change places a thousand times more often than usual."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(0.000005)
    yield
    sys.setswitchinterval(before)


def test_sixteen_threads_lose_nothing_and_mix_nothing(
    carrier: CarrierProcess, gateway: TwilioGateway, eager_switching: object
) -> None:
    def post(thread: int) -> list[tuple[str, SendReceipt]]:
        bodies = [f"text {thread}-{index}" for index in range(EACH)]
        return [(body, gateway.submit(make_sms(body=body))) for body in bodies]

    with ThreadPoolExecutor(THREADS) as threads:
        pairs = [pair for done in threads.map(post, range(THREADS)) for pair in done]
    assert all(receipt.outcome == "accepted" for _, receipt in pairs)
    known = {m["sid"]: m["body"] for m in carrier.messages(limit="10000")}
    assert len(known) == THREADS * EACH
    # Each receipt names the text it is for.
    assert {receipt.sid: body for body, receipt in pairs} == known


def test_each_thread_reads_its_own_retry_after(
    carrier: CarrierProcess, gateway: TwilioGateway, eager_switching: object
) -> None:
    carrier.rules(
        *({"do": "throttle", "to": f"+120655502{n:02d}", "retry_after": n} for n in range(16))
    )

    def post(thread: int) -> set[float | None]:
        return {gateway.submit(make_sms(f"+120655502{thread:02d}")).retry_after for _ in range(50)}

    with ThreadPoolExecutor(THREADS) as threads:
        assert list(threads.map(post, range(16))) == [{float(n)} for n in range(16)]
