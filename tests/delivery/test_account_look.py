"""Check against a gateway that is slow, silent or broken: it ends soon and names what is missing."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import requests

from delivery.core.account import SenderName
from delivery.gateways import registry
from delivery.gateways.twilio_account import TwilioInspector
from delivery.gateways.twilio_gateway import GatewayAccount
from tenancy.clock import advance_clock, wall_now
from tests.delivery.sending_desk import KEY, NUMBER, SECRET, SID, TOKEN, Desk, register
from tests.support.carrier import CarrierProcess
from tests.support.scripted import ScriptedServer, answer

pytestmark = pytest.mark.django_db
ACCOUNT = GatewayAccount(SID, SECRET, KEY)


class Muffled:
    """Twilio behind a wall: what goes to a path with one of `silent` in it gets no answer."""

    def __init__(self, carrier: CarrierProcess) -> None:
        self.silent: tuple[str, ...] = ()
        self.asked: list[str] = []
        over = self._over = threading.Event()
        wall = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                wall.asked.append(self.path)
                if any(part in self.path for part in wall.silent):
                    over.wait(120)
                    return
                given = {"Authorization": self.headers["Authorization"]}
                found = carrier.session.get(carrier.base_url + self.path, headers=given, timeout=60)
                self.send_response(found.status_code)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(found.content)))
                self.end_headers()
                self.wfile.write(found.content)

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.base_url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._over.set()
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def wall(
    twilio: CarrierProcess, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Muffled]:
    """The page's check goes through the wall, and gives up sooner than a person would."""
    found = Muffled(twilio)
    settings.KAIROS_TWILIO_BASE_URL = found.base_url
    hasty = partial(TwilioInspector, seconds=60, answer_seconds=2)
    monkeypatch.setattr(registry, "TwilioInspector", hasty)
    yield found
    found.close()


def state_of(page: str) -> str:
    """What stands beside the number."""
    row = page.split("<b>+1 (310) 555-0177</b>", 1)[1].split("</tr>", 1)[0]
    return row.split('<span class="pill ', 1)[1].split(">", 1)[1].split("<", 1)[0]


def button_of(page: str) -> str:
    """The attributes of Twilio's own "Take into use"."""
    card = page.split(">Twilio</h2>", 1)[1]
    return card.split(">Take into use</button>", 1)[0].rsplit("<button", 1)[1]


def test_a_silent_gateway_is_said_to_be_silent_and_is_not_taken_into_use(
    desk: Desk, wall: Muffled
) -> None:
    wall.silent = ("/IncomingPhoneNumbers",)
    began = time.monotonic()
    desk.set_up()
    assert time.monotonic() - began < 60  # the wall is silent for 120
    assert len(wall.asked) == 1
    page = desk.page()
    assert "Twilio did not answer within 5 seconds about the key." in page
    assert "Nothing is known to be wrong" in page
    assert "gave no answer, so nothing is known" in page
    assert "is connected" not in page
    assert state_of(page) == "Not checked yet"
    assert "The last check got no answer. Check the account again." in page
    use = desk.post(f"gateway/{desk.twilio().id}/use/", typed_name="Juniper & Oak")
    assert use.status_code == 409
    assert not desk.twilio().is_live


@pytest.mark.parametrize(
    ("silent", "code", "words", "state"),
    [
        ("/messaging/", "campaign_not_known",
         f"Twilio did not answer within 5 seconds about the 10DLC campaign of {NUMBER}.",
         "Replies go elsewhere"),
        ("PhoneNumber=", "not_known",
         f"Twilio did not answer within 5 seconds about {NUMBER}.", "No answer"),
        (f"/Accounts/{SID}.json", "token_not_known",
         "Twilio did not answer within 5 seconds about the auth token ending in 9642.",
         "Replies go elsewhere"),
    ],
)  # fmt: skip
def test_what_was_not_answered_is_named(
    desk: Desk, wall: Muffled, silent: str, code: str, words: str, state: str
) -> None:
    wall.silent = (silent,)
    desk.set_up()
    found = {each["code"]: each for each in desk.twilio().check_findings}
    assert found[code]["text"] == words
    assert found[code]["tone"] == ""
    assert found["key_works"]["tone"] == "good"
    page = desk.page()
    assert words in page
    assert "found nothing to mend" not in page
    assert state_of(page) == state


def test_a_look_ends_with_its_time_and_connects_once() -> None:
    late = TwilioInspector(ACCOUNT, [TOKEN], "http://127.0.0.1:9", seconds=-1)
    assert late.look([SenderName(NUMBER)]).key.why == "no_time"
    away = TwilioInspector(ACCOUNT, [TOKEN], "http://127.0.0.1:9")
    assert away.look([]).key.why == "connection"
    client = away._client.http_client
    assert client.session.get_adapter("http://x").max_retries.connect == 0
    with ScriptedServer(answer("503 Service Unavailable", "")) as server:
        broken = TwilioInspector(ACCOUNT, [TOKEN], server.base_url)
        assert broken.look([]).key.why == "error"
        assert len(server.requests) == 1


def test_no_request_outlasts_the_look() -> None:
    """However much time one answer has, the whole look has less left: that is what it gets."""
    with ScriptedServer(answer("200 OK", "{}")) as server:
        inspector = TwilioInspector(ACCOUNT, [TOKEN], server.base_url, seconds=3, answer_seconds=90)
        client = inspector._client.http_client
        client.request("GET", f"{server.base_url}/api/x")
        assert 0 < client.total <= 3
        inspector._client.http_client._until = time.monotonic() - 1
        with pytest.raises(requests.Timeout):
            client.request("GET", f"{server.base_url}/api/x")
        assert len(server.requests) == 1


def test_the_button_is_off_and_says_why_until_a_good_check(
    desk: Desk, twilio: CarrierProcess, settings: Any
) -> None:
    def button() -> str:
        return button_of(desk.page())

    said = desk.connect(secret="not-the-secret-of-this-key")
    assert said.status_code == 302
    page = desk.page()
    assert "Twilio's key is stored, not checked yet." in page
    assert "is connected" not in page
    assert "disabled" in button()
    assert "Check the account first." in desk.page()
    gateway = desk.twilio()
    desk.post(f"gateway/{gateway.id}/sender/", sender=NUMBER)
    assert state_of(desk.page()) == "Not checked yet"
    desk.check()
    page = desk.page()
    assert "The check found what stops texts." in page
    assert "is connected" not in page
    assert "disabled" in button()
    assert "The last check found what stops every text." in page
    inbound = f"{settings.KAIROS_PUBLIC_BASE_URL}/webhooks/twilio/{gateway.id}/inbound"
    register(twilio, inbound)
    desk.post(f"gateway/{gateway.id}/key/", account_sid=SID, api_key_sid=KEY, secret=SECRET)
    assert state_of(desk.page()) == "Not checked yet"
    assert desk.check()[0] == "key_works"
    page = desk.page()
    assert "Twilio is connected. The check found nothing to mend." in page
    assert state_of(page) == "Can send"
    assert "disabled" not in button()


def test_with_a_demo_clock_the_button_is_off_and_says_so(
    desk: Desk, twilio: CarrierProcess
) -> None:
    desk.set_up()
    advance_clock(wall_now())
    page = desk.page()
    assert "disabled" in button_of(page)
    reason = button_of(page).split('aria-describedby="', 1)[1].split('"', 1)[0]
    beside = page.split(f'id="{reason}">', 1)[1].split("</p>", 1)[0]
    assert "demo clock" in beside
