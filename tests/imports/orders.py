"""An order as a shop's own server tells of it."""

from __future__ import annotations

from events.core.incoming import Incoming, set_data, set_name, set_ref


def live_order(key: str) -> Incoming:
    event = Incoming("track")
    set_name(event, "Order Completed", field_name="event", public=False)
    set_ref(event, [("email", "email", "maya@example.com")], country="US")
    set_data(event, {"order_id": key, "total": "9.00"}, {})
    return event
