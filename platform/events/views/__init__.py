"""The HTTP edges that take events in: plain Django views, because they are the hot path."""
