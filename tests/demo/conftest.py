from __future__ import annotations

from tests.support.carrier import carrier, carrier_process
from tests.web.conftest import assets, browser_type_launch_args, page

__all__ = ["assets", "browser_type_launch_args", "carrier", "carrier_process", "page"]
