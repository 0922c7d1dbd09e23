"""The edges machines use: the gateway's webhooks and the short links in texts."""
