"""What segments are used in, as higher floors tell it."""

from __future__ import annotations

from segments.models import Segment
from web.uses import Register

_segments: Register[Segment] = Register()
register = _segments.register
uses_of = _segments.uses_of
