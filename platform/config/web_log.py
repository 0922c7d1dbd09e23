"""The web server's own logs, the access log too: nothing in them opens anything."""

from __future__ import annotations

import logging
from typing import Any

from gunicorn.glogging import Logger

from api.logs import MaskedText


class WebLogger(Logger):  # type: ignore[misc]
    """For gunicorn's --logger-class. Addresses hold one-time links, opt-out links and numbers."""

    def setup(self, cfg: Any) -> None:
        super().setup(cfg)
        for log in (self.error_log, self.access_log):
            for handler in log.handlers:
                handler.setFormatter(MaskedText(handler.formatter or logging.Formatter()))

    def _get_user(self, environ: dict[str, Any]) -> None:
        """A write key is sent as the user's name: nobody is named."""
