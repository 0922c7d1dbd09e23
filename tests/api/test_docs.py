"""What docs/api.md shows has to work as it stands there, call by call."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from urllib.parse import urlsplit

from django.test import Client

from tests.api.calling import Api

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "api.md").read_text()
SHELL = re.findall(r"```sh\n(.*?)```", PAGE, re.S)
VARIABLE = re.compile(r"\$([A-Z_]+)")


def commands() -> list[list[str]]:
    """Every curl of the page, as words."""
    texts = [
        f"curl {text}" for block in SHELL for text in re.split(r"^curl ", block, flags=re.M)[1:]
    ]
    return [shlex.split(text) for text in texts]


def run(words: list[str], values: dict[str, str]) -> tuple[str, int, object]:
    """(method and path, status, answer) of one curl."""
    filled = [VARIABLE.sub(lambda found: values[found[1]], word) for word in words]
    options = {name: filled[at + 1] for at, name in enumerate(filled) if name in {"-u", "-d", "-X"}}
    headers = dict(filled[at + 1].split(": ", 1) for at, name in enumerate(filled) if name == "-H")
    address = next(word for word in filled if word.startswith("http://"))
    url = urlsplit(address)
    method = options.get("-X") or ("POST" if "-d" in options else "GET")
    headers["Authorization"] = f"Bearer {options['-u'].rstrip(':')}"
    path = f"{url.path}?{url.query}" if url.query else url.path
    answer = Client().generic(
        method, path, options.get("-d", "").encode(), "application/json", headers=headers
    )
    return f"{method} {path}", answer.status_code, answer.json()


def test_every_curl_of_the_page_works(api: Api) -> None:
    values = {
        "API_KEY": api.brand.api_key,
        "CONTACT": api.ids["contacts"],
        "MESSAGE": api.ids["messages"],
    }
    done = [run(words, values) for words in commands()]
    assert [(what, status, said) for what, status, said in done if status >= 300] == []
    assert len(done) == PAGE.count("curl ") > 18
    answers = {what: said for what, _, said in done}
    assert answers["GET /api/v1/contacts?search=Maya&limit=10"]["contacts"]  # type: ignore[index]
    sent = [said for what, status, said in done if status == 202]
    assert [message["status"] for message in sent] == ["queued"]  # type: ignore[index]
    assert sent[0]["text"].endswith("Order A-9 is on its way.")  # type: ignore[index]


def test_the_page_names_every_address_of_its_nouns(api: Api) -> None:
    described = Client().get("/api/schema/").json()["paths"]
    elsewhere = ("/api/v1/campaigns", "/api/v1/webhooks", "/api/v1/consents", "/api/v1/opt-out")
    missing = [
        path
        for path in described
        if not path.startswith(elsewhere) and path.split("{")[0].rstrip("/") not in PAGE
    ]
    assert missing == []
