"""A carrier that is killed still knows every text it accepted."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.carrier_simulator.conftest import make_client
from tests.support.carrier import NUMBER, CarrierProcess
from tests.support.receiver import WebhookReceiver

TO = "+12065550111"


def test_everything_survives_a_kill(tmp_path: Path) -> None:
    carrier = CarrierProcess(state_dir=tmp_path).start()
    carrier.account()
    client = make_client(carrier)
    sids = [client.messages.create(to=TO, from_=NUMBER, body=f"{n}").sid for n in range(20)]
    carrier.wait_idle()
    client.messages(sids[0]).update(body="")
    client.messages(sids[1]).delete()
    carrier.inject("+12065550112", NUMBER, "STOP")
    before = carrier.messages()
    carrier.kill()
    for _ in range(2):  # the second start reads what the first one wrote anew
        with carrier:
            assert carrier.messages() == before
            assert carrier.phone("+12065550112")["opted_out_of"] == [NUMBER]
            assert client.messages(sids[2]).fetch().body == "2"
            assert client.messages(sids[0]).fetch().body == ""


def test_a_text_on_its_way_arrives_after_the_restart(
    tmp_path: Path, receiver: WebhookReceiver
) -> None:
    carrier = CarrierProcess(state_dir=tmp_path, fast=False).start()
    carrier.account(services=[{"sid": "MG" + "b" * 32, "numbers": [NUMBER]}])
    carrier.rules({"do": "deliver_after", "seconds": 1.0})
    client = make_client(carrier)
    client.messages.create(
        to=TO,
        messaging_service_sid="MG" + "b" * 32,
        body="Hi",
        status_callback=receiver.base_url,
    )
    carrier.kill()
    with carrier:
        counts = carrier.wait_idle()
        assert counts["statuses"] == {"delivered": 1}
        [text] = carrier.messages(to=TO)
        assert text["from"] == NUMBER
        assert len(carrier.messages(from_=NUMBER)) == 1
    assert [h.form["MessageStatus"] for h in receiver.hooks][-2:] == ["sent", "delivered"]


def test_a_torn_last_line_is_forgotten(tmp_path: Path) -> None:
    with CarrierProcess(state_dir=tmp_path) as carrier:
        carrier.account()
        make_client(carrier).messages.create(to=TO, from_=NUMBER, body="whole")
        carrier.wait_idle()
    with (tmp_path / "journal.jsonl").open("a") as file:
        file.write('["text", {"sid": "SMtorn')
    with CarrierProcess(state_dir=tmp_path) as carrier:
        assert [m["body"] for m in carrier.messages()] == ["whole"]


def test_no_accepted_text_is_lost_by_a_kill_under_load(tmp_path: Path) -> None:
    carrier = CarrierProcess(state_dir=tmp_path).start()
    carrier.account()
    client = make_client(carrier)

    def post(thread: int) -> list[str]:
        accepted: list[str] = []
        for index in range(200):
            try:
                text = client.messages.create(to=TO, from_=NUMBER, body=f"{thread}-{index}")
            except OSError:  # the carrier is gone
                return accepted
            accepted.append(str(text.sid))
        return accepted

    with ThreadPoolExecutor(8) as threads:
        running = [threads.submit(post, n) for n in range(8)]
        while len(carrier.messages()) < 100:
            pass
        carrier.kill()
        accepted = {sid for done in running for sid in done.result()}
    assert len(accepted) < 1600, "the kill came in the middle"
    with carrier:
        assert accepted <= {m["sid"] for m in carrier.messages(limit="5000")}
