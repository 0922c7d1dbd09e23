"""The web edge: pages, short links, webhooks."""
