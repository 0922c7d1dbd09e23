"""Starts the carrier simulator."""

from __future__ import annotations

import argparse
import asyncio
import gc
import logging
import os
import signal
import sys
from collections.abc import Awaitable, Sequence
from pathlib import Path

from delivery.carrier_simulator.api import TwilioApi
from delivery.carrier_simulator.carrier import Carrier, Settings
from delivery.carrier_simulator.control import ControlApi
from delivery.carrier_simulator.http_server import HttpProtocol, Reply, Request
from delivery.carrier_simulator.rules import RuleBook
from delivery.carrier_simulator.store import Store
from delivery.carrier_simulator.try_out import SID, try_out_account
from delivery.carrier_simulator.webhooks import LOOPBACK, WebhookSender

MODES = frozenset({"demo", "test"})


def main(argv: Sequence[str] | None = None) -> int:
    """Runs until SIGTERM or SIGINT. 2 = refused to start, 1 = the port is taken."""
    arguments = _parser().parse_args(argv)
    mode = os.environ.get("KAIROS_MODE", "")
    if mode not in MODES:
        sys.stderr.write(
            "The carrier simulator delivers nothing to anybody, so it starts only in demo and "
            f"test: KAIROS_MODE is {mode or 'not set'!r}.\n"
        )
        return 2
    logging.basicConfig(level=arguments.log_level, format="%(levelname)s %(message)s")
    try:
        asyncio.run(_serve(arguments))
    except OSError as error:
        sys.stderr.write(f"The carrier simulator cannot start: {error.strerror or error}.\n")
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m delivery.carrier_simulator")
    add = parser.add_argument
    add("--host", default="127.0.0.1")
    add("--port", type=int, default=0, help="0: any free port; the first line says which")
    add("--state-dir", type=Path, help="keep texts, opt-outs and accounts over a restart")
    add("--fast", action="store_true", help="every status at once")
    add("--callbacks", choices=["on", "off"], default="on")
    add("--callback-host", action="append", default=[], help="a host besides loopback")
    add("--callback-concurrency", type=int, default=16)
    add("--price-after", type=float, default=10.0, help="seconds until a price is known")
    add("--undelivered-share", type=float, default=0.0, help="part that ends undelivered, 0 to 1")
    add("--try-out", action="store_true", help="have the account to try a check on (README)")
    add("--keep", type=int, default=100_000, help="texts to remember")
    add("--seed", default="", help="makes chance repeatable")
    add("--log-level", default="WARNING")
    return parser


async def _serve(arguments: argparse.Namespace) -> None:
    rules = RuleBook(arguments.seed)
    store = Store(arguments.state_dir, keep=arguments.keep)
    webhooks = WebhookSender(
        hosts=LOOPBACK | frozenset(arguments.callback_host),
        concurrency=arguments.callback_concurrency,
    )
    settings = Settings(
        fast=arguments.fast,
        callbacks=arguments.callbacks == "on",
        price_after=arguments.price_after,
        undelivered_share=arguments.undelivered_share,
        seed=arguments.seed,
    )
    if arguments.try_out and SID not in store.accounts:
        store.put_account(try_out_account())
    carrier = Carrier(store, settings, webhooks, rules)
    api = TwilioApi(carrier)
    control = ControlApi(carrier, api)

    def handle(request: Request) -> Reply | Awaitable[Reply]:
        return (control if request.path.startswith("/_sim/") else api).handle(request)

    loop = asyncio.get_running_loop()
    stopped = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stopped.set)
    server = await loop.create_server(
        lambda: HttpProtocol(handle), arguments.host, arguments.port, backlog=512
    )
    webhooks.start()
    carrier.resume()
    gc.freeze()  # what is here now lives as long as the process
    port = server.sockets[0].getsockname()[1]
    sys.stdout.write(f"carrier simulator on http://{arguments.host}:{port}\n")
    sys.stdout.flush()
    await stopped.wait()
    server.close()
    webhooks.stop()
