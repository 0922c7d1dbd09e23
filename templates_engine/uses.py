"""What texts are used in, as higher floors tell it."""

from __future__ import annotations

from templates_engine.models import Template
from web.uses import Register

FLOW = "Flow"
_texts: Register[Template] = Register()
register = _texts.register
uses_of = _texts.uses_of
