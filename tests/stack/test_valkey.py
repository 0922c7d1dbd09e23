"""The embedded Valkey: one socket, nothing kept, both spellings of its address."""

from __future__ import annotations

import stat
import urllib.parse

import redis
from kombu import Connection

from stack.valkey import EmbeddedValkey


def client(server: EmbeddedValkey) -> redis.Redis:
    return redis.Redis.from_url(server.url())


def test_it_is_version_9_and_listens_on_no_port(valkey: EmbeddedValkey) -> None:
    assert client(valkey).info("server")["valkey_version"].startswith("9")
    assert client(valkey).config_get("port") == {"port": "0"}
    assert stat.S_IMODE(valkey.place.sockets.stat().st_mode) == 0o700


def test_celerys_spelling_leads_to_the_same_server(valkey: EmbeddedValkey) -> None:
    with Connection(valkey.broker_url(0)) as connection:
        connection.SimpleQueue("wakes").put({"n": 1})
    assert client(valkey).llen("wakes") == 1
    assert urllib.parse.urlsplit(valkey.broker_url()).scheme == "redis+socket"


def test_killed_it_comes_back_empty_under_the_same_address(valkey: EmbeddedValkey) -> None:
    before = valkey.url()
    client(valkey).set("held", "1")
    valkey.kill()
    valkey.start()
    assert valkey.url() == before
    assert client(valkey).get("held") is None


def test_it_takes_over_from_one_that_nobody_looks_after(valkey: EmbeddedValkey) -> None:
    client(valkey).set("held", "1")
    again = EmbeddedValkey(valkey.folder)
    again.start()
    try:
        assert any("still there" in note for note in again.notes)
        assert client(again).get("held") is None
    finally:
        again.stop()
